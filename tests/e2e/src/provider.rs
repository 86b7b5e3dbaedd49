//! An OpenID provider, and a server whose people sign in with it.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use waypost_test_harness::{OidcProvider, ServerOptions, ServerProcess, TestDatabase, free_port};

use crate::browser::{Browser, Page};
use crate::member::closed;

/// What the server proves itself with. It must be nowhere to be read.
pub const CLIENT_SECRET: &str = "the-secret-of-the-client";

/// A server and its provider.
pub struct ProviderRig {
    /// The server. Its address is its base URL.
    pub server: ServerProcess,
    /// The provider.
    pub provider: OidcProvider,
    options: ServerOptions,
}

impl ProviderRig {
    /// Starts both, the server with these settings besides.
    pub fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let base = format!("http://127.0.0.1:{port}");
        let configuration = json!({
            "client_id": "waypost",
            "client_secret": CLIENT_SECRET,
            "redirect_uri": format!("{base}/auth/oidc/callback"),
        });
        let provider = OidcProvider::start(&configuration.to_string());
        let mut options = closed()
            .env("WAYPOST_BASE_URL", base)
            .env("WAYPOST_LOG", "debug")
            .env("WAYPOST_OIDC_ISSUER", provider.issuer())
            .env("WAYPOST_OIDC_CLIENT_ID", "waypost")
            .env("WAYPOST_OIDC_CLIENT_SECRET", CLIENT_SECRET);
        for (name, value) in settings {
            options = options.env(*name, *value);
        }
        let own = options.clone();
        let own = own.env("WAYPOST_LISTEN", format!("127.0.0.1:{port}"));
        Self {
            server: ServerProcess::start(database, own),
            provider,
            options,
        }
    }

    /// Another server of the same address, behind which it may be, on a port of its own.
    pub fn another_node(&self, database: &TestDatabase) -> ServerProcess {
        ServerProcess::start(database, self.options.clone())
    }

    /// Tells the provider what to do.
    ///
    /// # Panics
    /// When it does not understand.
    pub async fn control(&self, changes: Value) {
        let url = format!("{}/test/control", self.provider.issuer());
        let answer = Client::new().post(url).json(&changes).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{changes}");
    }

    /// How often the provider was asked for a path.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn requests(&self, path: &str) -> usize {
        let url = format!("{}/test/requests", self.provider.issuer());
        let answer = Client::new().get(url).send().await.expect("an answer");
        let requests: Vec<String> = answer.json().await.expect("a list");
        requests.iter().filter(|request| *request == path).count()
    }

    /// Whoever signs in next has this account there.
    pub async fn account(&self, account: Value) {
        self.control(json!({ "account": account })).await;
    }

    /// A new browser.
    pub fn browser(&self) -> Browser {
        Browser::of(&self.server)
    }

    /// Where to begin to sign in, and to look at oneself afterwards.
    pub fn begin(&self) -> String {
        let me = "/auth/oidc/login?redirect=/api/v1/users/me";
        self.server.url(me)
    }

    /// The last page of a sign-in with a new browser: oneself, where it succeeds.
    pub async fn sign_in(&self) -> Page {
        self.browser().go(&self.begin()).await
    }

    /// Goes to the provider, and gives back the address that it sends the browser back to.
    pub async fn to_callback(&self, browser: &mut Browser) -> String {
        let callback = self.server.url("/auth/oidc/callback");
        browser.go_until(&self.begin(), &callback).await.into()
    }
}

/// Checks that a page says that nobody was signed in, and why.
///
/// # Panics
/// When it does not.
pub fn assert_refused(page: &Page, status: StatusCode, code: &str) {
    assert_eq!(page.status, status, "{page:?}");
    assert!(page.body.contains(code), "{page:?}");
    let html = page.headers.get("content-type").expect("a type");
    assert!(html.to_str().expect("ASCII").starts_with("text/html"));
    let cookies = page.headers.get_all("set-cookie");
    let session = |cookie: &reqwest::header::HeaderValue| {
        cookie.as_bytes().starts_with(b"waypost_session=wps_")
    };
    assert!(!cookies.iter().any(session), "{page:?}");
}

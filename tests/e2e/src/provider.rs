//! An OpenID provider, and a server that uses it for sign-in.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use waypost_test_harness::{OidcProvider, ServerOptions, ServerProcess, TestDatabase, free_port};

use crate::browser::{Browser, Page};
use crate::member::closed;

/// The client secret of the server. It must not appear in any output.
pub const CLIENT_SECRET: &str = "the-secret-of-the-client";

/// A server and its provider.
pub struct ProviderRig {
    /// The server. It listens at its base URL.
    pub server: ServerProcess,
    /// The provider.
    pub provider: OidcProvider,
    options: ServerOptions,
}

impl ProviderRig {
    /// Starts both; the server gets these additional settings.
    pub fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Self::start_at(database, "", settings)
    }

    /// Starts both; the server is configured for an issuer with this at its end.
    pub fn start_at(database: &TestDatabase, path: &str, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let base = format!("http://127.0.0.1:{port}");
        let configuration = json!({
            "client_id": "waypost",
            "client_secret": CLIENT_SECRET,
            "redirect_uri": format!("{base}/auth/oidc/callback"),
            "post_logout_redirect_uri": format!("{base}/auth/logout"),
        });
        let provider = OidcProvider::start(&configuration.to_string());
        let mut options = closed()
            .env("WAYPOST_BASE_URL", base)
            .env("WAYPOST_LOG", "debug")
            .env(
                "WAYPOST_OIDC_ISSUER",
                format!("{}{path}", provider.issuer()),
            )
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

    /// Starts another server with the same base URL on a port of its own, as with a load balancer.
    pub fn another_node(&self, database: &TestDatabase) -> ServerProcess {
        ServerProcess::start(database, self.options.clone())
    }

    /// Changes the behaviour of the provider.
    ///
    /// # Panics
    /// When the provider rejects the changes.
    pub async fn control(&self, changes: Value) {
        let url = format!("{}/test/control", self.provider.issuer());
        let answer = Client::new().post(url).json(&changes).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{changes}");
    }

    /// Returns the number of requests to a path of the provider.
    ///
    /// # Panics
    /// When the provider does not respond.
    pub async fn requests(&self, path: &str) -> usize {
        let url = format!("{}/test/requests", self.provider.issuer());
        let answer = Client::new().get(url).send().await.expect("an answer");
        let requests: Vec<String> = answer.json().await.expect("a list");
        requests.iter().filter(|request| *request == path).count()
    }

    /// Returns the parameters of all requests for signing out.
    ///
    /// # Panics
    /// When the provider does not respond.
    pub async fn logouts(&self) -> Vec<Value> {
        let url = format!("{}/test/logouts", self.provider.issuer());
        let answer = Client::new().get(url).send().await.expect("an answer");
        answer.json().await.expect("a list")
    }

    /// Sets the account that the next sign-in uses at the provider.
    pub async fn account(&self, account: Value) {
        self.control(json!({ "account": account })).await;
    }

    /// Creates a browser.
    pub fn browser(&self) -> Browser {
        Browser::of(&self.server)
    }

    /// Returns the URL that starts a sign-in, which returns to `/api/v1/users/me`.
    pub fn begin(&self) -> String {
        let me = "/auth/oidc/login?redirect=/api/v1/users/me";
        self.server.url(me)
    }

    /// Signs in with a new browser and returns the last page: the user's account on success.
    pub async fn sign_in(&self) -> Page {
        self.browser().go(&self.begin()).await
    }

    /// Signs in at the provider and returns the URL of the callback, without opening it.
    pub async fn to_callback(&self, browser: &mut Browser) -> String {
        let callback = self.server.url("/auth/oidc/callback");
        browser.go_until(&self.begin(), &callback).await.into()
    }
}

/// Checks that a page refuses a sign-in with this status and error code, and sets no session.
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

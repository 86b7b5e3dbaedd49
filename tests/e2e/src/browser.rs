//! A minimal browser for sign-in: it stores cookies, fills in forms and can follow redirects.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use serde_json::Value;
use waypost_test_harness::ServerProcess;

/// The `Accept` header of browsers.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Maximum number of redirects to follow.
const MAX_REDIRECTS: usize = 10;

/// The browser of one user, on one server. The servers of a test are on the same host and therefore
/// share its cookies (RFC 6265 §8.5).
#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// A response: a page or a redirect.
#[derive(Debug)]
pub struct Page {
    /// The URL that was requested.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The `Location` header.
    pub location: Option<String>,
    /// The seconds to wait, from the `Retry-After` header.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: String,
}

impl Page {
    /// Returns the absolute URL of the redirect.
    pub fn target(&self) -> Option<Url> {
        self.url.join(self.location.as_deref()?).ok()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Browser {
    /// Creates a browser without cookies.
    ///
    /// # Panics
    /// Never: creating the client needs no resources.
    pub fn of(server: &ServerProcess) -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client needs nothing");
        Self {
            client,
            base: server.url(""),
            cookies: BTreeMap::new(),
        }
    }

    /// Returns the same browser, with its cookies, on another server.
    #[must_use]
    pub fn on(&self, server: &ServerProcess) -> Self {
        Self {
            base: server.url(""),
            ..self.clone()
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        let request = self.client.request(method, url).header("Accept", ACCEPT);
        if self.cookies.is_empty() {
            return request;
        }
        let pairs = self.cookies.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
        request.header("Cookie", pairs.collect::<Vec<_>>().join("; "))
    }

    async fn send(&mut self, request: RequestBuilder) -> Page {
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once("; ").expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            let attributes = attributes.to_lowercase();
            if attributes.ends_with("max-age=0") || attributes.contains("expires=thu, 01 jan 1970")
            {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            url: answer.url().clone(),
            status: answer.status(),
            headers: answer.headers().clone(),
            location: header("location"),
            retry_after: header("retry-after").and_then(|text| text.parse().ok()),
            body: answer.text().await.expect("a body"),
        }
    }

    /// Returns the value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    /// Returns the names and values of the cookies whose names begin with `prefix`.
    pub fn cookies(&self, prefix: &str) -> Vec<(String, String)> {
        let all = self.cookies.iter();
        let all = all.filter(|(name, _)| name.starts_with(prefix));
        all.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Sets a cookie, as developer tools can.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a path, or a URL of another server.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Opens a path or a URL, follows all redirects and returns the last page.
    ///
    /// # Panics
    /// When there are too many redirects.
    pub async fn go(&mut self, address: &str) -> Page {
        let last = self.walk(address, |_| false).await;
        last.expect("a last page")
    }

    /// Follows the redirects of a path or a URL up to a destination that begins with `prefix`, and
    /// returns that destination without opening it.
    ///
    /// # Panics
    /// When no redirect goes there.
    pub async fn go_until(&mut self, address: &str, prefix: &str) -> Url {
        let is_there = |url: &Url| url.as_str().starts_with(prefix);
        let reached = self.walk(address, is_there).await;
        reached.expect_err("a redirect there")
    }

    async fn walk(&mut self, address: &str, is_there: impl Fn(&Url) -> bool) -> Result<Page, Url> {
        let mut page = self.open(address).await;
        for _ in 0..MAX_REDIRECTS {
            match page.target() {
                None => return Ok(page),
                Some(url) if is_there(&url) => return Err(url),
                Some(url) => page = self.open(url.as_str()).await,
            }
        }
        panic!("too many redirects: {page:?}");
    }

    /// Fills in the form of a page, leaves hidden fields as they are, and submits it to its action.
    ///
    /// # Panics
    /// When the page has no form.
    pub async fn fill(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = between(&page.body, "action=\"", "\"").expect("a form");
        let mut all: Vec<(String, String)> = Vec::new();
        for field in page.body.split("<input type=\"hidden\" ").skip(1) {
            let name = between(field, "name=\"", "\"").expect("a name");
            let value = between(field, "value=\"", "\"").expect("a value");
            all.push((name.to_owned(), value.replace("&#38;", "&")));
        }
        for (name, value) in fields {
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let encoded = Url::parse_with_params("http://form/", all).expect("a URL");
        let request = self
            .request(Method::POST, action)
            .header("Origin", &self.base)
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(encoded.query().unwrap_or_default().to_owned());
        self.send(request).await
    }

    /// Signs in, with a path to return to.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn sign_in(&mut self, email: &str, password: &str, path: &str) -> Page {
        let page = self.open(&format!("/auth/login?redirect={path}")).await;
        let fields = [("email", email), ("password", password)];
        self.fill(&page, &fields).await
    }

    /// Sends JSON to the API, as pages of the server do.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn call(&mut self, method: Method, path: &str, body: &Value) -> Page {
        let request = self
            .request(method, path)
            .header("Origin", &self.base)
            .json(body);
        self.send(request).await
    }

    /// Returns whether a user is signed in with this browser.
    ///
    /// # Panics
    /// When the server does not respond.
    pub async fn is_signed_in(&mut self) -> bool {
        self.open("/api/v1/users/me").await.status == StatusCode::OK
    }
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(behind)?;
    Some(found)
}

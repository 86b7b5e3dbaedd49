//! A browser, as far as signing in needs one: it keeps cookies, fills in forms, and follows what it is told.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use serde_json::Value;
use waypost_test_harness::ServerProcess;

/// What browsers accept.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 10;

/// Somebody's browser, on one server. Other servers of the tests are on the same host, and so share its
/// cookies (RFC 6265 §8.5).
#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// A page, or where it leads.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it leads.
    pub location: Option<String>,
    /// How many seconds to wait.
    pub retry_after: Option<u64>,
    /// What is on it.
    pub body: String,
}

impl Page {
    /// Where it leads, absolute.
    pub fn target(&self) -> Option<Url> {
        self.url.join(self.location.as_deref()?).ok()
    }

    /// What is on it, as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Browser {
    /// A new one, which has no cookies.
    ///
    /// # Panics
    /// Never: a client needs nothing.
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

    /// The same, with its cookies, on another server.
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

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.get(name).cloned()
    }

    /// Sets a cookie, as somebody with tools may.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Opens a path, or the address of another server.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Opens a path or an address, and goes where it leads, to the last page.
    ///
    /// # Panics
    /// When that takes too many redirects.
    pub async fn go(&mut self, address: &str) -> Page {
        let last = self.walk(address, |_| false).await;
        last.expect("a last page")
    }

    /// Goes where a path or an address leads, until that begins like this; there it does not go.
    ///
    /// # Panics
    /// When it does not lead there.
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

    /// Fills in the form of a page, the hidden fields as they are, and sends it to where it says.
    ///
    /// # Panics
    /// When there is no form.
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

    /// Signs in, to go on to a path.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn sign_in(&mut self, email: &str, password: &str, path: &str) -> Page {
        let page = self.open(&format!("/auth/login?redirect={path}")).await;
        let fields = [("email", email), ("password", password)];
        self.fill(&page, &fields).await
    }

    /// Sends JSON to the API, as a page of the server does.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn call(&mut self, method: Method, path: &str, body: &Value) -> Page {
        let request = self
            .request(method, path)
            .header("Origin", &self.base)
            .json(body);
        self.send(request).await
    }

    /// Whether somebody is signed in with it.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn is_signed_in(&mut self) -> bool {
        self.open("/api/v1/users/me").await.status == StatusCode::OK
    }
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(behind)?;
    Some(found)
}

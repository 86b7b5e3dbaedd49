//! A browser, as far as signing in needs one: it keeps cookies, fills in forms, and follows what it is told.

use std::collections::BTreeMap;

use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};
use serde_json::Value;
use waypost_test_harness::ServerProcess;

/// What browsers accept.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Somebody's browser, on one server.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// A page, or where it leads.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Where it leads.
    pub location: Option<String>,
    /// How many seconds to wait.
    pub retry_after: Option<u64>,
    /// What is on it.
    pub body: String,
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
        let request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header("Accept", ACCEPT);
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
            if attributes.ends_with("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: answer.status(),
            location: header("location"),
            retry_after: header("retry-after").and_then(|text| text.parse().ok()),
            body: answer.text().await.expect("a body"),
        }
    }

    /// Opens a path.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request(Method::GET, path);
        self.send(request).await
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

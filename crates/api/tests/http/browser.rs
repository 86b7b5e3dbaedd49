//! A simple browser: it keeps cookies and fills in forms.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Method, RequestBuilder, StatusCode};
use waypost_core::{DisplayName, Email, Password, Role, User};
use waypost_service::NewUser;

use crate::setup::{Answer, TestServer, send};

/// The `Accept` header of browsers.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) const fn of(server: &'a TestServer) -> Self {
        Self {
            server,
            cookies: RefCell::new(BTreeMap::new()),
        }
    }

    /// Returns the value of the cookie whose name ends with `name`.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.borrow();
        let mut found = cookies.iter().filter(|(given, _)| given.ends_with(name));
        found.next().map(|(_, value)| value.clone())
    }

    /// Copies a cookie of another browser.
    pub(crate) fn plant(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.borrow_mut();
        cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Returns a request with the cookies, which can be changed before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.server.request(method, path).header("Accept", ACCEPT);
        let cookies = self.cookies.borrow();
        if cookies.is_empty() {
            return request;
        }
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        request.header(COOKIE, pairs.collect::<Vec<_>>().join("; "))
    }

    /// Sends a request and keeps the cookies of the response.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if attributes.ends_with("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Returns a request that sends a form.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Opens a page with a form, fills in the form and sends it to the same path.
    pub(crate) async fn fill(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        let csrf = hidden(&page.body, "csrf");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let request = self
            .form(path, &all)
            .header("Sec-Fetch-Site", "same-origin");
        self.send(request).await
    }

    /// Signs in, with a path to redirect to.
    pub(crate) async fn sign_in(&self, email: &str, password: &str, redirect: &str) -> Answer {
        let fields = [
            ("email", email),
            ("password", password),
            ("redirect", redirect),
        ];
        self.fill("/auth/login", &fields).await
    }
}

/// Returns the value of a hidden field.
#[track_caller]
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let field = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).unwrap_or_else(|| panic!("{page}"));
    let (value, _) = rest.split_once('"').unwrap();
    value.to_owned()
}

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const ME: &str = "/api/v1/users/me";

/// Adds `NAME@example.com` with [`PASSWORD`].
pub(crate) async fn add(server: &TestServer, name: &str) -> User {
    let new = NewUser {
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        display_name: DisplayName::default(),
        role: Role::Member,
        password: Some(Password::parse(PASSWORD).unwrap()),
    };
    server.accounts.add_user(new).await.unwrap()
}

/// Starts a server with the user Ada, and a browser in which she is signed in.
pub(crate) async fn signed_in(server: &TestServer) -> Browser<'_> {
    let browser = Browser::of(server);
    let answer = browser.sign_in("ada@example.com", PASSWORD, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    browser
}

/// Returns the status of a request that requires a session.
pub(crate) async fn status(browser: &Browser<'_>) -> u16 {
    browser.get(ME).await.status.as_u16()
}

pub(crate) fn cookies(answer: &Answer) -> Vec<&str> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap()).collect()
}

//! Pages of HTML: their templates, and what every one of them is sent with.
//!
//! They work without JavaScript and load one stylesheet, from this server. There is no `form-action` in
//! their policy: some browsers apply it to where a form leads in the end, and signing in leads on to the
//! targets of links, and to identity providers.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use askama::Template;

use crate::errors::{ApiError, ErrorBody};

/// What every page has. Its address may hold a secret, which is nobody else's business.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
/// The stylesheet of all pages.
pub(crate) const STYLESHEET: &str = include_str!("../templates/page.css");

/// Signing in.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage<'a> {
    pub(crate) base: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) redirect: &'a str,
    pub(crate) email: &'a str,
    /// The host of the OpenID provider, where there is one.
    pub(crate) provider: Option<&'a str>,
    pub(crate) problem: Option<&'a str>,
}

/// Signing out.
#[derive(Template)]
#[template(path = "logout.html")]
pub(crate) struct LogoutPage<'a> {
    pub(crate) base: &'a str,
    pub(crate) csrf: &'a str,
    /// Who is signed in.
    pub(crate) email: Option<&'a str>,
}

/// Making the first admin.
#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage<'a> {
    pub(crate) base: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) token: &'a str,
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) problem: Option<&'a str>,
}

/// What went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    base: &'a str,
    heading: &'a str,
    message: &'a str,
    code: &'a str,
}

/// The answer that a page is.
///
/// # Errors
/// `INTERNAL` when the template cannot be filled in.
pub(crate) fn answer(status: StatusCode, page: &impl Template) -> Result<PageAnswer, ApiError> {
    let body = page.render().map_err(ApiError::internal)?;
    let mut response = HttpResponse::build(status);
    headed(&mut response);
    Ok(PageAnswer { response, body })
}

/// A page to which headers can be added.
pub(crate) struct PageAnswer {
    response: HttpResponseBuilder,
    body: String,
}

impl PageAnswer {
    /// Adds a cookie, where there is one to be kept.
    pub(crate) fn keeping(mut self, cookie: Option<HeaderValue>) -> Self {
        if let Some(cookie) = cookie {
            self.response.append_header((header::SET_COOKIE, cookie));
        }
        self
    }

    pub(crate) fn finish(mut self) -> HttpResponse {
        self.response.body(self.body)
    }
}

fn headed(response: &mut HttpResponseBuilder) {
    for (name, value) in HEADERS {
        response.insert_header((name, value));
    }
    response.insert_header(ContentType::html());
}

/// An error of a page, which is a page.
#[derive(Debug)]
pub(crate) struct PageError {
    pub(crate) error: ApiError,
    base: String,
}

impl PageError {
    /// An error on a server whose paths stand behind `base`.
    pub(crate) fn new(error: ApiError, base: &str) -> Self {
        Self {
            error,
            base: base.to_owned(),
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        self.error.code().status()
    }

    fn error_response(&self) -> HttpResponse {
        let ErrorBody {
            error,
            code,
            message,
        } = self.error.body();
        let page = ProblemPage {
            base: &self.base,
            heading: error,
            message: &crate::error_page::sentence(&message),
            code: code.name(),
        };
        let mut response = HttpResponse::build(self.status_code());
        headed(&mut response);
        for header in self.error.headers() {
            response.insert_header(header);
        }
        response.body(page.render().unwrap_or_default())
    }
}

/// What is known of an error that an answer was made of.
pub(crate) fn api_error(error: &actix_web::Error) -> Option<&ApiError> {
    let of_page = || error.as_error::<PageError>().map(|page| &page.error);
    error.as_error::<ApiError>().or_else(of_page)
}

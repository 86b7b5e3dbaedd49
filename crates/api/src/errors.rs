//! Errors: the table of codes with their HTTP status and name, and the body of every error
//! response.
//!
//! Module `conversions` converts the errors of other crates.
//!
//! A handler returns an [`ApiError`]. Clients get its code, which is part of the contract, and a
//! message that says what to do. The cause is never sent: [`crate::request::access`] logs it once,
//! with the ID of the request.

mod conversions;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use waypost_core::{Count, Scope};

use crate::request::budget::seconds;

/// Seconds after which a client may try again when something is unavailable.
const RETRY_AFTER_S: &str = "1";

/// The stable code of an error, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
    /// The body or the query of the request is invalid.
    BadRequest,
    /// The URL cannot be a destination.
    UrlInvalid,
    /// The host of the URL is on the blocklist.
    TargetBlocked,
    /// The text cannot be a code.
    CodeInvalid,
    /// The code is reserved for a route of Waypost itself.
    CodeReserved,
    /// A title, description, tag or expiry is invalid.
    DetailInvalid,
    /// No user has this email address.
    UserUnknown,
    /// The token or session is missing, or is not valid.
    Unauthorized,
    /// The token lacks a scope.
    ScopeMissing,
    /// API tokens cannot do this; sign in.
    SessionRequired,
    /// The caller may not do this.
    Forbidden,
    /// The code is below that of a link of other owners.
    PathOwned,
    /// The request has no proof that a page of this server sent it.
    Csrf,
    /// Another link has the code.
    CodeTaken,
    /// The request conflicts with the present state.
    Conflict,
    /// The path or the resource does not exist, or the caller has no access.
    NotFound,
    /// The link has expired, is disabled, or the host of its destination is blocked.
    Gone,
    /// The link has another version than `If-Match` names.
    PreconditionFailed,
    /// The path does not accept this method; `Allow` lists those that it accepts.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The body is too long.
    BodyTooLarge,
    /// The path and the query are too long.
    UriTooLong,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// Too many requests or failed attempts; `Retry-After` says when to try again.
    TooManyRequests,
    /// The head of the request is too long, or has too many headers.
    HeadTooLarge,
    /// The sign-in was not started in this browser, or the response of the OpenID provider is
    /// invalid.
    OidcFailed,
    /// The OpenID provider or this server refused the sign-in.
    OidcRefused,
    /// The OpenID provider is unavailable; `Retry-After` says when to try again.
    OidcUnavailable,
    /// Sign-in with the OpenID provider is not set up correctly.
    OidcMisconfigured,
    /// An internal error.
    Internal,
    /// Too many requests of this kind are waiting; `Retry-After` says when to try again.
    Busy,
    /// The database is unavailable; `Retry-After` says when to try again.
    Unavailable,
    /// The body has a transfer coding other than `chunked`.
    CodingUnsupported,
    /// The version of HTTP is not 1.0 or 1.1.
    VersionUnsupported,
    /// The server has too little free disk space for a change.
    DiskFull,
}

impl ErrorCode {
    /// Returns the row of the code: its HTTP status and its name.
    const fn row(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Self::UrlInvalid => (StatusCode::BAD_REQUEST, "URL_INVALID"),
            Self::TargetBlocked => (StatusCode::BAD_REQUEST, "TARGET_BLOCKED"),
            Self::CodeInvalid => (StatusCode::BAD_REQUEST, "CODE_INVALID"),
            Self::CodeReserved => (StatusCode::BAD_REQUEST, "CODE_RESERVED"),
            Self::DetailInvalid => (StatusCode::BAD_REQUEST, "DETAIL_INVALID"),
            Self::UserUnknown => (StatusCode::BAD_REQUEST, "USER_UNKNOWN"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::ScopeMissing => (StatusCode::FORBIDDEN, "SCOPE_MISSING"),
            Self::SessionRequired => (StatusCode::FORBIDDEN, "SESSION_REQUIRED"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::PathOwned => (StatusCode::FORBIDDEN, "PATH_OWNED"),
            Self::Csrf => (StatusCode::FORBIDDEN, "CSRF"),
            Self::CodeTaken => (StatusCode::CONFLICT, "CODE_TAKEN"),
            Self::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
            Self::Gone => (StatusCode::GONE, "GONE"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE"),
            Self::UriTooLong => (StatusCode::URI_TOO_LONG, "URI_TOO_LONG"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
            }
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "HEAD_TOO_LARGE",
            ),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "BUSY"),
            Self::OidcFailed => (StatusCode::BAD_REQUEST, "OIDC_FAILED"),
            Self::OidcRefused => (StatusCode::FORBIDDEN, "OIDC_REFUSED"),
            Self::OidcUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE"),
            Self::OidcMisconfigured => (StatusCode::SERVICE_UNAVAILABLE, "OIDC_MISCONFIGURED"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::CodingUnsupported => (StatusCode::NOT_IMPLEMENTED, "CODING_UNSUPPORTED"),
            Self::VersionUnsupported => (
                StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                "VERSION_UNSUPPORTED",
            ),
            Self::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "DISK_FULL"),
        }
    }

    /// Returns the HTTP status of the response.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().0
    }

    /// Returns the code as clients see it.
    pub(crate) const fn name(self) -> &'static str {
        self.row().1
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The body of every error response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "error": "Not Found",
    "code": "NOT_FOUND",
    "message": "no link found; check the spelling"
}))]
pub(crate) struct ErrorBody<'a> {
    /// The reason phrase of the HTTP status, for people.
    pub(crate) error: &'static str,
    /// The code of the error, for programs.
    pub(crate) code: ErrorCode,
    /// What is wrong and what to do, for people.
    pub(crate) message: Cow<'a, str>,
}

/// The failure of an operation, with a message for the client and a cause for the log.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    /// An additional header, such as the allowed methods or the required credentials (RFC 6750 §3).
    header: Option<Box<(HeaderName, HeaderValue)>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// Creates an error without a cause.
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            header: None,
            source: None,
        }
    }

    /// Creates the error for missing credentials, or for invalid ones if some were `presented`.
    pub(crate) fn unauthorized(presented: bool) -> Self {
        let (challenge, message) = if presented {
            (
                "Bearer error=\"invalid_token\"",
                "the API token is invalid, expired or revoked, or its user is disabled",
            )
        } else {
            (
                "Bearer",
                "sign in, or send an API token in the header `Authorization: Bearer …`",
            )
        };
        Self {
            header: with(header::WWW_AUTHENTICATE, challenge),
            ..Self::new(ErrorCode::Unauthorized, message)
        }
    }

    /// Creates the error for a token that lacks a scope.
    pub(crate) fn scope_missing(scope: Scope) -> Self {
        let scope = scope.as_str();
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        Self {
            header: with(header::WWW_AUTHENTICATE, &challenge),
            ..Self::new(
                ErrorCode::ScopeMissing,
                format!("this requires a token with the scope `{scope}`"),
            )
        }
    }

    /// Creates the error for an API token that is used for what requires a session.
    pub(crate) fn session_required() -> Self {
        Self::new(
            ErrorCode::SessionRequired,
            "API tokens cannot change what users sign in with; sign in on the web pages, or use the \
             operator's token or linkctl",
        )
    }

    /// Creates the error for a caller who may not do this.
    pub(crate) fn forbidden(message: &'static str) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Creates the error for too many failed attempts; the next one is allowed after `wait`.
    pub(crate) fn too_many_attempts(wait: time::Duration) -> Self {
        Self::too_many_requests("too many failed attempts", wait)
    }

    /// Creates the error for too many requests; the next one is allowed after `wait`.
    pub(crate) fn too_many_requests(what: &str, wait: time::Duration) -> Self {
        let seconds = seconds(wait);
        let time = Count::of(seconds.unsigned_abs(), "second");
        Self {
            header: with(header::RETRY_AFTER, &seconds.to_string()),
            ..Self::new(
                ErrorCode::TooManyRequests,
                format!("{what}; try again in {time}"),
            )
        }
    }

    /// Creates the error for a change while there is too little free disk space.
    pub(crate) fn disk_full() -> Self {
        Self::new(
            ErrorCode::DiskFull,
            "this server has too little free disk space for changes; tell its operator",
        )
    }

    /// Creates the error for a live stream beyond the maximum number.
    pub(crate) fn too_many_streams(what: &str) -> Self {
        Self::too_many_requests(what, time::Duration::seconds(60))
    }

    /// Creates the error for an invalid query or body.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// Creates the error for a code that no link has.
    pub(crate) fn no_such_link() -> Self {
        Self::new(ErrorCode::NotFound, "no link found; check the spelling")
    }

    /// Creates the error for a resource that does not exist or that the caller cannot see.
    pub(crate) fn no_such_thing() -> Self {
        Self::new(ErrorCode::NotFound, "not found, or you do not have access")
    }

    /// Creates the error for a path that no route has.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "there is nothing at this path; /api/docs describes the API",
        )
    }

    /// Creates the error for a path that accepts only the methods in `allow`, separated by commas.
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        Self {
            header: with(header::ALLOW, allow),
            ..Self::new(
                ErrorCode::MethodNotAllowed,
                format!("this path accepts only {allow}"),
            )
        }
    }

    /// Creates an internal error; clients do not see its cause.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                ErrorCode::Internal,
                "internal error; if it persists, report the X-Request-Id of this response to the operator",
            )
        }
    }

    /// Adds a cause, for the log.
    pub(crate) fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// Sets a cookie in place of the additional header.
    pub(crate) fn setting(self, cookie: Option<HeaderValue>) -> Self {
        Self {
            header: cookie.map(|cookie| Box::new((header::SET_COOKIE, cookie))),
            ..self
        }
    }

    /// Creates the error for an unavailable database.
    pub(crate) fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                ErrorCode::Unavailable,
                "the database is unavailable; try again in a moment",
            )
        }
    }

    /// Returns the code.
    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the body of the response.
    pub(crate) fn body(&self) -> ErrorBody<'_> {
        ErrorBody {
            error: self
                .code
                .status()
                .canonical_reason()
                .unwrap_or(self.code.name()),
            code: self.code,
            message: Cow::Borrowed(&self.message),
        }
    }

    /// Converts into a body, for a response with several results.
    pub(crate) fn into_body(self) -> ErrorBody<'static> {
        ErrorBody {
            message: self.message,
            error: self
                .code
                .status()
                .canonical_reason()
                .unwrap_or(self.code.name()),
            code: self.code,
        }
    }

    /// Returns the headers of the response, which do not depend on the format of the body.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let retry = matches!(
            self.code,
            ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::OidcUnavailable
        )
        .then(|| (header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S)));
        let own = self.header.as_deref().cloned();
        retry.into_iter().chain(own)
    }

    /// Returns the causes, outermost first, in one line for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = String::new();
        let mut next = self.source();
        while let Some(cause) = next {
            let separator = if text.is_empty() { "" } else { ": " };
            // Writing to a string does not fail.
            let _ = write!(text, "{separator}{cause}");
            next = cause.source();
        }
        text
    }
}

/// Returns a header, if the text can be its value.
fn with(name: HeaderName, text: &str) -> Option<Box<(HeaderName, HeaderValue)>> {
    let value = HeaderValue::from_str(text).ok()?;
    Some(Box::new((name, value)))
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        for header in self.headers() {
            response.insert_header(header);
        }
        response.json(self.body())
    }
}

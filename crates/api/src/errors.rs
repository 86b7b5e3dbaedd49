//! Errors: one table of code → HTTP status → name, and the body that every error answer has.
//!
//! What the errors of other crates become is in `conversions`.
//!
//! A handler gives back an [`ApiError`]. What it shows a client is a code, which is contract, and a
//! message that says what to do about it. What caused it stays on this side: it is printed once, by
//! [`crate::request::access`], with the id of the request.

mod conversions;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use waypost_core::Scope;

use crate::request::budget::seconds;

/// How long a client waits before it tries again what was unavailable, in seconds.
const RETRY_AFTER_S: &str = "1";

/// The stable codes of errors, for programs to decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ErrorCode {
    /// The body or the query of the request cannot be understood.
    BadRequest,
    /// The URL is not acceptable as a target.
    UrlInvalid,
    /// The host of the URL is on the blocklist.
    TargetBlocked,
    /// The text is not acceptable as a code.
    CodeInvalid,
    /// The code is a word under which Waypost itself answers.
    CodeReserved,
    /// A title, description, tag or expiry is not acceptable.
    DetailInvalid,
    /// No user has this address.
    UserUnknown,
    /// It takes an API token that is accepted.
    Unauthorized,
    /// The token does not have the scope for it.
    ScopeMissing,
    /// It is for others.
    Forbidden,
    /// Nothing says that a page of this server sends the request.
    Csrf,
    /// Another link has the code.
    CodeTaken,
    /// It is not possible as things are.
    Conflict,
    /// Nothing is here.
    NotFound,
    /// The link has expired, is disabled, or leads to a host that is blocked.
    Gone,
    /// The link is not the version that `If-Match` names.
    PreconditionFailed,
    /// The path exists, the method does not; `Allow` names those that do.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is longer than it may be.
    BodyTooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// Too many requests, or too many attempts that failed; `Retry-After` says when to try again.
    TooManyRequests,
    /// The sign-in with the OpenID provider was not begun in this browser, or its word is not acceptable.
    OidcFailed,
    /// The OpenID provider, or this server, does not let them in.
    OidcRefused,
    /// The OpenID provider does not answer; `Retry-After` says when to ask again.
    OidcUnavailable,
    /// A defect on this side.
    Internal,
    /// Too many wait for the same already; `Retry-After` says when to try again.
    Busy,
    /// The database is away; `Retry-After` says when to ask again.
    Unavailable,
}

impl ErrorCode {
    /// The table.
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
            Self::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::Csrf => (StatusCode::FORBIDDEN, "CSRF"),
            Self::CodeTaken => (StatusCode::CONFLICT, "CODE_TAKEN"),
            Self::Conflict => (StatusCode::CONFLICT, "CONFLICT"),
            Self::Gone => (StatusCode::GONE, "GONE"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE")
            }
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "BUSY"),
            Self::OidcFailed => (StatusCode::BAD_REQUEST, "OIDC_FAILED"),
            Self::OidcRefused => (StatusCode::FORBIDDEN, "OIDC_REFUSED"),
            Self::OidcUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        }
    }

    /// The HTTP status under which the error is answered.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().0
    }

    /// The code as clients see it.
    pub(crate) const fn name(self) -> &'static str {
        self.row().1
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The body of every error answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "error": "Not Found",
    "code": "NOT_FOUND",
    "message": "no link found; check the spelling"
}))]
pub(crate) struct ErrorBody<'a> {
    /// The reason phrase of the HTTP status, for people.
    pub(crate) error: &'static str,
    /// What went wrong, for programs.
    pub(crate) code: ErrorCode,
    /// What to do about it, for people.
    pub(crate) message: Cow<'a, str>,
}

/// An operation failed: what the client is told, and what only the log is told.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    code: ErrorCode,
    message: Cow<'static, str>,
    /// What the client is told beside the body: the methods that are allowed, or what credentials it
    /// takes (RFC 6750 §3).
    header: Option<Box<(HeaderName, HeaderValue)>>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// An error that is the client's to repair.
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            header: None,
            source: None,
        }
    }

    /// Nobody says who they are, or the token is not accepted.
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

    /// The token may do less.
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

    /// They may not.
    pub(crate) fn forbidden(message: &'static str) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Too many attempts failed: the next one is after so long.
    pub(crate) fn too_many_attempts(wait: time::Duration) -> Self {
        Self::too_many_requests("too many failed attempts", wait)
    }

    /// It was done too often: it may be done again after so long.
    pub(crate) fn too_many_requests(what: &str, wait: time::Duration) -> Self {
        let seconds = seconds(wait);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        Self {
            header: with(header::RETRY_AFTER, &seconds.to_string()),
            ..Self::new(
                ErrorCode::TooManyRequests,
                format!("{what}; try again in {seconds} {unit}"),
            )
        }
    }

    /// As many watch links as can.
    pub(crate) fn too_many_streams() -> Self {
        Self::too_many_requests(
            "too many live streams on this server",
            time::Duration::seconds(60),
        )
    }

    /// The query or the body is not acceptable.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    /// Nobody has a link under this code.
    pub(crate) fn no_such_link() -> Self {
        Self::new(ErrorCode::NotFound, "no link found; check the spelling")
    }

    /// There is no such thing, or none that they may see.
    pub(crate) fn no_such_thing() -> Self {
        Self::new(ErrorCode::NotFound, "not found, or you do not have access")
    }

    /// No route has this path.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "there is nothing at this path; /api/docs describes the API",
        )
    }

    /// The path exists, but only for the methods in `allow`, a list separated by commas.
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        Self {
            header: with(header::ALLOW, allow),
            ..Self::new(
                ErrorCode::MethodNotAllowed,
                format!("this path accepts only {allow}"),
            )
        }
    }

    /// Something that must not happen: the client learns nothing but that.
    pub(crate) fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                ErrorCode::Internal,
                "internal error; if it persists, report the X-Request-Id of this response to the operator",
            )
        }
    }

    /// The same error, with its cause for the log.
    pub(crate) fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// The same error, with a cookie for the browser.
    pub(crate) fn setting(self, cookie: Option<HeaderValue>) -> Self {
        Self {
            header: cookie.map(|cookie| Box::new((header::SET_COOKIE, cookie))),
            ..self
        }
    }

    /// The database is away.
    pub(crate) fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                ErrorCode::Unavailable,
                "the database is unavailable; try again in a moment",
            )
        }
    }

    /// What went wrong, from the table.
    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The body of the answer.
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

    /// The body of an answer that is not this error's alone.
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

    /// The headers that belong to the error, whatever its body is written in.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let retry = matches!(
            self.code,
            ErrorCode::Unavailable | ErrorCode::Busy | ErrorCode::OidcUnavailable
        )
        .then(|| (header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S)));
        let own = self.header.as_deref().cloned();
        retry.into_iter().chain(own)
    }

    /// The causes, outermost first, in one line for the log.
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

/// A header, if the text can be one.
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

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;
    use waypost_store::StoreError;

    use super::*;

    const ALL: [ErrorCode; 27] = [
        ErrorCode::BadRequest,
        ErrorCode::UrlInvalid,
        ErrorCode::TargetBlocked,
        ErrorCode::CodeInvalid,
        ErrorCode::CodeReserved,
        ErrorCode::DetailInvalid,
        ErrorCode::UserUnknown,
        ErrorCode::Unauthorized,
        ErrorCode::ScopeMissing,
        ErrorCode::Forbidden,
        ErrorCode::Csrf,
        ErrorCode::CodeTaken,
        ErrorCode::Conflict,
        ErrorCode::NotFound,
        ErrorCode::Gone,
        ErrorCode::PreconditionFailed,
        ErrorCode::MethodNotAllowed,
        ErrorCode::RequestTimeout,
        ErrorCode::BodyTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::TooManyRequests,
        ErrorCode::OidcFailed,
        ErrorCode::OidcRefused,
        ErrorCode::OidcUnavailable,
        ErrorCode::Internal,
        ErrorCode::Busy,
        ErrorCode::Unavailable,
    ];

    #[test]
    fn the_documented_codes_are_the_ones_that_are_sent() {
        let documented = serde_json::to_value(ErrorCode::schema()).unwrap();
        let sent: Vec<_> = ALL.iter().map(|code| code.name()).collect();
        assert_eq!(documented["enum"], serde_json::json!(sent));
    }

    #[test]
    fn what_caused_an_error_is_for_the_log_and_never_for_the_client() {
        let error = ApiError::from(StoreError::internal("relation links is missing"));
        assert_eq!(
            error.chain(),
            "the database refused the operation: relation links is missing"
        );
        let body = serde_json::to_string(&error.body()).unwrap();
        assert!(!body.contains("database"), "{body}");
    }

    #[test]
    fn only_an_absent_database_asks_to_try_again() {
        let retry = |error: StoreError| {
            ApiError::from(error)
                .error_response()
                .headers()
                .contains_key(header::RETRY_AFTER)
        };
        assert!(retry(StoreError::unavailable("away")));
        assert!(!retry(StoreError::internal("broken")));
        assert!(!retry(StoreError::Conflict));
    }
}

//! How operations can fail, as the description of the API says it.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema as _};

use crate::errors::ErrorBody;

/// How every operation that asks the store can fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum StoreFailure {
    /// Something went wrong on this side; the log has more, under the request id of the answer
    #[response(status = 500)]
    Internal(ErrorBody<'static>),
    /// The database is away; `Retry-After` says in how many seconds to ask again
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(ErrorBody<'static>),
}

/// How the query, the headers or the path of a request can be wrong.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum BadInput {
    /// A parameter is out of range, unknown, or not what it should be: `BAD_REQUEST`, and the codes of what
    /// it is about
    #[response(status = 400)]
    BadRequest(ErrorBody<'static>),
}

/// How the body of a request can be wrong.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum BadBody {
    /// The body, or something in it, is not acceptable: `BAD_REQUEST`, `URL_INVALID`, `TARGET_BLOCKED`, `CODE_INVALID`,
    /// `CODE_RESERVED`, `DETAIL_INVALID`, `USER_UNKNOWN`
    #[response(status = 400)]
    BadRequest(ErrorBody<'static>),
    /// The body did not arrive within 10 seconds
    #[response(status = 408)]
    RequestTimeout(ErrorBody<'static>),
    /// The body is too long
    #[response(status = 413)]
    TooLarge(ErrorBody<'static>),
    /// The body is not declared as JSON
    #[response(status = 415)]
    MediaType(ErrorBody<'static>),
}

/// How an operation can be denied.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Denied {
    /// No token and no session, or one that is not accepted
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "Bearer (RFC 6750)")))]
    Unauthorized(ErrorBody<'static>),
    /// The token does not have the scope (`SCOPE_MISSING`), it is for others (`FORBIDDEN`), or nothing says
    /// that a change with a session is made from a page of this server (`CSRF`)
    #[response(status = 403)]
    Forbidden(ErrorBody<'static>),
    /// Too often: `WAYPOST_RATE_LIMIT_API` and `WAYPOST_RATE_LIMIT_CREATE` say how often. `RateLimit-Limit`,
    /// `RateLimit-Remaining` and `RateLimit-Reset` say with every answer what is left
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(ErrorBody<'static>),
}

/// What is not there, or not for the eyes of the caller.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum NotThere {
    /// There is no such thing, or none that the caller may see
    #[response(status = 404)]
    NotFound(ErrorBody<'static>),
}

/// How a change of a link loses against changes at the same time.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Contended {
    /// The link is being changed at the same time: `CONFLICT`
    #[response(status = 409)]
    Conflict(ErrorBody<'static>),
}

/// How a change fails that is meant for another version of a link.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Stale {
    /// The link does not have the version that `If-Match` names
    #[response(status = 412)]
    PreconditionFailed(ErrorBody<'static>),
}

/// How following a link fails, or continues with signing in: a small page for a browser, JSON for everything else.
pub(crate) struct NotFollowed;

/// A header of a response: its name and what it says.
type DescribedHeader = (&'static str, &'static str);

impl NotFollowed {
    /// Status, description and header.
    const FAILURES: [(u16, &str, Option<DescribedHeader>); 7] = [
        (
            401,
            "The link is secure and the request has no credentials",
            Some(("WWW-Authenticate", "Bearer (RFC 6750)")),
        ),
        (403, "The caller may not follow this link", None),
        (
            404,
            "No such link, or the path does not fill its placeholders: the message says what is missing",
            None,
        ),
        (
            410,
            "The link has expired, is disabled, or its host is blocked",
            None,
        ),
        (
            429,
            "Too many requests or rejected credentials from this IP address",
            Some(("Retry-After", "Seconds")),
        ),
        (
            500,
            "Internal error; the log has details under the request ID",
            None,
        ),
        (
            503,
            "The database is unavailable",
            Some(("Retry-After", "Seconds")),
        ),
    ];
}

impl IntoResponses for NotFollowed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let sign_in =
            Response::new("The link is secure: a browser is redirected to sign in and back");
        let failures = Self::FAILURES.iter().map(|(status, description, header)| {
            let page = Content::new(Some(String::schema()));
            let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
            let mut response = ResponseBuilder::new()
                .description(*description)
                .content("application/json", body)
                .content("text/html", page);
            if let Some((name, description)) = header {
                let header = HeaderBuilder::new().description(Some(*description));
                response = response.header(*name, header.schema(Some(String::schema())).build());
            }
            (status.to_string(), response.build().into())
        });
        failures
            .chain([("303".to_owned(), sign_in.into())])
            .collect()
    }
}

//! Failures of operations, as the OpenAPI document describes them.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{IntoResponses, PartialSchema as _};

use crate::errors::ErrorBody;

/// Failures of every operation that uses the store.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum StoreFailure {
    /// Internal error; the log has details under the request ID
    #[response(status = 500)]
    Internal(ErrorBody<'static>),
    /// The database is unavailable; `Retry-After` says in how many seconds to try again
    #[response(status = 503, headers(("Retry-After" = u32, description = "Seconds")))]
    Unavailable(ErrorBody<'static>),
}

/// Errors in the query, the headers or the path of a request.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum BadInput {
    /// A parameter is unknown, invalid or out of range: `BAD_REQUEST`, or a code for its content
    #[response(status = 400)]
    BadRequest(ErrorBody<'static>),
}

/// Errors in the body of a request.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum BadBody {
    /// The body or a field of it is invalid: `BAD_REQUEST`, `URL_INVALID`, `TARGET_BLOCKED`,
    /// `CODE_INVALID`, `CODE_RESERVED`, `DETAIL_INVALID`, `USER_UNKNOWN`
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
    /// Too little free disk space for a change that adds data: `DISK_FULL`
    #[response(status = 507)]
    DiskFull(ErrorBody<'static>),
}

/// Reasons to deny an operation.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Denied {
    /// The token or session is missing, or is not valid
    #[response(status = 401, headers(("WWW-Authenticate" = String, description = "Bearer (RFC 6750)")))]
    Unauthorized(ErrorBody<'static>),
    /// The token lacks the scope (`SCOPE_MISSING`), tokens cannot do this (`SESSION_REQUIRED`), the
    /// caller may not do this (`FORBIDDEN`), a code is below that of a link of other owners
    /// (`PATH_OWNED`), or a change with a session has no proof that a page of this server sent it
    /// (`CSRF`)
    #[response(status = 403)]
    Forbidden(ErrorBody<'static>),
    /// Too many requests: `WAYPOST_RATE_LIMIT_API` and `WAYPOST_RATE_LIMIT_CREATE` set the limits.
    /// Every response has what is left in `RateLimit-Limit`, `RateLimit-Remaining` and
    /// `RateLimit-Reset`
    #[response(status = 429, headers(("Retry-After" = u32, description = "Seconds")))]
    TooManyRequests(ErrorBody<'static>),
}

/// The resource does not exist, or the caller cannot see it.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum NotThere {
    /// Not found, or the caller has no access
    #[response(status = 404)]
    NotFound(ErrorBody<'static>),
}

/// A change of a link that fails because of concurrent changes.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Contended {
    /// The link is being changed at the same time: `CONFLICT`
    #[response(status = 409)]
    Conflict(ErrorBody<'static>),
    /// Too little free disk space for a change that adds data: `DISK_FULL`
    #[response(status = 507)]
    DiskFull(ErrorBody<'static>),
}

/// A change that names another version of a link than the present one.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) enum Stale {
    /// The link has another version than `If-Match` names
    #[response(status = 412)]
    PreconditionFailed(ErrorBody<'static>),
}

/// Responses to a visit that is not redirected: a page for browsers, JSON for other clients; or a
/// redirect to sign in.
pub(crate) struct NotFollowed;

/// The name, the description and the schema of a response header.
type DescribedHeader = (&'static str, &'static str, fn() -> RefOr<Schema>);

impl NotFollowed {
    /// Status, description and header.
    const FAILURES: [(u16, &str, Option<DescribedHeader>); 7] = [
        (
            401,
            "The link is secure and the request has no credentials",
            Some(("WWW-Authenticate", "Bearer (RFC 6750)", String::schema)),
        ),
        (403, "The caller may not follow this link", None),
        (
            404,
            "No link found, or the path does not fill its placeholders: the message says what is missing",
            None,
        ),
        (
            410,
            "The link has expired, is disabled, or the host of its destination is blocked",
            None,
        ),
        (
            429,
            "Too many requests or rejected credentials from this IP address",
            Some(("Retry-After", "Seconds", u32::schema)),
        ),
        (
            500,
            "Internal error; the log has details under the request ID",
            None,
        ),
        (
            503,
            "The database is unavailable",
            Some(("Retry-After", "Seconds", u32::schema)),
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
            if let Some((name, description, schema)) = header {
                let header = HeaderBuilder::new().description(Some(*description));
                response = response.header(*name, header.schema(Some(schema())).build());
            }
            (status.to_string(), response.build().into())
        });
        failures
            .chain([("303".to_owned(), sign_in.into())])
            .collect()
    }
}

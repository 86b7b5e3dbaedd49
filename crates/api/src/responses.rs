//! How operations can fail, as the description of the API says it.

use utoipa::IntoResponses;

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

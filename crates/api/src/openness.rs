//! Whether a link can be followed now, and what caches are told of that.

use actix_web::http::header::HeaderValue;
use time::OffsetDateTime;
use waypost_service::{Closed, Destination};

use crate::errors::{ApiError, ErrorCode};

/// A redirect that a browser or a proxy kept would be a click that nobody counts.
pub(crate) const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-store");
pub(crate) const DISABLED: &str = "this link is disabled";
pub(crate) const EXPIRED: &str = "this link has expired";

/// Whether a link leads anywhere now. The time is asked for where it matters.
///
/// # Errors
/// `GONE` where it does not.
pub(crate) fn check_open(
    destination: &Destination,
    now: impl FnOnce() -> OffsetDateTime,
) -> Result<(), ApiError> {
    let message = match destination.closed {
        Some(Closed::Blocked) => "the destination of this link is blocked on this server",
        Some(Closed::Disabled) => DISABLED,
        None if destination.expires_at.is_some_and(|at| at <= now()) => EXPIRED,
        None => return Ok(()),
    };
    Err(ApiError::new(ErrorCode::Gone, message))
}

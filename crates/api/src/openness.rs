//! Whether a link can be followed now, and how long caches may keep the response.

use actix_web::http::header::HeaderValue;
use time::OffsetDateTime;
use waypost_service::{Closed, Destination};

use crate::errors::{ApiError, ErrorCode};

/// Forbids caching: a redirect from the cache of a browser or a proxy would not be counted.
pub(crate) const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-store");
pub(crate) const DISABLED: &str = "this link is disabled";
pub(crate) const EXPIRED: &str = "this link has expired";

/// Checks that a link is not disabled, blocked or expired. Reads the clock only if the link can
/// expire.
///
/// # Errors
/// `GONE` if it is.
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

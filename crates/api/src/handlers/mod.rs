//! The handlers, one operation per file: parse, call one domain function, render.
//!
//! All of them are open to everybody for now; accounts will close them by default.

pub(crate) mod delete;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod record;
pub(crate) mod redirect;
pub(crate) mod shorten;
pub(crate) mod stats;

use actix_web::HttpRequest;

/// The code in the path of a request, as the client wrote it. What is percent-encoded there and
/// cannot be in a code may still be encoded, or be replaced by U+FFFD: neither makes it a code.
fn code_of(request: &HttpRequest) -> &str {
    request.match_info().get("code").unwrap_or_default()
}

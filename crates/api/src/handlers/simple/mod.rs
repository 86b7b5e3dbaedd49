//! The simple API: shortens a URL, lists links, and shows or deletes one.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod shorten;
pub(crate) mod stats;

use std::borrow::Cow;

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;
use waypost_core::{Action, Actor, Link};

use crate::errors::{ApiError, ErrorCode};
use crate::request::caller::Caller;
use crate::state::State;

/// Returns the code in the path of a request, as the client wrote it. It is one segment, in which
/// the slashes of a code are percent-encoded. Invalid UTF-8 becomes U+FFFD, which no code contains.
fn code_of(request: &HttpRequest) -> Cow<'_, str> {
    let code = request.match_info().get("code").unwrap_or_default();
    percent_decode_str(code).decode_utf8_lossy()
}

/// Returns the link of the code in the path, if the caller may perform the action on it; without a
/// token, only a link without an owner.
async fn link_of(
    request: &HttpRequest,
    caller: &Caller,
    action: Action,
    state: &State,
) -> Result<Link, ApiError> {
    let code = &code_of(request);
    let found = match &caller.0 {
        Actor::Anonymous => state.links().nobodys_by_code(code).await,
        actor => state.links().by_code(actor, action, code).await,
    };
    found.map_err(|error| {
        let error = ApiError::from(error);
        match error.code() {
            ErrorCode::NotFound => ApiError::no_such_link(),
            _ => error,
        }
    })
}

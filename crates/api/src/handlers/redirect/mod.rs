//! `GET /{code}` and all that may stand behind it: leads to the target of a link, and counts the click.
//!
//! Which link a request follows is the [`Router`](waypost_service::Router)'s to say.
//!
//! Of a link that is not secure, nothing about the visitor decides, and no database is asked.
//!
//! The click is accepted before the answer leaves; what that means is decided by the durability of the
//! journal. A click that cannot be accepted does not keep the visitor from the target: it is counted
//! as dropped, with its reason. `HEAD` answers with the same headers and is neither counted nor
//! measured: it is what programs send that preview links.
//!
//! A path for which there is no link is noted as an orphan, in memory. What else may be meant by it is looked at
//! then ([`NonLinkPath`]), so that it costs no redirect anything.

pub(crate) mod non_link_path;
pub(crate) mod preview;
pub(crate) mod root_files;
pub(crate) mod unfollowed;

use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use waypost_analytics::Visit;

use crate::error_page;
use crate::error_page::{may_sign_in, to_sign_in};
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::redirect::non_link_path::NonLinkPath;
use crate::metrics::RedirectStatus;
use crate::openness::{CACHE_CONTROL, check_open};
use crate::request::budget::network_of;
use crate::request::caller;
use crate::request::client::client_address;
use crate::request::client::{RequestHeaders, host_of};
use crate::responses::NotFollowed;
use crate::state::State;

/// Follow a short link
///
/// Counts the click, before it answers. `HEAD` answers the same headers and is not counted. An error
/// is a small page for a browser, JSON for everything else. Only a link of visibility `secure` looks at
/// who asks.
#[utoipa::path(
    get,
    path = "/{code}",
    tag = "redirects",
    operation_id = "follow",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in any spelling", min_length = 1, max_length = 64)),
    responses(
        (status = 302, description = "To the target of the link", headers(
            ("Location" = String, description = "The target"),
            ("Cache-Control" = String, description = "private, no-store: a cached redirect is a click that is not counted"),
        )),
        NotFollowed,
    )
)]
pub(crate) async fn answer(request: &HttpRequest, state: &State) -> HttpResponse {
    let started = Instant::now();
    let counts = request.method() != Method::HEAD;
    let found = follow(request, state, counts).await;
    if let Err(error) = &found
        && error.code() == ErrorCode::NotFound
        && let Some(other) = NonLinkPath::of(request.uri().path())
    {
        return Box::pin(other.answer(request, state, started)).await;
    }
    if counts {
        let status = match &found {
            Ok(_) => RedirectStatus::Found,
            Err(error) => match error.code() {
                ErrorCode::NotFound => RedirectStatus::NotFound,
                ErrorCode::Gone => RedirectStatus::Gone,
                ErrorCode::Unauthorized
                | ErrorCode::Forbidden
                | ErrorCode::ScopeMissing
                | ErrorCode::TooManyRequests => RedirectStatus::Forbidden,
                _ => RedirectStatus::Error,
            },
        };
        state.metrics().redirect(status, started.elapsed());
    }
    match found {
        Ok(location) => {
            let mut response = HttpResponse::Found()
                .insert_header((header::LOCATION, location))
                .insert_header((header::CACHE_CONTROL, CACHE_CONTROL))
                .finish();
            caller::renew_session(request, &mut response);
            response
        }
        Err(error) if error.code() == ErrorCode::Unauthorized && may_sign_in(request) => {
            to_sign_in(request, state)
        }
        Err(error) if error_page::prefers_html(request) => {
            let path = request.uri().path();
            Box::pin(unfollowed::answer(request, state, path, &error, started)).await
        }
        Err(error) => error_page::answer(request, state, &error, started),
    }
}

/// Finds the target of the link, and counts the click if it `counts`.
async fn follow(
    request: &HttpRequest,
    state: &State,
    counts: bool,
) -> Result<HeaderValue, ApiError> {
    let path = request.uri().path();
    let Some(routed) = state.router().route(host_of(request), path).await? else {
        if counts {
            note_orphan(request, state);
        }
        return Err(ApiError::no_such_link());
    };
    let destination = &routed.destination;
    if destination.is_secure {
        let actor = caller::authenticate(request, state).await?;
        state.links().follow(&actor, destination.link_id).await?;
    }
    // Who may not follow a link is not told whether it would lead anywhere.
    check_open(destination, || state.clock().now())?;
    let location = routed.location(request.query_string())?;
    let location = HeaderValue::from_str(&location).map_err(ApiError::internal)?;
    if counts {
        let visit = Visit {
            peer: request.peer_addr().map(|peer| peer.ip()),
            session: state.site().session_hash(request.headers()),
            headers: &RequestHeaders(request.headers()),
        };
        // Accepted, or dropped and counted as such.
        let _ = state.recorder().record(destination.link_id, &visit).await?;
    }
    Ok(location)
}

/// Notes that there is no link for what somebody asks for. Only in memory: scanners come this way.
fn note_orphan(request: &HttpRequest, state: &State) {
    let headers = RequestHeaders(request.headers());
    state.orphans().note(request.uri().path(), &headers, || {
        client_address(request, state).map(network_of)
    });
}

/// Follow a short link by the beginning of a path
///
/// The longest code that the leading segments of the path are is followed. The other segments fill the
/// placeholders of its target, or are dropped where it has none; a keyword takes all of them.
#[utoipa::path(
    get,
    path = "/{code}/{rest}",
    tag = "redirects",
    operation_id = "followWithRest",
    security((), ("token" = [])),
    params(
        ("code" = String, Path, description = "The first segment, in any spelling", min_length = 1, max_length = 64),
        ("rest" = String, Path, description = "The other segments, with the slashes between them", min_length = 1),
    ),
    responses(
        (status = 302, description = "To the target of the link", headers(
            ("Location" = String, description = "The target, filled"),
            ("Cache-Control" = String, description = "private, no-store: a cached redirect is a click that is not counted"),
        )),
        NotFollowed,
    )
)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) fn with_rest() {}

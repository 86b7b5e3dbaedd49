//! `GET /{code}` and longer paths: redirects to the destination of a link and counts the click.
//!
//! The [`Router`](waypost_service::Router) finds the link of a request.
//!
//! For a cached link that is not secure, a redirect depends on nothing about the visitor and needs
//! no database.
//!
//! The click is accepted before the response is sent; the durability of the journal decides what
//! that means. If a click cannot be accepted, the visitor is redirected nevertheless, and the click
//! is counted as dropped, with the reason. `HEAD` gets the same headers and is neither counted nor
//! measured, because programs that preview links send it.
//!
//! A path that matches no link is recorded as an orphan path, in memory. Only then is it checked
//! for other meanings ([`NonLinkPath`]), which therefore cost redirects nothing.

pub(crate) mod non_link_path;
pub(crate) mod preview;
pub(crate) mod root_files;
pub(crate) mod unfollowed;

use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use waypost_analytics::Visit;
use waypost_service::Routed;
use waypost_store::StoreError;

use crate::error_page;
use crate::error_page::{may_sign_in, to_sign_in};
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::redirect::non_link_path::NonLinkPath;
use crate::metrics::RedirectStatus;
use crate::openness::{CACHE_CONTROL, check_open};
use crate::prefix;
use crate::request::budget::network_of;
use crate::request::caller;
use crate::request::client::client_address;
use crate::request::client::{RequestHeaders, host_of};
use crate::responses::NotFollowed;
use crate::state::State;

/// Follow a short link
///
/// Counts the click before responding. `HEAD` gets the same headers and is not counted. An error is
/// a page for browsers and JSON for other clients. Credentials matter only for a link with the
/// visibility `secure`.
#[utoipa::path(
    get,
    path = "/{code}",
    tag = "redirects",
    operation_id = "follow",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in upper or lower case", min_length = 1, max_length = 64)),
    responses(
        (status = 302, description = "A redirect to the destination", headers(
            ("Location" = String, description = "The destination"),
            ("Cache-Control" = String, description = "private, no-store: a cached redirect would not be counted"),
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
    {
        if let Some(other) = NonLinkPath::of(request.uri().path()) {
            return Box::pin(other.answer(request, state, started)).await;
        }
        if let Some(home) = prefix::home(request, state) {
            return home;
        }
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

/// Finds the destination of the link, and counts the click if it `counts`.
async fn follow(
    request: &HttpRequest,
    state: &State,
    counts: bool,
) -> Result<HeaderValue, ApiError> {
    let path = request.uri().path();
    let whole;
    let routed = state.router().route(host_of(request), path).await?;
    let routed = if let Some(routed) = routed {
        if preview::is_meant(path, &routed) {
            return Err(ApiError::no_such_link());
        }
        routed
    } else {
        whole = prefix::whole_path(request);
        let routed = whole_routed(request, state, whole.as_deref());
        match Box::pin(routed).await? {
            Some(routed) => routed,
            None if counts && !prefix::is_home(request, state) => {
                note_orphan(request, state);
                return Err(ApiError::no_such_link());
            }
            None => return Err(ApiError::no_such_link()),
        }
    };
    let destination = &routed.destination;
    if destination.is_secure {
        let actor = caller::authenticate(request, state).await?;
        state.links().follow(&actor, destination.link_id).await?;
    }
    // Only after the permission: others must not learn whether the link works.
    check_open(destination, || state.clock().now())?;
    let location = routed.location(request.query_string())?;
    let location = HeaderValue::from_str(&location).map_err(ApiError::internal)?;
    if counts {
        let visit = Visit {
            peer: request.peer_addr().map(|peer| peer.ip()),
            session: state.site().session_hash(request.headers()),
            headers: &RequestHeaders(request.headers()),
        };
        // The click is accepted, or dropped and counted as dropped.
        let _ = state.recorder().record(destination.link_id, &visit).await?;
    }
    Ok(location)
}

/// Returns the link for a path with the path of the base URL, which may be a code as well.
async fn whole_routed<'p>(
    request: &HttpRequest,
    state: &State,
    whole: Option<&'p str>,
) -> Result<Option<Routed<'p>>, StoreError> {
    match whole {
        Some(path) => {
            let routed = state.router().route(host_of(request), path).await?;
            Ok(routed.filter(prefix::is_meant))
        }
        None => Ok(None),
    }
}

/// Records the path as an orphan path. Only in memory, because scanners cause most of these
/// requests.
fn note_orphan(request: &HttpRequest, state: &State) {
    let headers = RequestHeaders(request.headers());
    state.orphans().note(request.uri().path(), &headers, || {
        client_address(request, state).map(network_of)
    });
}

/// Follow a short link with the rest of the path
///
/// Follows the longest code that matches the leading segments. The remaining segments fill the
/// placeholders of the destination, or are dropped if it has none. A keyword gets all of them.
#[utoipa::path(
    get,
    path = "/{code}/{rest}",
    tag = "redirects",
    operation_id = "followWithRest",
    security((), ("token" = [])),
    params(
        ("code" = String, Path, description = "The first segment, in upper or lower case", min_length = 1, max_length = 64),
        ("rest" = String, Path, description = "The other segments, with slashes between them", min_length = 1),
    ),
    responses(
        (status = 302, description = "A redirect to the destination", headers(
            ("Location" = String, description = "The filled destination"),
            ("Cache-Control" = String, description = "private, no-store: a cached redirect would not be counted"),
        )),
        NotFollowed,
    )
)]
#[expect(dead_code, reason = "read by the macro, which documents it")]
pub(crate) fn with_rest() {}

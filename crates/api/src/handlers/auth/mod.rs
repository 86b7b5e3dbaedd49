//! The pages of signing in and out, and of the first start.
//!
//! Every form is checked by [`crate::request::csrf`] before anything else is done with it: a
//! [`PageForm`](crate::pages::PageForm) is not read otherwise.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod oidc;
pub(crate) mod setup;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use waypost_analytics::Visit;
use waypost_core::UserAgent;
use waypost_service::NewSession;

use crate::errors::ApiError;
use crate::handlers::redirect::RequestHeaders;
use crate::state::State;

/// What the browser of a request calls itself.
pub(crate) fn user_agent(request: &HttpRequest) -> Option<UserAgent> {
    let value = request.headers().get(header::USER_AGENT)?;
    UserAgent::from_header(value.as_bytes())
}

/// The address that a request is believed to come from.
pub(crate) fn client_address(request: &HttpRequest, state: &State) -> Option<std::net::IpAddr> {
    state.recorder().client_address(&Visit {
        peer: request.peer_addr().map(|peer| peer.ip()),
        session: None,
        headers: &RequestHeaders(request.headers()),
    })
}

/// Ends the session that the browser had, if any: it is not to be somebody's who planted it there.
pub(crate) async fn end_former(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    let presented = state.site().session_of(request.headers());
    if let Some(presented) = presented
        && let Some(former) = state.accounts().authenticate_session(presented).await?
    {
        let accounts = state.accounts();
        accounts.sign_out(former.user.id, former.session.id).await?;
    }
    Ok(())
}

/// Gives the browser its new session, and sends it to a path of this server, or home.
pub(crate) fn signed_in(state: &State, opened: &NewSession, path: &str) -> HttpResponse {
    let site = state.site();
    let secret = opened.secret.reveal();
    let mut answer = see_other(&site.local(path));
    keep_session(&mut answer, state, secret, opened.session.expires_at);
    answer
}

/// Tells the browser until when to keep its session.
pub(crate) fn keep_session(
    answer: &mut HttpResponse,
    state: &State,
    secret: &str,
    expires_at: OffsetDateTime,
) {
    let age = expires_at - state.clock().now();
    if let Some(cookie) = state.site().keep_session(secret, age) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Sends a browser somewhere, with `GET` (RFC 9110 §15.4.4).
pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ))
        .finish()
}

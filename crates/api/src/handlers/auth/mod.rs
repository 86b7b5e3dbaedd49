//! Pages for signing in and out, and for the set-up of the first admin.
//!
//! [`crate::request::csrf`] checks every form before it is used: a
//! [`PageForm`](crate::pages::PageForm) cannot be read otherwise.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod oidc;
pub(crate) mod setup;

use actix_web::http::header::{self};
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;
use waypost_core::User;
use waypost_service::NewSession;

use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::site::see_other;
use crate::state::State;

/// Signs out the sessions that the browser has, if any: an attacker may have planted one.
pub(crate) async fn end_former(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    for presented in state.site().sessions_of(request.headers()) {
        if let Some(former) = state.accounts().authenticate_session(presented).await? {
            let accounts = Caller::new(former.actor(), request, state).accounts(state);
            accounts.sign_out(former.user.id, former.session.id).await?;
        }
    }
    Ok(())
}

/// Gives the browser its new session, and redirects it to a path of this server or to the
/// dashboard. `at_provider` is what it keeps to sign out at the OpenID provider; `None` if the
/// session did not begin there.
pub(crate) fn signed_in(
    state: &State,
    opened: &NewSession,
    path: &str,
    at_provider: Option<&str>,
) -> HttpResponse {
    let site = state.site();
    let secret = opened.secret.reveal();
    let mut answer = see_other(&site.local(path));
    keep_session(&mut answer, state, secret, opened.session.expires_at);
    let kept = match at_provider {
        Some(kept) => site.keep_at_provider(kept),
        None => state.oidc().and_then(|_| site.forget_at_provider()),
    };
    if let Some(cookie) = kept {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// Makes the browser known for a user who has just proven the password. Without the database, the
/// browser stays unknown.
pub(crate) async fn remember_browser(answer: &mut HttpResponse, state: &State, user: &User) {
    let remembered = state.accounts().remember_browser(user).await;
    let proof = remembered.inspect_err(|error| {
        tracing::debug!(%error, "cannot make a browser known yet");
    });
    if let Ok(Some(proof)) = proof
        && let Some(cookie) = state.site().keep_known(&proof)
    {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Sets the cookie that keeps a session in the browser until it expires.
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

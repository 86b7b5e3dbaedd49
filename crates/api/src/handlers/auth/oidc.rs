//! `GET /auth/oidc/login` and `/auth/oidc/callback`: to the OpenID provider and back.
//!
//! A pending sign-in is answered once, on whatever server, whether the sign-in succeeds or not: its
//! state is recorded, and its cookie removed.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::{end_former, signed_in};
use waypost_core::Actor;

use crate::errors::ApiError;
use crate::oidc::{Oidc, Pending, Response, answer};
use crate::pages::PageResult;
use crate::request::caller::Caller;
use crate::request::client::{client_address, user_agent};
use crate::site::see_other;
use crate::state::State;

/// The path to redirect to after signing in.
#[derive(Debug, Default, Deserialize)]
struct BeginQuery {
    #[serde(default)]
    redirect: String,
}

/// Returns the provider, and counts a request to it against the limit of the client.
fn provider<'s>(request: &HttpRequest, state: &'s State) -> Result<&'s Oidc, ApiError> {
    let provider = state.oidc().ok_or_else(ApiError::no_such_path)?;
    let address = client_address(request, state);
    let asked = state.throttle().ask_provider(address, state.clock().now());
    asked.map_err(|wait| ApiError::too_many_requests("too many sign-ins", wait))?;
    Ok(provider)
}

/// Redirects the browser to the provider.
pub(crate) async fn begin(request: HttpRequest, state: web::Data<State>) -> PageResult {
    let query = web::Query::<BeginQuery>::from_query(request.query_string());
    let BeginQuery { redirect } = query.map(web::Query::into_inner).unwrap_or_default();
    let path = state.site().checked(&redirect).unwrap_or_default();
    let begun = provider(&request, &state)?.begin(path).await;
    let (url, pending) = begun.map_err(|error| answer::failed(error, None))?;
    let mut answer = see_other(&url);
    if let Some(cookie) = state.site().keep_pending(&pending.to_cookie()) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Signs in the user that the provider sends back.
pub(crate) async fn finish(request: HttpRequest, state: web::Data<State>) -> PageResult {
    let oidc = provider(&request, &state)?;
    let site = state.site();
    let mut pending = site.pending_of(request.headers());
    let pending = pending.find_map(|value| Pending::of_cookie(value, state.clock().now()));
    let pending = pending.ok_or_else(answer::not_begun)?;
    let query = web::Query::<Response>::from_query(request.query_string());
    let response = query.map(web::Query::into_inner).unwrap_or_default();
    if !response.answers(&pending) {
        return Err(answer::not_begun());
    }
    let forget = site.forget_pending();
    let accounts = Caller::new(Actor::Anonymous, &request, &state).accounts(&state);
    let state_hash = pending.state_hash();
    let used = accounts.use_sign_in(state_hash.as_bytes(), pending.expires_at());
    if !used.await? {
        return Err(answer::not_begun().setting(forget));
    }
    let proven = match oidc.finish(&pending, response).await {
        Ok(proven) => proven,
        Err(error) => {
            accounts.note_failure("", &error.to_string()).await;
            return Err(answer::failed(error, forget));
        }
    };
    let user = accounts.user_of_identity(&proven, oidc.allowed_domains());
    let user = user
        .await
        .map_err(|error| answer::refused(error, forget.clone()))?;
    let opened = accounts.open_session(user, user_agent(&request)).await?;
    end_former(&request, &state).await?;
    let mut answer = signed_in(&state, &opened, &pending.path);
    if let Some(cookie) = forget {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

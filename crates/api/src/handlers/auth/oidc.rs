//! `GET /auth/oidc/login` and `/auth/oidc/callback`: to the OpenID provider and back.
//!
//! A pending sign-in is answered once, on whatever server, whether the sign-in succeeds or not: its
//! state is recorded, and its cookie removed. A browser may have several of them, in tabs of its own
//! each, and return to them in any order.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::{end_former, signed_in};
use waypost_core::Actor;

use crate::errors::ApiError;
use crate::oidc::{Oidc, OidcError, Pending, Response, answer, given_up};
use crate::pages::PageResult;
use crate::request::caller::{self, Caller};
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
    match begun(&request, &state, path.clone()).await {
        Err(error) => Err(leading_on(error, &request, &state, &path).await),
        answer => answer,
    }
}

async fn begun(request: &HttpRequest, state: &State, path: String) -> PageResult {
    let begun = provider(request, state)?.begin(path).await;
    let (url, pending) = begun.map_err(|error| answer::failed(error, None))?;
    let site = state.site();
    let mut answer = see_other(&url);
    let held = site.all_pending(request.headers());
    let forgotten = given_up(held, &pending, state.clock().now());
    let cookies = forgotten.into_iter().map(|id| site.forget_pending(id));
    let kept = site.keep_pending(&pending.id(), &pending.to_cookie());
    for cookie in cookies.chain([kept]).flatten() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Signs in the user that the provider sends back.
pub(crate) async fn finish(request: HttpRequest, state: web::Data<State>) -> PageResult {
    let query = web::Query::<Response>::from_query(request.query_string());
    let response = query.map(web::Query::into_inner).unwrap_or_default();
    let pending = pending_of(&request, &state, &response);
    let path = pending.as_ref().map(|pending| pending.path.clone());
    match finished(&request, &state, pending, response).await {
        Err(error) => Err(leading_on(error, &request, &state, &path.unwrap_or_default()).await),
        answer => answer,
    }
}

/// Returns the pending sign-in of this browser to which a response belongs.
fn pending_of(request: &HttpRequest, state: &State, response: &Response) -> Option<Pending> {
    let id = response.id()?;
    let mut held = state.site().all_pending(request.headers());
    held.find_map(|(held, value)| {
        let value = (held == id).then_some(value)?;
        let pending = Pending::of_cookie(value, state.clock().now())?;
        response.answers(&pending).then_some(pending)
    })
}

async fn finished(
    request: &HttpRequest,
    state: &State,
    pending: Option<Pending>,
    response: Response,
) -> PageResult {
    let oidc = provider(request, state)?;
    let Some(pending) = pending else {
        return Err(over(request, state, None).await);
    };
    let forget = state.site().forget_pending(&pending.id());
    let accounts = Caller::new(Actor::Anonymous, request, state).accounts(state);
    let state_hash = pending.state_hash();
    let used = accounts.use_sign_in(state_hash.as_bytes(), pending.expires_at());
    if !used.await? {
        return Err(over(request, state, forget).await);
    }
    let proven = match oidc.finish(&pending, response).await {
        Ok(proven) => proven,
        Err(error) => {
            accounts.note_failure("", &error.to_string()).await;
            return Err(answer::failed(error, forget));
        }
    };
    let user = accounts.user_of_identity(&proven.identity, oidc.allowed_domains());
    let user = user
        .await
        .map_err(|error| answer::refused(error, forget.clone()))?;
    let opened = accounts.open_session(user, user_agent(request)).await?;
    end_former(request, state).await?;
    let mut answer: HttpResponse = signed_in(state, &opened, &pending.path, proven.kept.as_deref());
    if let Some(cookie) = forget {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Returns the error for a sign-in that this browser cannot complete, or has already completed: a
/// response that is sent again, by reloading a page or going back.
async fn over(
    request: &HttpRequest,
    state: &State,
    forget: Option<header::HeaderValue>,
) -> ApiError {
    let error = if is_signed_in(request, state).await {
        answer::already_complete()
    } else {
        answer::not_begun()
    };
    error.setting(forget).because(OidcError::NotBegun)
}

/// Lets the page of an error lead on.
async fn leading_on(error: ApiError, request: &HttpRequest, state: &State, path: &str) -> ApiError {
    if state.oidc().is_some() {
        let steps = answer::steps(state.site(), path, is_signed_in(request, state).await);
        request.extensions_mut().insert(steps);
    }
    error
}

/// Whether the browser has a session. Without the database, it has none.
async fn is_signed_in(request: &HttpRequest, state: &State) -> bool {
    let known = caller::session_for_page(request, state).await;
    known.is_ok_and(|known| known.is_some())
}

//! `GET` and `POST /auth/logout`: signing out of this session or everywhere, and at the OpenID
//! provider if the session began there.
//!
//! The session of this server ends first, whatever the provider does. The provider sends the browser
//! back to this page.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::end_former;
use crate::oidc::{Oidc, answer};
use crate::pages::{Flash, Frame, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    frame: &'a Frame,
    redirect: &'a str,
    /// The path of the sign-in page.
    sign_in: String,
    /// The host of the OpenID provider at which the user is signed out, too.
    provider: Option<&'a str>,
    /// Whether the browser returns from the provider.
    is_back: bool,
}

/// The path to sign in for afterwards.
#[derive(Debug, Default, Deserialize)]
struct LogoutQuery {
    #[serde(default)]
    redirect: String,
}

/// The fields of the form.
#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    /// Set by the second button.
    everywhere: Option<String>,
    #[serde(default)]
    redirect: String,
}

/// Shows the signed-in user and the form.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = web::Query::<LogoutQuery>::from_query(request.query_string());
    let LogoutQuery { mut redirect } = query.map(web::Query::into_inner).unwrap_or_default();
    let site = state.site();
    let left = site.left_of(request.headers());
    if redirect.is_empty()
        && let Some(left) = &left
    {
        redirect.clone_from(left);
    }
    let page = LogoutPage {
        frame: &frame,
        redirect: &redirect,
        sign_in: match site.checked(&redirect) {
            Some(path) => site.sign_in(&path),
            None => format!("{}/auth/login", frame.base()),
        },
        provider: at_provider(&request, &state).map(|(oidc, _)| oidc.host()),
        is_back: left.is_some(),
    };
    let mut answer = frame.page(StatusCode::OK, &page)?;
    if left.is_some()
        && let Some(cookie) = site.forget_left()
    {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Returns the provider at which the session of a browser began, and what the browser has kept to
/// sign out there.
fn at_provider<'s>(request: &'s HttpRequest, state: &'s State) -> Option<(&'s Oidc, &'s str)> {
    let kept = state.site().at_provider_of(request.headers())?;
    let oidc = state.oidc().filter(|oidc| oidc.is_of_this(kept))?;
    Some((oidc, kept))
}

/// Signs out and makes the browser forget its session.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    PageForm(form): PageForm<LogoutForm>,
    frame: Frame,
) -> PageResult {
    let site = state.site();
    if let Some(known) = frame.known()
        && form.everywhere.is_some()
    {
        let accounts = Caller::new(known.actor(), &request, &state).accounts(&state);
        accounts.sign_out_everywhere(known.user.id).await?;
    }
    end_former(&request, &state).await?;
    let mut answer = left(&request, &state, &form.redirect, &frame).await;
    let forgotten = [site.forget_session(), site.forget_at_provider()];
    for cookie in forgotten.into_iter().flatten() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Returns the response to a browser that is signed out: leads to the provider if it is also signed
/// in there, and back to this page.
async fn left(request: &HttpRequest, state: &State, redirect: &str, frame: &Frame) -> HttpResponse {
    let site = state.site();
    let to = site.sign_out(redirect);
    let to = to.strip_prefix(frame.base()).unwrap_or(&to);
    if frame.user().is_none() {
        return frame.go(to);
    }
    let Some((oidc, kept)) = at_provider(request, state) else {
        return frame.go_saying(to, Flash::SignedOut, state);
    };
    match oidc.end_session(kept).await {
        Ok(Some(url)) => {
            let mut answer = frame.leave(&url);
            let path = site.checked(redirect).unwrap_or_default();
            if let Some(cookie) = site.keep_left(&path) {
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
            answer
        }
        Ok(None) => frame.go_saying(to, Flash::SignedOut, state),
        Err(error) => {
            let error = answer::failed(error, None).chain();
            tracing::warn!(
                error,
                "a user is signed out here and not at the OpenID provider"
            );
            frame.go_saying(to, Flash::SignedOutHere, state)
        }
    }
}

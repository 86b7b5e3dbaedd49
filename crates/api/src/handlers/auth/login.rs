//! `GET` and `POST /auth/login`: signing in with an email address and a password.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_service::{AccountError, KnownBrowser, NewSession};

use super::{end_former, remember_browser, signed_in};
use waypost_core::Actor;

use crate::errors::ApiError;
use crate::oidc::Oidc;
use crate::pages::{Frame, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::request::client::{client_address, user_agent};
use crate::site::see_other;
use crate::state::State;

/// One message for a wrong password and for a user who is unknown, disabled or has no password.
const REFUSED: &str = "The email address or password is wrong.";

/// The page.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: &'a Frame,
    redirect: &'a str,
    email: &'a str,
    /// The host of the OpenID provider, if one is configured.
    provider: Option<&'a str>,
    problem: Option<&'a str>,
}

/// The path to redirect to after signing in.
#[derive(Debug, Default, Deserialize)]
struct LoginQuery {
    #[serde(default)]
    redirect: String,
}

/// The fields of the form.
#[derive(Deserialize)]
pub(crate) struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    redirect: String,
}

/// Shows the form. Redirects at once if the user is signed in.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = web::Query::<LoginQuery>::from_query(request.query_string());
    let LoginQuery { redirect } = query.map(web::Query::into_inner).unwrap_or_default();
    if frame.user().is_some() {
        return Ok(see_other(&state.site().local(&redirect)));
    }
    page(&frame, &state, "", &redirect, None)
}

fn page(
    frame: &Frame,
    state: &State,
    email: &str,
    redirect: &str,
    problem: Option<&str>,
) -> PageResult {
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = LoginPage {
        frame,
        redirect,
        email,
        provider: state.oidc().map(Oidc::host),
        problem,
    };
    frame.page(status, &page)
}

/// Signs in.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    PageForm(form): PageForm<LoginForm>,
    frame: Frame,
) -> PageResult {
    let LoginForm {
        email,
        password,
        redirect,
    } = form;
    let Some(opened) = sign_in(&request, &state, &email, password).await? else {
        return page(&frame, &state, &email, &redirect, Some(REFUSED));
    };
    end_former(&request, &state).await?;
    let mut answer = signed_in(&state, &opened, &redirect, None);
    remember_browser(&mut answer, &state, &opened.user).await;
    Ok(answer)
}

/// Returns the browser, if it is a known one of the user with this email address. Without the
/// database, no browser is known.
async fn known_browser(request: &HttpRequest, state: &State, email: &str) -> Option<KnownBrowser> {
    for presented in state.site().known_of(request.headers()) {
        let known = state.accounts().recognise_browser(email, presented).await;
        if let Ok(Some(known)) = known {
            return Some(known);
        }
    }
    None
}

/// Signs in, as often as the throttle allows.
async fn sign_in(
    request: &HttpRequest,
    state: &State,
    email: &str,
    password: String,
) -> Result<Option<NewSession>, ApiError> {
    let throttle = state.throttle();
    let address = client_address(request, state);
    let known = known_browser(request, state, email).await;
    let attempt = throttle.begin(email, address, known, state.clock().now());
    let attempt = attempt.map_err(ApiError::too_many_attempts)?;
    let accounts = Caller::new(Actor::Anonymous, request, state).accounts(state);
    let signed_in = accounts.sign_in(email, password, user_agent(request));
    let signed_in = signed_in.await;
    match &signed_in {
        Ok(None) => {}
        Err(AccountError::Busy) => throttle.give_back_to_account(&attempt),
        // The attempt succeeded, or the database was unavailable.
        Ok(Some(_)) | Err(_) => throttle.give_back(&attempt),
    }
    match signed_in {
        // The user was deleted or disabled at the same time.
        Err(AccountError::NoUser) => Ok(None),
        signed_in => Ok(signed_in?),
    }
}

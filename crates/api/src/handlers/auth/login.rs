//! `GET` and `POST /auth/login`: signing in with an address and a password.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use waypost_store::{AccountError, NewSession};

use super::{PageResult, client_address, end_former, page, see_other, signed_in, user_agent};
use crate::csrf;
use crate::errors::ApiError;
use crate::input::Form;
use crate::oidc::Oidc;
use crate::pages::{self, LoginPage};
use crate::state::State;

/// Wrong, unknown, without a password or disabled: one answer for all of them.
const REFUSED: &str = "The address or the password is not right.";

/// Where to go on to.
#[derive(Debug, Default, Deserialize)]
struct LoginQuery {
    #[serde(default)]
    redirect: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct LoginForm {
    #[serde(default)]
    csrf: String,
    email: String,
    password: String,
    #[serde(default)]
    redirect: String,
}

/// Shows the form; whoever is signed in already goes on at once.
pub(crate) async fn show(request: HttpRequest, state: web::Data<State>) -> PageResult {
    page(&state, form(&request, &state).await)
}

async fn form(request: &HttpRequest, state: &State) -> Result<HttpResponse, ApiError> {
    let query = web::Query::<LoginQuery>::from_query(request.query_string());
    let LoginQuery { redirect } = query.map(web::Query::into_inner).unwrap_or_default();
    if let Some(presented) = state.site().session_of(request.headers()) {
        let known = state.accounts().authenticate_session(presented).await?;
        if known.is_some() {
            return Ok(see_other(&state.site().local(&redirect)));
        }
    }
    answer(request, state, StatusCode::OK, "", &redirect, None)
}

fn answer(
    request: &HttpRequest,
    state: &State,
    status: StatusCode,
    email: &str,
    redirect: &str,
    problem: Option<&str>,
) -> Result<HttpResponse, ApiError> {
    let site = state.site();
    let (csrf, cookie) = csrf::token(request.headers(), site, state.random());
    let page = LoginPage {
        base: site.base(),
        csrf: &csrf,
        redirect,
        email,
        provider: state.oidc().map(Oidc::host),
        problem,
    };
    Ok(pages::answer(status, &page)?.keeping(cookie).finish())
}

/// Signs in.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    form: Result<Form<LoginForm>, ApiError>,
) -> PageResult {
    page(&state, attempt(&request, &state, form).await)
}

async fn attempt(
    request: &HttpRequest,
    state: &State,
    form: Result<Form<LoginForm>, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Form(form) = form?;
    csrf::check_form(request.headers(), state.site(), &form.csrf)?;
    let LoginForm {
        email,
        password,
        redirect,
        ..
    } = form;
    let Some(opened) = sign_in(request, state, &email, password).await? else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return answer(request, state, status, &email, &redirect, Some(REFUSED));
    };
    end_former(request, state).await?;
    Ok(signed_in(state, &opened, &redirect))
}

/// Signs in as often as the throttle lets them.
async fn sign_in(
    request: &HttpRequest,
    state: &State,
    email: &str,
    password: String,
) -> Result<Option<NewSession>, ApiError> {
    let throttle = state.throttle();
    let address = client_address(request, state);
    let attempt = throttle.begin(email, address, state.clock().now());
    let attempt = attempt.map_err(ApiError::too_many_attempts)?;
    let signed_in = state
        .accounts()
        .sign_in(email, password, user_agent(request));
    let signed_in = signed_in.await;
    match &signed_in {
        Ok(None) => {}
        Err(AccountError::Busy) => throttle.give_back_to_account(&attempt),
        // It succeeded, or the database was away.
        Ok(Some(_)) | Err(_) => throttle.give_back(&attempt),
    }
    match signed_in {
        // They were deleted or disabled in this very moment.
        Err(AccountError::NoUser) => Ok(None),
        signed_in => Ok(signed_in?),
    }
}

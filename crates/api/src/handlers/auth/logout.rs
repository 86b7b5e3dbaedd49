//! `GET` and `POST /auth/logout`: signing out, here or everywhere.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use waypost_store::KnownSession;

use super::{PageResult, page, see_other};
use crate::csrf;
use crate::errors::ApiError;
use crate::input::Form;
use crate::pages::{self, LogoutPage};
use crate::state::State;

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct LogoutForm {
    #[serde(default)]
    csrf: String,
    /// Of the second button.
    everywhere: Option<String>,
}

/// Shows who is signed in, and the form.
pub(crate) async fn show(request: HttpRequest, state: web::Data<State>) -> PageResult {
    page(&state, form(&request, &state).await)
}

async fn form(request: &HttpRequest, state: &State) -> Result<HttpResponse, ApiError> {
    let known = session(request, state).await?;
    let site = state.site();
    let (csrf, cookie) = csrf::token(request.headers(), site, state.random());
    let page = LogoutPage {
        base: site.base(),
        csrf: &csrf,
        email: known.as_ref().map(|known| known.user.email.as_str()),
    };
    let answer = pages::answer(StatusCode::OK, &page)?;
    Ok(answer.keeping(cookie).finish())
}

async fn session(request: &HttpRequest, state: &State) -> Result<Option<KnownSession>, ApiError> {
    match state.site().session_of(request.headers()) {
        Some(presented) => Ok(state.accounts().authenticate_session(presented).await?),
        None => Ok(None),
    }
}

/// Signs out, and makes the browser forget its session.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    form: Result<Form<LogoutForm>, ApiError>,
) -> PageResult {
    page(&state, sign_out(&request, &state, form).await)
}

async fn sign_out(
    request: &HttpRequest,
    state: &State,
    form: Result<Form<LogoutForm>, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Form(form) = form?;
    let site = state.site();
    csrf::check_form(request.headers(), site, &form.csrf)?;
    if let Some(known) = session(request, state).await? {
        let accounts = state.accounts();
        if form.everywhere.is_some() {
            accounts.sign_out_everywhere(known.user.id).await?;
        } else {
            accounts.sign_out(known.user.id, known.session.id).await?;
        }
    }
    let mut answer = see_other(&format!("{}/auth/logout", site.base()));
    if let Some(cookie) = site.forget_session() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

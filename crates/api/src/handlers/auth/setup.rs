//! `GET` and `POST /setup`: whoever has the link that was printed at the first start makes themselves the
//! first admin.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use waypost_core::{DisplayName, Email, Password};

use super::{PageResult, end_former, page, signed_in, user_agent};
use crate::csrf;
use crate::errors::{ApiError, ErrorCode};
use crate::input::Form;
use crate::pages::{self, SetupPage};
use crate::state::State;

/// The secret of the link.
#[derive(Debug, Default, Deserialize)]
struct SetupQuery {
    #[serde(default)]
    token: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct SetupForm {
    #[serde(default)]
    csrf: String,
    token: String,
    email: String,
    #[serde(default)]
    name: String,
    password: String,
}

fn gone() -> ApiError {
    ApiError::new(
        ErrorCode::Gone,
        "this set-up link is not accepted: it was used, or is older than an hour, or somebody was added by \
         `linkctl user add`; while there are no users, restarting the server prints a new one",
    )
}

/// Shows the form.
pub(crate) async fn show(request: HttpRequest, state: web::Data<State>) -> PageResult {
    page(&state, form(&request, &state).await)
}

async fn form(request: &HttpRequest, state: &State) -> Result<HttpResponse, ApiError> {
    let query = web::Query::<SetupQuery>::from_query(request.query_string());
    let SetupQuery { token } = query.map(web::Query::into_inner).unwrap_or_default();
    if !state.accounts().may_set_up(&token).await? {
        return Err(gone());
    }
    answer(request, state, StatusCode::OK, ["", ""], &token, None)
}

fn answer(
    request: &HttpRequest,
    state: &State,
    status: StatusCode,
    [email, name]: [&str; 2],
    token: &str,
    problem: Option<&str>,
) -> Result<HttpResponse, ApiError> {
    let site = state.site();
    let (csrf, cookie) = csrf::token(request.headers(), site, state.random());
    let page = SetupPage {
        base: site.base(),
        csrf: &csrf,
        token,
        email,
        name,
        problem,
    };
    Ok(pages::answer(status, &page)?.keeping(cookie).finish())
}

/// Makes the first admin, and signs them in.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    form: Result<Form<SetupForm>, ApiError>,
) -> PageResult {
    page(&state, set_up(&request, &state, form).await)
}

async fn set_up(
    request: &HttpRequest,
    state: &State,
    form: Result<Form<SetupForm>, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let Form(form) = form?;
    csrf::check_form(request.headers(), state.site(), &form.csrf)?;
    let accounts = state.accounts();
    if !accounts.may_set_up(&form.token).await? {
        return Err(gone());
    }
    let (email, name, password) = match read(&form) {
        Ok(read) => read,
        Err(problem) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let typed = [form.email.as_str(), form.name.as_str()];
            return answer(request, state, status, typed, &form.token, Some(&problem));
        }
    };
    let made = accounts.set_up(&form.token, email, name, password).await?;
    let admin = made.ok_or_else(gone)?;
    let opened = accounts.open_session(admin, user_agent(request)).await?;
    end_former(request, state).await?;
    Ok(signed_in(state, &opened, ""))
}

/// What was typed, or what is wrong with it.
fn read(form: &SetupForm) -> Result<(Email, DisplayName, Password), String> {
    let problem = |error: &dyn std::fmt::Display| crate::error_page::sentence(&error.to_string());
    Ok((
        Email::parse(&form.email).map_err(|error| problem(&error))?,
        DisplayName::parse(&form.name).map_err(|error| problem(&error))?,
        Password::parse(&form.password).map_err(|error| problem(&error))?,
    ))
}

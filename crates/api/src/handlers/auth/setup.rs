//! `GET` and `POST /setup`: creating the first admin account with the link that the server prints
//! when it starts without users.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{Actor, DisplayName, Email, Password};

use super::{end_former, remember_browser, signed_in};
use crate::errors::{ApiError, ErrorCode};
use crate::pages::{Frame, PageForm, PageResult};
use crate::request::caller::Caller;
use crate::request::client::user_agent;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'a> {
    frame: &'a Frame,
    token: &'a str,
    email: &'a str,
    name: &'a str,
    problem: Option<&'a str>,
}

/// The secret in the set-up link.
#[derive(Debug, Default, Deserialize)]
struct SetupQuery {
    #[serde(default)]
    token: String,
}

/// The fields of the form.
#[derive(Deserialize)]
pub(crate) struct SetupForm {
    token: String,
    email: String,
    #[serde(default)]
    name: String,
    password: String,
}

fn gone() -> ApiError {
    ApiError::new(
        ErrorCode::Gone,
        "this set-up link is no longer valid: it was used, is older than an hour, or a user already \
         exists; if there are no users, restart the server to get a new link",
    )
}

/// Shows the form.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = web::Query::<SetupQuery>::from_query(request.query_string());
    let SetupQuery { token } = query.map(web::Query::into_inner).unwrap_or_default();
    if !state.accounts().may_set_up(&token).await? {
        return Err(gone());
    }
    let page = SetupPage {
        frame: &frame,
        token: &token,
        email: "",
        name: "",
        problem: None,
    };
    frame.page(StatusCode::OK, &page)
}

/// Creates the first admin account and signs it in.
pub(crate) async fn submit(
    request: HttpRequest,
    state: web::Data<State>,
    PageForm(form): PageForm<SetupForm>,
    frame: Frame,
) -> PageResult {
    let accounts = Caller::new(Actor::Anonymous, &request, &state).accounts(&state);
    if !accounts.may_set_up(&form.token).await? {
        return Err(gone());
    }
    let (email, name, password) = match read(&form) {
        Ok(read) => read,
        Err(problem) => {
            let page = SetupPage {
                frame: &frame,
                token: &form.token,
                email: &form.email,
                name: &form.name,
                problem: Some(&problem),
            };
            return frame.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let made = accounts.set_up(&form.token, email, name, password).await?;
    let admin = made.ok_or_else(gone)?;
    let opened = accounts.open_session(admin, user_agent(&request)).await?;
    end_former(&request, &state).await?;
    let mut answer = signed_in(&state, &opened, "", None);
    remember_browser(&mut answer, &state, &opened.user).await;
    Ok(answer)
}

/// Parses the entries, or returns the error of the first invalid one.
fn read(form: &SetupForm) -> Result<(Email, DisplayName, Password), String> {
    let problem =
        |error: &dyn std::fmt::Display| crate::pages::problem::sentence(&error.to_string());
    Ok((
        Email::parse(&form.email).map_err(|error| problem(&error))?,
        DisplayName::parse(&form.name).map_err(|error| problem(&error))?,
        Password::parse(&form.password).map_err(|error| problem(&error))?,
    ))
}

//! `GET` and `POST /admin`: lists, finds and adds users.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{DisplayName, Email, Password, Role, User, UserCursor};
use waypost_service::{AccountError, FoundUsers, NewUser};

use super::{USERS, address, given};
use crate::errors::ApiError;
use crate::oidc::Oidc;
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input;
use crate::state::State;

/// Number of users on a page.
const SHOWN: usize = 50;

/// The page.
#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    q: &'a str,
    users: Vec<UserRow>,
    typed: &'a NewUserForm,
    problem: &'a Problem,
    provider: Option<&'a str>,
    path: String,
    first: bool,
    next: Option<String>,
}

/// A user in the list.
struct UserRow {
    id: String,
    email: String,
    name: String,
    role: &'static str,
    is_disabled: bool,
    created_at: Moment,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
struct UsersQuery {
    #[serde(default)]
    q: String,
    cursor: Option<String>,
}

/// The fields of the form.
#[derive(Default, Deserialize)]
pub(crate) struct NewUserForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    password: String,
}

/// Lists users, the newest first.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    frame: Frame,
) -> PageResult {
    let query = input::page_query::<UsersQuery>(&request)?;
    let form = NewUserForm::default();
    shown(&state, &frame, query, &form, &Problem::NONE).await
}

/// Adds a user.
pub(crate) async fn create(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<NewUserForm>,
    frame: Frame,
) -> PageResult {
    let problem = match form.read(state.oidc().is_some()) {
        Ok(new) => match caller.accounts(&state).add_user(new).await {
            Ok(_) => return Ok(frame.go_saying(USERS, Flash::UserAdded, &state)),
            Err(error @ AccountError::EmailTaken(_)) => Problem::new("email", &error.to_string()),
            Err(error) => return Err(error.into()),
        },
        Err(problem) => problem,
    };
    shown(&state, &frame, UsersQuery::default(), &form, &problem).await
}

impl NewUserForm {
    fn read(&self, may_lack_password: bool) -> Result<NewUser, Problem> {
        let email =
            Email::parse(&self.email).map_err(|error| Problem::new("email", &error.to_string()))?;
        let display_name = DisplayName::parse(&self.name)
            .map_err(|error| Problem::new("name", &error.to_string()))?;
        let role: Role = self
            .role
            .parse()
            .map_err(|_| Problem::new("role", "choose a role"))?;
        let password = if self.password.is_empty() && may_lack_password {
            None
        } else {
            let password = Password::parse(&self.password);
            Some(password.map_err(|error| Problem::new("password", &error.to_string()))?)
        };
        Ok(NewUser {
            email,
            display_name,
            role,
            password,
        })
    }
}

async fn shown(
    state: &State,
    frame: &Frame,
    query: UsersQuery,
    typed: &NewUserForm,
    problem: &Problem,
) -> PageResult {
    let cursor = query.cursor.as_ref();
    let cursor: Option<UserCursor> = cursor
        .map(|text| text.parse())
        .transpose()
        .map_err(|error: waypost_core::CursorError| ApiError::from(error))?;
    let q = given(&query.q).unwrap_or_default();
    let FoundUsers { users, next } = state.accounts().find_users(&q, cursor, SHOWN).await?;
    let page = UsersPage {
        frame,
        tab: USERS,
        is_tab: true,
        path: address(frame.base(), USERS, &[("q", &q)]),
        q: &q,
        users: users.iter().map(UserRow::from).collect(),
        typed,
        problem,
        provider: state.oidc().map(Oidc::host),
        first: cursor.is_some(),
        next: next.map(|next| next.to_string()),
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            name: user.display_name.as_str().to_owned(),
            role: user.role.as_str(),
            is_disabled: user.is_disabled(),
            created_at: user.created_at.into(),
        }
    }
}

//! `/admin/users/{id}`: the name, role and state of a user, for admins.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{DisplayName, Email, Role, User, UserId};
use waypost_service::{AccountError, UserEdit};
use waypost_store::LinkedIdentity;

use super::USERS;
use crate::errors::ApiError;
use crate::pages::{Flash, Frame, Moment, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "admin/user.html")]
struct UserPage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    is_tab: bool,
    id: String,
    email: &'a str,
    created_at: Moment,
    disabled_at: Option<Moment>,
    /// Whether this is the signed-in admin.
    is_self: bool,
    /// Accounts at OpenID providers.
    identities: Vec<IdentityRow>,
    typed: &'a UserForm,
    problem: &'a Problem,
}

/// An account at an OpenID provider.
struct IdentityRow {
    id: String,
    issuer: String,
    subject: String,
    created_at: Moment,
}

/// The fields of the form.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct UserForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    role: String,
}

/// The fields of the form that disables or enables the user.
#[derive(Debug, Deserialize)]
pub(crate) struct StateForm {
    #[serde(default)]
    disabled: String,
}

/// Shows the forms.
pub(crate) async fn show(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    frame: Frame,
) -> PageResult {
    let user = find(&request, &state).await?;
    let typed = UserForm::of(&user);
    shown(&user, &state, &caller, &frame, &typed, &Problem::NONE).await
}

/// Changes the email address, name and role.
pub(crate) async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<UserForm>,
    frame: Frame,
) -> PageResult {
    let user = find(&request, &state).await?;
    let problem = match form.read(&user) {
        Ok(change) => {
            let accounts = caller.accounts(&state);
            match accounts.change_user(&caller.0, user.id, change).await {
                Ok(None) => return Err(ApiError::no_such_thing()),
                Ok(Some(_)) => {
                    let path = format!("{USERS}/users/{}", user.id);
                    return Ok(frame.go_saying(&path, Flash::Saved, &state));
                }
                Err(error) => of_change(error)?,
            }
        }
        Err(problem) => problem,
    };
    shown(&user, &state, &caller, &frame, &form, &problem).await
}

/// Disables or enables the user.
pub(crate) async fn set_state(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<StateForm>,
    frame: Frame,
) -> PageResult {
    let id: UserId = id_of(&request, "id")?;
    let (disabled, flash) = match form.disabled.as_str() {
        "true" => (true, Flash::UserDisabled),
        "false" => (false, Flash::UserEnabled),
        _ => return Err(ApiError::bad_request("`disabled` must be true or false")),
    };
    let edit = UserEdit {
        disabled: Some(disabled),
        ..UserEdit::default()
    };
    let changed = caller
        .accounts(&state)
        .change_user(&caller.0, id, edit)
        .await?;
    changed.ok_or_else(ApiError::no_such_thing)?;
    Ok(frame.go_saying(&format!("{USERS}/users/{id}"), flash, &state))
}

/// Returns the user in the path.
pub(super) async fn find(request: &HttpRequest, state: &State) -> Result<User, ApiError> {
    let user = state.accounts().user(id_of(request, "id")?).await?;
    user.ok_or_else(ApiError::no_such_thing)
}

impl From<&LinkedIdentity> for IdentityRow {
    fn from(linked: &LinkedIdentity) -> Self {
        let identity = &linked.identity;
        Self {
            id: identity.id(),
            issuer: identity.issuer().to_owned(),
            subject: identity.subject().to_owned(),
            created_at: linked.created_at.into(),
        }
    }
}

fn of_change(error: AccountError) -> Result<Problem, ApiError> {
    match error {
        AccountError::Oneself => Ok(Problem::new("role", &error.to_string())),
        AccountError::AddressInUse => Ok(Problem::new("email", &error.to_string())),
        error => Err(error.into()),
    }
}

impl UserForm {
    /// Returns the form as it is before the admin changes it.
    pub(super) fn of(user: &User) -> Self {
        Self {
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            role: user.role.as_str().to_owned(),
        }
    }

    /// Returns the changes.
    fn read(&self, user: &User) -> Result<UserEdit, Problem> {
        // An address that an earlier release accepted may stay.
        let is_kept = self.email == user.email.as_str();
        let email = (!is_kept).then(|| Email::parse(&self.email)).transpose();
        let email = email.map_err(|error| Problem::new("email", &error.to_string()))?;
        let name = DisplayName::parse(&self.display_name)
            .map_err(|error| Problem::new("display_name", &error.to_string()))?;
        let role: Role = self
            .role
            .parse()
            .map_err(|_| Problem::new("role", "choose a role"))?;
        Ok(UserEdit {
            email: email.filter(|email| *email != user.email),
            display_name: (name != user.display_name).then_some(name),
            // A role that is set here no longer comes from a group of the OpenID provider.
            role: (role != user.role).then_some(role),
            disabled: None,
        })
    }
}

pub(super) async fn shown(
    user: &User,
    state: &State,
    caller: &Caller,
    frame: &Frame,
    typed: &UserForm,
    problem: &Problem,
) -> PageResult {
    let identities = state.accounts().identities(user.id).await?;
    let page = UserPage {
        frame,
        tab: USERS,
        is_tab: false,
        id: user.id.to_string(),
        email: user.email.as_str(),
        created_at: user.created_at.into(),
        disabled_at: user.disabled_at.map(Moment::from),
        is_self: caller.0.user_id() == Some(user.id),
        identities: identities.iter().map(IdentityRow::from).collect(),
        typed,
        problem,
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

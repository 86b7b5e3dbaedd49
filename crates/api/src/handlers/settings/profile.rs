//! `GET` and `POST /settings`, `POST /settings/password`: the name and password of the user.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;
use waypost_core::{DisplayName, Password};
use waypost_service::{NewPassword, PasswordChanged};

use super::PROFILE;
use crate::errors::{ApiError, ErrorCode};
use crate::handlers::v1::{me, sessions};
use crate::oidc::Oidc;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::state::State;

/// The page.
#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage<'a> {
    frame: &'a Frame,
    tab: &'static str,
    email: &'a str,
    display_name: &'a str,
    problem: &'a Problem,
    /// Whether the user has a password.
    has_password: bool,
    /// The host of the OpenID provider, if one is configured.
    provider: Option<&'a str>,
}

/// The fields of the form for the name.
#[derive(Debug, Deserialize)]
pub(crate) struct NameForm {
    #[serde(default)]
    display_name: String,
}

/// The fields of the form for the password.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    current_password: String,
    #[serde(default)]
    new_password: String,
    #[serde(default)]
    again: String,
    /// Whether to revoke API tokens: present if the box is ticked.
    revoke_tokens: Option<String>,
}

/// Shows both forms.
pub(crate) async fn show(state: web::Data<State>, caller: Caller, frame: Frame) -> PageResult {
    shown(&state, &caller, &frame, None, &Problem::NONE).await
}

/// Changes the name.
pub(crate) async fn rename(
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<NameForm>,
    frame: Frame,
) -> PageResult {
    let name = match DisplayName::parse(&form.display_name) {
        Ok(name) => name,
        Err(error) => {
            let problem = Problem::new("display_name", &error.to_string());
            let typed = Some(form.display_name.as_str());
            return shown(&state, &caller, &frame, typed, &problem).await;
        }
    };
    me::renamed(Some(name), &caller, &state).await?;
    Ok(frame.go_saying(PROFILE, Flash::Saved, &state))
}

/// Changes the password.
pub(crate) async fn change_password(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<PasswordForm>,
    frame: Frame,
) -> PageResult {
    match form.change(&request, &state, &caller).await {
        Ok(changed) => {
            let flash = if changed.ended.tokens > 0 {
                Flash::PasswordChangedTokensRevoked
            } else {
                Flash::PasswordChanged
            };
            let mut answer = frame.go_saying(PROFILE, flash, &state);
            sessions::keep_renewed(&mut answer, &state, &changed).await;
            Ok(answer)
        }
        Err(PasswordProblem::OfForm(problem)) => {
            shown(&state, &caller, &frame, None, &problem).await
        }
        Err(PasswordProblem::Other(error)) => Err(error),
    }
}

/// Why a password was not changed.
enum PasswordProblem {
    OfForm(Problem),
    Other(ApiError),
}

impl PasswordForm {
    async fn change(
        self,
        request: &HttpRequest,
        state: &State,
        caller: &Caller,
    ) -> Result<PasswordChanged, PasswordProblem> {
        let wrong = |field, message: &str| PasswordProblem::OfForm(Problem::new(field, message));
        let new = Password::parse(&self.new_password);
        let new = new.map_err(|error| wrong("new_password", &error.to_string()))?;
        if self.new_password != self.again {
            return Err(wrong("again", "the passwords do not match"));
        }
        let password = NewPassword {
            current: self.current_password,
            new,
            revoke_tokens: self.revoke_tokens.is_some(),
        };
        let changed = sessions::set_password(request, caller, state, password);
        changed.await.map_err(|error| match error.code() {
            ErrorCode::Forbidden => wrong("current_password", &error.body().message),
            _ => PasswordProblem::Other(error),
        })
    }
}

async fn shown(
    state: &State,
    caller: &Caller,
    frame: &Frame,
    typed: Option<&str>,
    problem: &Problem,
) -> PageResult {
    let id = caller.user_id()?;
    let user = state.accounts().user(id).await?;
    let user = user.ok_or_else(|| ApiError::unauthorized(true))?;
    let page = ProfilePage {
        frame,
        tab: PROFILE,
        email: user.email.as_str(),
        display_name: typed.unwrap_or(user.display_name.as_str()),
        problem,
        has_password: state.accounts().has_password(id).await?,
        provider: state.oidc().map(Oidc::host),
    };
    let status = if *problem == Problem::NONE {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    frame.page(status, &page)
}

//! `POST /admin/users/{id}/identities` and `…/password`: what a user signs in with, for admins.

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use waypost_core::{Password, UserId};

use super::USERS;
use super::user::{UserForm, find, shown};
use crate::errors::ApiError;
use crate::handlers::v1::credentials::unlinked;
use crate::pages::{Flash, Frame, PageForm, PageResult, Problem};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::state::State;

/// The account to unlink.
#[derive(Debug, Deserialize)]
pub(crate) struct UnlinkForm {
    #[serde(default)]
    identity: String,
}

/// The fields of the form for the password.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    new_password: String,
    /// Whether to revoke API tokens: present if the box is ticked.
    revoke_tokens: Option<String>,
}

/// Unlinks an account at the OpenID provider from the user.
pub(crate) async fn unlink(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<UnlinkForm>,
    frame: Frame,
) -> PageResult {
    let id: UserId = id_of(&request, "id")?;
    unlinked(id, &form.identity, &caller, &state).await?;
    let path = format!("{USERS}/users/{id}");
    Ok(frame.go_saying(&path, Flash::IdentityUnlinked, &state))
}

/// Sets the password of the user.
pub(crate) async fn set_password(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller,
    PageForm(form): PageForm<PasswordForm>,
    frame: Frame,
) -> PageResult {
    let user = find(&request, &state).await?;
    let password = match Password::parse(&form.new_password) {
        Ok(password) => password,
        Err(error) => {
            let problem = Problem::new("new_password", &error.to_string());
            let typed = UserForm::of(&user);
            return shown(&user, &state, &caller, &frame, &typed, &problem).await;
        }
    };
    let accounts = caller.accounts(&state);
    let revokes = form.revoke_tokens.is_some();
    let set = accounts.set_password(&caller.0, user.id, password, revokes);
    let ended = set.await?.ok_or_else(ApiError::no_such_thing)?;
    let flash = if ended.tokens > 0 {
        Flash::PasswordSetTokensRevoked
    } else {
        Flash::PasswordSet
    };
    let path = format!("{USERS}/users/{}", user.id);
    Ok(frame.go_saying(&path, flash, &state))
}

//! `GET` and `PATCH /api/v1/users/me`: the caller's account.

use actix_web::web;
use serde::Deserialize;
use utoipa::ToSchema;
use waypost_core::{DisplayName, User};

use super::LINK_BYTES;
use crate::errors::ApiError;
use crate::request::caller::Caller;
use crate::request::input::JsonObject;
use crate::responses::{BadBody, Denied, StoreFailure};
use crate::state::State;
use crate::views::links::UserRecord;

/// The fields of the account to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeRequest {
    /// The name that is shown to others: one line of at most 100 visible
    /// characters, and no email address; may be empty.
    #[schema(max_length = 100)]
    display_name: Option<String>,
}

/// Show your account
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    tag = "account",
    operation_id = "showMe",
    security(("token" = [])),
    responses(
        (status = 200, description = "The user of the token or session", body = UserRecord),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn show(
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<UserRecord>, ApiError> {
    let user = state.accounts().user(caller.user_id()?).await?;
    // The user was deleted after the request was authenticated.
    let user = user.ok_or_else(|| ApiError::unauthorized(true))?;
    Ok(web::Json((&user).into()))
}

/// Change your account
///
/// Changes only the given fields. Only an admin can change the email address.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    tag = "account",
    operation_id = "changeMe",
    security(("token" = [])),
    request_body(content = MeRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "The updated user", body = UserRecord),
        BadBody,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn change(
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<MeRequest, LINK_BYTES>,
) -> Result<web::Json<UserRecord>, ApiError> {
    let name = asked.display_name.as_deref().map(name).transpose()?;
    let user = renamed(name, &caller, &state).await?;
    Ok(web::Json((&user).into()))
}

/// Changes the name of the caller, if there is a new one.
///
/// # Errors
/// `UNAUTHORIZED` if the user no longer exists.
pub(crate) async fn renamed(
    display_name: Option<DisplayName>,
    caller: &Caller,
    state: &State,
) -> Result<User, ApiError> {
    let user = caller.user_id()?;
    let user = caller.accounts(state).rename(user, display_name).await?;
    user.ok_or_else(|| ApiError::unauthorized(true))
}

pub(super) fn name(text: &str) -> Result<DisplayName, ApiError> {
    DisplayName::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

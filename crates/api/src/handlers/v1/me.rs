//! `GET` and `PATCH /api/v1/users/me`: oneself.

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

/// What to change of oneself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeRequest {
    /// What others read: one line of at most 100 characters; may be empty.
    #[schema(max_length = 100)]
    display_name: Option<String>,
}

/// Show oneself
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    tag = "account",
    operation_id = "showMe",
    security(("token" = [])),
    responses(
        (status = 200, description = "The user of the token", body = UserRecord),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn show(
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<UserRecord>, ApiError> {
    let user = state.accounts().user(caller.user_id()?).await?;
    // Deleted since they were known again.
    let user = user.ok_or_else(|| ApiError::unauthorized(true))?;
    Ok(web::Json((&user).into()))
}

/// Change oneself
///
/// Changes what is there and nothing else. The address is changed by an admin.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    tag = "account",
    operation_id = "changeMe",
    security(("token" = [])),
    request_body(content = MeRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 200, description = "The user as they are now", body = UserRecord),
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

/// Changes the name of whoever asks, where there is a new one.
///
/// # Errors
/// `UNAUTHORIZED` when they are gone.
pub(crate) async fn renamed(
    display_name: Option<DisplayName>,
    caller: &Caller,
    state: &State,
) -> Result<User, ApiError> {
    let user = caller.user_id()?;
    let user = state.accounts().rename(user, display_name).await?;
    user.ok_or_else(|| ApiError::unauthorized(true))
}

pub(super) fn name(text: &str) -> Result<DisplayName, ApiError> {
    DisplayName::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

//! `/api/v1/admin/users`: all users, for admins.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use waypost_core::{Email, Role, UserCursor, UserId};
use waypost_service::{AccountError, UserEdit};
use waypost_store::Heir;

use super::LINK_BYTES;
use super::me::name;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::{RoleName, UserRecord};

/// A page of users, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList {
    users: Vec<UserRecord>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// The fields of a user to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// The email address.
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// The name that is shown to others: one line of at most 100 visible
    /// characters, and no email address; may be empty.
    #[schema(max_length = 100)]
    display_name: Option<String>,
    /// The role.
    #[schema(value_type = Option<RoleName>)]
    role: Option<String>,
    /// Whether the user is disabled: no sign-in, tokens rejected.
    disabled: Option<bool>,
}

/// List users
///
/// Newest first. For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users",
    tag = "admin",
    operation_id = "listUsers",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of users", body = UserList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<UserList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let users = async |after, limit| state.accounts().users(after, limit).await;
    let slice = query.read(users, |user| UserCursor::from(user)).await?;
    Ok(web::Json(UserList {
        users: slice.items.iter().map(UserRecord::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Change a user
///
/// Changes only the given fields. You cannot take your own admin role or disable your own account.
/// Changing the email address and giving the admin role require a session or the operator's token.
/// For admins.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/users/{id}",
    tag = "admin",
    operation_id = "changeUser",
    params(("id" = String, Path, description = "The ID of the user", format = "uuid")),
    security(("token" = [])),
    request_body(content = UserRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 200, description = "The updated user", body = UserRecord),
        (status = 409, description = "Another user has the email address, or the change is not possible for your own account: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn change(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<UserRequest, LINK_BYTES>,
) -> Result<web::Json<UserRecord>, ApiError> {
    let role = asked.role.as_deref().map(str::parse::<Role>).transpose();
    let edit = UserEdit {
        email: asked.email.as_deref().map(email).transpose()?,
        display_name: asked.display_name.as_deref().map(name).transpose()?,
        role: role.map_err(|error| ApiError::bad_request(error.to_string()))?,
        disabled: asked.disabled,
    };
    let id = id_of(&request, "id")?;
    let changed = caller
        .accounts(&state)
        .change_user(&caller.0, id, edit)
        .await?;
    let changed = changed.ok_or_else(ApiError::no_such_thing)?;
    Ok(web::Json((&changed).into()))
}

fn email(text: &str) -> Result<Email, ApiError> {
    Email::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// Selects what to do with the links of the user.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// What to do with their links: `reassign:EMAIL` transfers those of which they are the primary
    /// owner to that user; `delete` deletes those that only they own, and admins can restore them.
    /// Links with other owners stay.
    #[param(example = "delete", pattern = "^(delete|reassign:.+)$")]
    links: String,
}

/// Delete a user
///
/// Also deletes their sessions and API tokens. Their clicks are kept without their name. For
/// admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/users/{id}",
    tag = "admin",
    operation_id = "deleteUser",
    params(("id" = String, Path, description = "The ID of the user", format = "uuid"), DeleteQuery),
    security(("token" = [])),
    responses(
        (status = 204, description = "User deleted"),
        (status = 409, description = "The user is the caller: CONFLICT", body = ErrorBody<'static>),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn delete(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let query = input::query::<DeleteQuery>(&request)?;
    let id: UserId = id_of(&request, "id")?;
    if caller.0.user_id() == Some(id) {
        return Err(AccountError::Oneself.into());
    }
    let accounts = caller.accounts(&state);
    let links = match query.links.split_once(':') {
        None if query.links == "delete" => Heir::Nobody,
        Some(("reassign", address)) => Heir::User(accounts.heir(id, &email(address)?).await?.id),
        _ => {
            return Err(ApiError::bad_request(
                "`links` must be `delete` or `reassign:` with the email address of another user",
            ));
        }
    };
    if !accounts.delete_user(&caller.0, id, links, |_| {}).await? {
        return Err(ApiError::no_such_thing());
    }
    Ok(HttpResponse::NoContent().finish())
}

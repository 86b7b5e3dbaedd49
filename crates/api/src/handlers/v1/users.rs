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

/// Users, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList {
    users: Vec<UserRecord>,
    /// Where the list goes on; `null` at its end.
    next_cursor: Option<String>,
}

/// What to change of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserRequest {
    /// Their address.
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// What others read: one line of at most 100 characters; may be empty.
    #[schema(max_length = 100)]
    display_name: Option<String>,
    /// Their role.
    #[schema(value_type = Option<RoleName>)]
    role: Option<String>,
    /// Whether they may do nothing; their tokens are not accepted then.
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
        (status = 200, description = "Some of the users", body = UserList),
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
/// Changes what is there and nothing else. Nobody takes their own role or disables themselves. For admins.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/users/{id}",
    tag = "admin",
    operation_id = "changeUser",
    params(("id" = String, Path, description = "The id of the user", format = "uuid")),
    security(("token" = [])),
    request_body(content = UserRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 200, description = "The user as they are now", body = UserRecord),
        (status = 409, description = "Somebody else has the address, or it is oneself: CONFLICT", body = ErrorBody<'static>),
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
    let changed = state.accounts().change_user(&caller.0, id, edit).await?;
    let changed = changed.ok_or_else(ApiError::no_such_thing)?;
    Ok(web::Json((&changed).into()))
}

fn email(text: &str) -> Result<Email, ApiError> {
    Email::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// What becomes of their links.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// `reassign:EMAIL` gives the links of which they are the primary owner to that user; `delete` deletes
    /// those that are theirs alone, so that an admin can restore them, and leaves others to the other
    /// owners.
    #[param(example = "delete", pattern = "^(delete|reassign:.+)$")]
    links: String,
}

/// Delete a user
///
/// With their tokens. Clicks that they made stay, and are nobody's. For admins.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/users/{id}",
    tag = "admin",
    operation_id = "deleteUser",
    params(("id" = String, Path, description = "The id of the user", format = "uuid"), DeleteQuery),
    security(("token" = [])),
    responses(
        (status = 204, description = "They are deleted"),
        (status = 409, description = "It is oneself: CONFLICT", body = ErrorBody<'static>),
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
    let accounts = state.accounts();
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

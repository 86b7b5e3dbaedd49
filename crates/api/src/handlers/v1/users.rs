//! `/api/v1/admin/users`: all users, for admins.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use waypost_core::{Email, Role, User, UserCursor, UserId};
use waypost_store::{StoreError, TakenTo, UserChange};

use super::LINK_BYTES;
use super::me::name;
use crate::errors::{ApiError, ErrorBody, ErrorCode};
use crate::request::caller::Caller;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::request::paging::{Slice, limit};
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
    let limit = limit(query.limit.as_deref())?;
    let cursor = query.cursor.map(|text| text.parse()).transpose()?;
    let one_more = limit.saturating_add(1);
    let users = state.store().users_after(cursor, one_more).await?;
    let slice = Slice::of(users, limit, |user| UserCursor::from(user));
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
    let change = UserChange {
        email: asked.email.as_deref().map(email).transpose()?,
        display_name: asked.display_name.as_deref().map(name).transpose()?,
        role: role.map_err(|error| ApiError::bad_request(error.to_string()))?,
        disabled_at: None,
    };
    let id = id_of(&request, "id")?;
    let changed = changed(id, change, asked.disabled, &caller, &state).await?;
    Ok(web::Json((&changed).into()))
}

/// Changes a user for an admin: `disabled` says whether they may do nothing from now on.
///
/// # Errors
/// `CONFLICT` when it would take away what the admin themselves is, or somebody else has the address.
pub(crate) async fn changed(
    id: UserId,
    mut change: UserChange,
    disabled: Option<bool>,
    caller: &Caller,
    state: &State,
) -> Result<User, ApiError> {
    let loses = change.role == Some(Role::Member) || disabled == Some(true);
    if caller.0.user_id() == Some(id) && loses {
        return Err(not_oneself());
    }
    if let Some(disabled) = disabled {
        let user = state.store().user(id).await?;
        let user = user.ok_or_else(ApiError::no_such_thing)?;
        if user.is_disabled() != disabled {
            change.disabled_at = Some(disabled.then(|| state.clock().now()));
        }
    }
    match state.store().change_user(id, &change).await {
        Ok(user) => user.ok_or_else(ApiError::no_such_thing),
        Err(StoreError::Conflict) => Err(ApiError::new(
            ErrorCode::Conflict,
            "another user has this address",
        )),
        Err(error) => Err(error.into()),
    }
}

fn email(text: &str) -> Result<Email, ApiError> {
    Email::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// What an admin does not do to themselves.
pub(crate) fn not_oneself() -> ApiError {
    ApiError::new(
        ErrorCode::Conflict,
        "nobody can do this to themselves; ask another admin, or use linkctl",
    )
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
        return Err(not_oneself());
    }
    let links = match query.links.split_once(':') {
        None if query.links == "delete" => TakenTo::Nobody,
        Some(("reassign", address)) => heir(&email(address)?, id, &state).await?,
        _ => {
            return Err(ApiError::bad_request(
                "`links` is `delete` or `reassign:` and the address of another user",
            ));
        }
    };
    deleted(id, links, &caller, &state).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who gets the links of a user who is deleted.
///
/// # Errors
/// `USER_UNKNOWN` when nobody else has the address.
pub(crate) async fn heir(
    address: &Email,
    deleted: UserId,
    state: &State,
) -> Result<TakenTo, ApiError> {
    let heir = state.store().user_by_email(address).await?;
    let heir = heir.filter(|heir| heir.id != deleted);
    let unknown = || ApiError::new(ErrorCode::UserUnknown, "no other user has this address");
    Ok(TakenTo::User(heir.ok_or_else(unknown)?.id))
}

/// Deletes a user for an admin.
///
/// # Errors
/// `CONFLICT` for the admin themselves, `NOT_FOUND` when there is no such user.
pub(crate) async fn deleted(
    id: UserId,
    links: TakenTo,
    caller: &Caller,
    state: &State,
) -> Result<(), ApiError> {
    let by = caller.0.user_id();
    if by == Some(id) {
        return Err(not_oneself());
    }
    if state.accounts().delete_user(by, id, links, |_| {}).await? {
        // So that this server forgets their deleted links now, and not with the next reading of the feed. A
        // failure is told in the log, and the next reading makes up for it.
        let _ = state.resolver().poll_once().await;
        return Ok(());
    }
    Err(ApiError::no_such_thing())
}

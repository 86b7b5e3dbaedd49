//! `/api/v1/links/{id}/owners` and `/api/v1/links/{id}/shares`: the owners of a link and the users
//! it is shared with.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::{Email, LinkOwner, Person};

use super::LINK_BYTES;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::request::input::id_of;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Contended, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::{OwnerView, PersonView};

/// A page of the owners of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerList {
    owners: Vec<OwnerView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// A page of the users that a link is shared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareList {
    shares: Vec<PersonView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// An owner to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    /// The address of a user.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// Whether the user becomes the primary owner; the present one stays an owner.
    #[serde(default)]
    #[schema(default = false)]
    is_primary: bool,
}

/// A user to share a link with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareRequest {
    /// The address of a user.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
}

fn email(text: &str) -> Result<Email, ApiError> {
    Email::parse(text).map_err(|error| ApiError::bad_request(error.to_string()))
}

/// List the owners of a link
///
/// The primary owner comes first.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/owners",
    tag = "people",
    operation_id = "listOwners",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of owners", body = OwnerList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn owners(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<OwnerList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let owners = state.links().owners(&caller.0, id).await?;
    let place = |owner: &LinkOwner| owner.person.id;
    let slice = query.cut(owners, place)?;
    Ok(web::Json(OwnerList {
        owners: slice.items.iter().map(OwnerView::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Add an owner
///
/// If the user is already an owner, the response is the same.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/owners",
    tag = "people",
    operation_id = "addOwner",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = OwnerRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The added owner", body = OwnerView),
        (status = 409, description = "The link has 200 owners, or it is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn add_owner(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<OwnerRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let email = email(&asked.email)?;
    let links = state.links();
    let owned = links
        .add_owner(&caller.0, id, &email, asked.is_primary)
        .await?;
    let mut owners = owned.owners.iter();
    let added = owners.find(|owner| owner.person.email == email);
    let added = added.ok_or_else(ApiError::no_such_thing)?;
    Ok(HttpResponse::Created().json(OwnerView::from(added)))
}

/// Remove an owner
///
/// The primary owner cannot be removed; make another owner the primary one first.
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/owners/{user}",
    tag = "people",
    operation_id = "removeOwner",
    params(
        LinkPath,
        ("user" = String, Path, description = "The ID of the owner", format = "uuid"),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Owner removed"),
        (status = 409, description = "The user is the primary owner, or the link is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn remove_owner(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let user = id_of(&request, "user")?;
    state.links().remove_owner(&caller.0, id, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the users that a link is shared with
///
/// In the order of their IDs. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "listShares",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of users", body = ShareList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn shares(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<ShareList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let shares = state.links().shares(&caller.0, id).await?;
    let place = |person: &Person| person.id;
    let slice = query.cut(shares, place)?;
    Ok(web::Json(ShareList {
        shares: slice.items.iter().map(PersonView::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Share a link with a user
///
/// The user can see the link, and follow it if it is `secure`. Nothing changes for an owner.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "addShare",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = ShareRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The user that the link is shared with, or who owns it", body = PersonView),
        (status = 409, description = "The link is shared with 200 users, or it is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn add_share(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<ShareRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let email = email(&asked.email)?;
    let person = state.links().share(&caller.0, id, &email).await?;
    Ok(HttpResponse::Created().json(PersonView::from(&person)))
}

/// Stop sharing a link with a user
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/shares/{user}",
    tag = "people",
    operation_id = "removeShare",
    params(
        LinkPath,
        ("user" = String, Path, description = "The ID of the user", format = "uuid"),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Sharing stopped"),
        Contended,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn remove_share(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let user = id_of(&request, "user")?;
    state.links().unshare(&caller.0, id, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

//! `/api/v1/links/{id}/owners` and `/api/v1/links/{id}/shares`: whom a link belongs to, and whom it is
//! shared with.

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

/// The owners of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerList {
    owners: Vec<OwnerView>,
    /// Where the list goes on; `null` at its end.
    next_cursor: Option<String>,
}

/// Whom a link is shared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareList {
    shares: Vec<PersonView>,
    /// Where the list goes on; `null` at its end.
    next_cursor: Option<String>,
}

/// Who becomes an owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    /// The address of a user.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// Whether they become the primary owner; who is it stays an owner.
    #[serde(default)]
    #[schema(default = false)]
    is_primary: bool,
}

/// Whom to share with.
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

/// Show whom a link belongs to
///
/// The primary owner first.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/owners",
    tag = "people",
    operation_id = "listOwners",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of the owners", body = OwnerList),
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

/// Make somebody an owner of a link
///
/// Who owns it already stays one; the answer is the same.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/owners",
    tag = "people",
    operation_id = "addOwner",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = OwnerRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 201, description = "The owner", body = OwnerView),
        (status = 409, description = "The link has 200 owners, or others change it all the time: CONFLICT", body = ErrorBody<'static>),
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

/// Take a link from one of its owners
///
/// The primary owner can only make somebody else the primary one first.
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/owners/{user}",
    tag = "people",
    operation_id = "removeOwner",
    params(
        LinkPath,
        ("user" = String, Path, description = "The id of the owner", format = "uuid"),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "They are no owner any more"),
        (status = 409, description = "They are the primary owner, or others change the link all the time: CONFLICT", body = ErrorBody<'static>),
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

/// Show whom a link is shared with
///
/// In the order of their ids. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "listShares",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "Some of them", body = ShareList),
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

/// Share a link with somebody
///
/// They see it then, and follow it if it is `secure`. Who owns it needs no share: for them nothing changes.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "addShare",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = ShareRequest, description = "JSON. Unknown fields are refused."),
    responses(
        (status = 201, description = "Whom it is shared with now, or who owns it", body = PersonView),
        (status = 409, description = "The link is shared with 200 users, or others change it all the time: CONFLICT", body = ErrorBody<'static>),
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

/// Share a link with somebody no more
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/shares/{user}",
    tag = "people",
    operation_id = "removeShare",
    params(
        LinkPath,
        ("user" = String, Path, description = "The id of whom it is shared with", format = "uuid"),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "It is not shared with them any more"),
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

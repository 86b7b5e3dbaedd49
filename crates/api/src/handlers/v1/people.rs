//! `/api/v1/links/{id}/owners` and `/api/v1/links/{id}/shares`: the owners of a link and the people
//! it is shared with.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use waypost_core::{Email, LinkOwner, UserId};
use waypost_service::{Viewer, ViewerName};

use super::LINK_BYTES;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::LinkPath;
use crate::request::input::{self, JsonObject};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Contended, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::OwnerView;
use crate::views::people::{AddedOwnerView, ShareView};

/// A page of the owners of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnerList {
    owners: Vec<OwnerView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// A page of the people whom a link is shared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShareList {
    shares: Vec<ShareView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// An owner to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerRequest {
    /// The email address of the person.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// Whether the person is the primary owner. `true` changes nothing: the primary owner changes
    /// only by a transfer.
    #[serde(default)]
    #[schema(default = false)]
    is_primary: bool,
}

/// A person to share a link with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareRequest {
    /// The email address of the person, with or without an account.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
}

pub(super) fn email(text: &str) -> Result<Email, ApiError> {
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
/// A person whom an owner names is invited, whether they have an account or not, and owns the link
/// when they accept (`/api/v1/offers`). A user whom an admin names owns the link at once. If the
/// user is already an owner, the response is the same.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/owners",
    tag = "people",
    operation_id = "addOwner",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = OwnerRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The owner, or the invited person", body = AddedOwnerView),
        (status = 409, description = "The link has 200 owners, the primary owner would change, or the link is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
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
    let links = caller.links(&state);
    let added = links
        .add_owner(&caller.0, id, &email, asked.is_primary)
        .await?;
    Ok(HttpResponse::Created().json(AddedOwnerView::from(added)))
}

/// Remove an owner
///
/// Owners remove themselves, and the primary owner and admins remove others. The primary owner
/// cannot be removed: they hand over the link first. An email address withdraws the invitation of a
/// person who has not accepted yet.
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/owners/{user}",
    tag = "people",
    operation_id = "removeOwner",
    params(
        LinkPath,
        ("user" = String, Path, description = "The ID of the owner, or the email address of an invited person", max_length = 254),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Owner removed, or invitation withdrawn"),
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
    match named(&request)? {
        ViewerName::User(user) => {
            caller
                .links(&state)
                .remove_owner(&caller.0, id, user)
                .await?;
        }
        ViewerName::Email(email) => caller.links(&state).withdraw(&caller.0, id, &email).await?,
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Returns the person in the path, by ID or by email address.
fn named(request: &HttpRequest) -> Result<ViewerName, ApiError> {
    let text = request.match_info().query("user");
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(ViewerName::User(UserId::from_uuid(id)));
    }
    let email = Email::parse(text).map_err(|_| ApiError::no_such_thing())?;
    Ok(ViewerName::Email(email))
}

/// List the people a link is shared with
///
/// In the order of their email addresses. An invited address is shown as it was invited, whether it
/// has an account or not. For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "listShares",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of people", body = ShareList),
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
    let place = |viewer: &Viewer| viewer.email.clone();
    let slice = query.cut(shares, place)?;
    Ok(web::Json(ShareList {
        shares: slice.items.iter().map(ShareView::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Share a link with a person
///
/// The person can see the link, and follow it if it is `secure`. If nobody has the email address
/// yet, this begins when somebody does; the response does not tell. Nothing changes for an owner.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/shares",
    tag = "people",
    operation_id = "addShare",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = ShareRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The person the link is shared with, or who owns it", body = ShareView),
        (status = 409, description = "The link is shared with 200 people, or it is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
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
    let viewer = caller.links(&state).share(&caller.0, id, &email).await?;
    Ok(HttpResponse::Created().json(ShareView::from(&viewer)))
}

/// Stop sharing a link with a person
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/shares/{user}",
    tag = "people",
    operation_id = "removeShare",
    params(
        LinkPath,
        ("user" = String, Path, description = "The ID or the email address of the person, as listed", max_length = 254),
    ),
    security(("token" = [])),
    responses(
        (status = 204, description = "Sharing stopped, or invitation withdrawn"),
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
    let name = named(&request)?;
    caller.links(&state).unshare(&caller.0, id, &name).await?;
    Ok(HttpResponse::NoContent().finish())
}

//! `/api/v1/links/{id}/transfer`, `/api/v1/links/{id}/invitations` and `/api/v1/offers`: handing over
//! a link, and accepting what is offered.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use waypost_core::Invitation;
use waypost_service::Offer;

use super::LINK_BYTES;
use super::people::email;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::request::input::{self, JsonObject, LinkPath};
use crate::request::paging::PartQuery;
use crate::responses::{BadBody, BadInput, Contended, Denied, NotThere, StoreFailure};
use crate::state::State;
use crate::views::links::LinkView;
use crate::views::people::{InvitationView, OfferRecord, TransferRecord};

/// The receiver of a link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferRequest {
    /// The email address of the receiver, with or without an account.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
}

/// A page of pending invitations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvitationList {
    invitations: Vec<InvitationView>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// A page of offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OfferList {
    offers: Vec<OfferRecord>,
    /// Cursor of the next page; `null` on the last page.
    next_cursor: Option<String>,
}

/// List the pending invitations to own a link
///
/// With its pending transfer. For owners and admins. People invited to see the link are listed with
/// those whom it is shared with.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/invitations",
    tag = "people",
    operation_id = "listInvitations",
    params(LinkPath, PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of invitations", body = InvitationList),
        BadInput,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn invitations(
    request: HttpRequest,
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<InvitationList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let invitations = state.links().owner_invitations(&caller.0, id).await?;
    let place = |one: &Invitation| format!("{}:{}", one.role.as_str(), one.email);
    let slice = query.cut(invitations, place)?;
    Ok(web::Json(InvitationList {
        invitations: slice.items.iter().map(InvitationView::from).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Show the pending transfer of a link
///
/// For owners and admins.
#[utoipa::path(
    get,
    path = "/api/v1/links/{id}/transfer",
    tag = "people",
    operation_id = "showTransfer",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 200, description = "The pending transfer", body = TransferRecord),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn transfer(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<TransferRecord>, ApiError> {
    let pending = state.links().transfer(&caller.0, id).await?;
    Ok(web::Json(TransferRecord::new(id, &pending)))
}

/// Hand over a link
///
/// The receiver becomes the primary owner when they accept; the present one then stays an owner.
/// The transfer ends if it is taken back or declined, or if the primary owner changes. For the
/// primary owner and admins. Only admins learn whether the email address has an account.
#[utoipa::path(
    post,
    path = "/api/v1/links/{id}/transfer",
    tag = "people",
    operation_id = "handOver",
    params(LinkPath),
    security(("token" = [])),
    request_body(content = TransferRequest, description = "JSON. Unknown fields are rejected."),
    responses(
        (status = 201, description = "The pending transfer", body = TransferRecord),
        (status = 409, description = "The link is deleted or has a pending transfer, the receiver is its primary owner, or the link is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        BadBody,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn hand_over(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
    JsonObject(asked): JsonObject<TransferRequest, LINK_BYTES>,
) -> Result<HttpResponse, ApiError> {
    let email = email(&asked.email)?;
    let pending = caller.links(&state).offer(&caller.0, id, &email).await?;
    Ok(HttpResponse::Created().json(TransferRecord::new(id, &pending)))
}

/// Take back the pending transfer of a link
///
/// For the primary owner and admins.
#[utoipa::path(
    delete,
    path = "/api/v1/links/{id}/transfer",
    tag = "people",
    operation_id = "takeBack",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 204, description = "Transfer taken back"),
        Contended,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn take_back(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    caller.links(&state).take_back(&caller.0, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List the links that are offered to you
///
/// Transfers and invitations to own a link, newest first, at most 200. Nothing for the operator.
#[utoipa::path(
    get,
    path = "/api/v1/offers",
    tag = "people",
    operation_id = "listOffers",
    params(PartQuery),
    security(("token" = [])),
    responses(
        (status = 200, description = "A page of offers", body = OfferList),
        BadInput,
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn offers(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<OfferList>, ApiError> {
    let query = input::query::<PartQuery>(&request)?;
    let offers = state.links().offers(&caller.0).await?;
    let place = |offer: &Offer| format!("{}:{}", offer.role.as_str(), offer.link.id);
    let slice = query.cut(offers, place)?;
    let record = |offer| OfferRecord::new(offer, state.shortener());
    Ok(web::Json(OfferList {
        offers: slice.items.iter().map(record).collect(),
        next_cursor: slice.next_cursor,
    }))
}

/// Accept a link that is offered to you
///
/// You become its primary owner by a transfer, or else one of its owners.
#[utoipa::path(
    post,
    path = "/api/v1/offers/{id}/accept",
    tag = "people",
    operation_id = "acceptOffer",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 200, description = "The link", body = LinkView),
        (status = 409, description = "The link has 200 owners, or it is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn accept(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkView>, ApiError> {
    caller.user_id()?;
    let owned = caller.links(&state).accept(&caller.0, id).await?;
    state.recorder().settle().await;
    let shown = LinkView::new(&owned, &caller.0, state.shortener());
    Ok(web::Json(shown))
}

/// Decline a link that is offered to you
#[utoipa::path(
    post,
    path = "/api/v1/offers/{id}/decline",
    tag = "people",
    operation_id = "declineOffer",
    params(LinkPath),
    security(("token" = [])),
    responses(
        (status = 204, description = "Offer declined"),
        Contended,
        Denied,
        NotThere,
        StoreFailure,
    )
)]
pub(crate) async fn decline(
    LinkPath(id): LinkPath,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    caller.user_id()?;
    caller.links(&state).decline(&caller.0, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

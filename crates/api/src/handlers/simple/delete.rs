//! `DELETE /urls/{code}`: deletes a link.

use actix_web::{HttpRequest, HttpResponse, web};
use waypost_core::{Action, Actor};
use waypost_service::Precondition;

use super::link_of;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::responses::{Denied, StoreFailure};
use crate::state::State;

/// Delete a link
///
/// This server answers 404 at once, others within 2 s. Its codes stay reserved, and it can be
/// restored for 30 days (`WAYPOST_DELETED_LINK_DAYS`). For its owners and admins. With `WAYPOST_ANONYMOUS_LINKS`, anyone
/// can delete a link without an owner.
#[utoipa::path(
    delete,
    path = "/urls/{code}",
    tag = "simple",
    operation_id = "deleteUrl",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in upper or lower case", min_length = 1, max_length = 64)),
    responses(
        (status = 204, description = "Link deleted"),
        (status = 404, description = "No link found", body = ErrorBody<'static>),
        (status = 409, description = "The link is being changed at the same time: CONFLICT", body = ErrorBody<'static>),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let link = link_of(&request, &caller, Action::DeleteLink, &state).await?;
    let actor = match &caller.0 {
        // `link_of` returned a link without an owner, which anyone may delete here.
        Actor::Anonymous => &Actor::Operator,
        actor => actor,
    };
    let any = Precondition::None;
    state.links().delete(actor, link.id, &any).await?;
    Ok(HttpResponse::NoContent().finish())
}

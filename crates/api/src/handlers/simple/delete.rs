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
/// It stops redirecting at once, and can be restored for 30 days at least. For its owners and admins;
/// without a token, where the server allows that (`WAYPOST_ANONYMOUS_LINKS`), for everybody if nobody owns
/// it.
#[utoipa::path(
    delete,
    path = "/urls/{code}",
    tag = "simple",
    operation_id = "deleteUrl",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in any spelling", min_length = 1, max_length = 64)),
    responses(
        (status = 204, description = "The link is deleted"),
        (status = 404, description = "There is no such link", body = ErrorBody<'static>),
        (status = 409, description = "Others change the link all the time: CONFLICT", body = ErrorBody<'static>),
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
        // Nobody's link is everybody's here.
        Actor::Anonymous => &Actor::Operator,
        actor => actor,
    };
    let any = Precondition::None;
    state.links().delete(actor, link.id, &any).await?;
    Ok(HttpResponse::NoContent().finish())
}

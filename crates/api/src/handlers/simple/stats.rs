//! `GET /urls/{code}/stats`: shows a link and its clicks.

use actix_web::{HttpRequest, web};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::Action;

use super::link_of;
use crate::errors::{ApiError, ErrorBody};
use crate::request::caller::Caller;
use crate::responses::{Denied, StoreFailure};
use crate::state::State;
use crate::views::simple::LinkRecord;

/// A link, its clicks, and up to when they are counted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkStats {
    #[serde(flatten)]
    link: LinkRecord,
    /// Time up to which every click that this server accepted is counted, in UTC (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    clicks_complete_until: OffsetDateTime,
}

/// Show a link and its clicks
///
/// For its owners and admins. With `WAYPOST_ANONYMOUS_LINKS`, anyone can see a link without an
/// owner. Waits up to 1 second for clicks that this server has accepted but not yet stored.
#[utoipa::path(
    get,
    path = "/urls/{code}/stats",
    tag = "simple",
    operation_id = "linkStats",
    security((), ("token" = [])),
    params(("code" = String, Path, description = "The code, in upper or lower case", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The link", body = LinkStats),
        (status = 404, description = "No link found", body = ErrorBody<'static>),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<State>,
) -> Result<web::Json<LinkStats>, ApiError> {
    let clicks_complete_until = state.recorder().settle().await;
    let link = link_of(&request, &caller, Action::ViewClicks, &state).await?;
    Ok(web::Json(LinkStats {
        link: LinkRecord::new(&link, state.shortener()),
        clicks_complete_until,
    }))
}

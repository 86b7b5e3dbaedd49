//! `GET /urls/{code}/stats`: shows a link and its clicks.

use actix_web::{HttpRequest, web};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::code_of;
use super::record::LinkRecord;
use crate::errors::{ApiError, ErrorBody};
use crate::openapi::StoreFailure;
use crate::state::State;

/// A link, its clicks, and how fresh their number is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkStats {
    #[serde(flatten)]
    link: LinkRecord,
    /// Every click that this server accepted up to this time is counted, in UTC (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    clicks_complete_until: OffsetDateTime,
}

/// Show a link and its clicks
///
/// Clicks that this server has accepted and not yet stored are waited for, at most 1 second. Open to
/// everybody for now.
#[utoipa::path(
    get,
    path = "/urls/{code}/stats",
    tag = "links",
    operation_id = "linkStats",
    params(("code" = String, Path, description = "The code, in any spelling", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The link", body = LinkStats),
        (status = 404, description = "There is no such link", body = ErrorBody<'static>),
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<LinkStats>, ApiError> {
    let clicks_complete_until = state.recorder().settle().await;
    let shortener = state.shortener();
    let link = shortener
        .find(code_of(&request))
        .await?
        .ok_or_else(ApiError::no_such_link)?;
    Ok(web::Json(LinkStats {
        link: LinkRecord::new(&link, shortener),
        clicks_complete_until,
    }))
}

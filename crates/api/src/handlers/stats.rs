//! `GET /urls/{code}/stats`: shows a link and its clicks.

use actix_web::{HttpRequest, web};

use super::code_of;
use super::record::LinkRecord;
use crate::errors::{ApiError, ErrorBody};
use crate::openapi::StoreFailure;
use crate::state::State;

/// Show a link and its clicks
///
/// Open to everybody for now.
#[utoipa::path(
    get,
    path = "/urls/{code}/stats",
    tag = "links",
    operation_id = "linkStats",
    params(("code" = String, Path, description = "The code, in any spelling", min_length = 1, max_length = 64)),
    responses(
        (status = 200, description = "The link", body = LinkRecord),
        (status = 404, description = "There is no such link", body = ErrorBody<'static>),
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<web::Json<LinkRecord>, ApiError> {
    let shortener = state.shortener();
    let link = shortener
        .find(code_of(&request))
        .await?
        .ok_or_else(ApiError::no_such_link)?;
    Ok(web::Json(LinkRecord::new(&link, shortener)))
}

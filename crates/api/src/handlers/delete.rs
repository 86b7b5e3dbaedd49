//! `DELETE /urls/{code}`: deletes a link with its clicks.

use actix_web::{HttpRequest, HttpResponse, web};

use super::code_of;
use crate::errors::{ApiError, ErrorBody};
use crate::openapi::StoreFailure;
use crate::state::State;

/// Delete a link with its clicks
///
/// It stops redirecting at once. Open to everybody for now.
#[utoipa::path(
    delete,
    path = "/urls/{code}",
    tag = "links",
    operation_id = "deleteLink",
    params(("code" = String, Path, description = "The code, in any spelling", min_length = 1, max_length = 64)),
    responses(
        (status = 204, description = "The link is deleted"),
        (status = 404, description = "There is no such link", body = ErrorBody<'static>),
        StoreFailure,
    )
)]
pub(crate) async fn answer(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    if state.shortener().delete(code_of(&request)).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::no_such_link())
    }
}

//! `GET /metrics`: returns the metrics in the Prometheus text format.

use actix_web::{HttpResponse, web};

use crate::responses::{Denied, StoreFailure};
use crate::state::State;

/// The media type of the Prometheus text format, with its version.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Return the metrics
///
/// In the Prometheus text format, for admins and the operator. With the operator's token, it also
/// works while the database is unavailable. With `WAYPOST_METRICS_PUBLIC`, the metrics are served to
/// anyone. With `WAYPOST_METRICS_LISTEN`, they are served to anyone on that address, and not on the
/// main one.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "metrics",
    security(("token" = [])),
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        Denied,
        StoreFailure,
    )
)]
pub(crate) async fn answer(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(TEXT_FORMAT)
        .body(state.scrape().await)
}

//! `GET /metrics`: shows the metrics in Prometheus' text format.

use actix_web::{HttpResponse, web};

use crate::state::State;

/// The version of the format, as Prometheus wants it named.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Show the metrics
///
/// In Prometheus' text format. Answers while the database is away, too. With
/// `WAYPOST_METRICS_LISTEN` it is on that address and not on the main one.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    operation_id = "metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
pub(crate) async fn answer(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(TEXT_FORMAT)
        .body(state.scrape().await)
}

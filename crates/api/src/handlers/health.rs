//! `GET /health` and `GET /health/ready`: whether the server runs, and whether it can work.
//!
//! An orchestrator restarts what is not alive and sends nothing to what is not ready. A database
//! that is away is no reason to restart, so `/health` does not ask it.

use std::time::Duration;

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::metrics::within;
use crate::openapi::StoreFailure;
use crate::state::State;

/// The database answers within this time, or counts as away.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; anything else is an error answer.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Ask whether the server runs
#[utoipa::path(
    get,
    path = "/health",
    tag = "operation",
    operation_id = "health",
    responses((status = 200, description = "The server runs", body = Health))
)]
pub(crate) async fn alive() -> web::Json<Health> {
    web::Json(OK)
}

/// Ask whether the database answers
///
/// It has 2 seconds.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    operation_id = "ready",
    responses(
        (status = 200, description = "The database answers", body = Health),
        StoreFailure,
    )
)]
pub(crate) async fn ready(state: web::Data<State>) -> Result<web::Json<Health>, ApiError> {
    let answered = within(PING_TIMEOUT, state.store().ping()).await;
    state.metrics().database_up(answered.is_ok());
    answered?;
    Ok(web::Json(OK))
}

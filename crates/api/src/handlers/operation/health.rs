//! `GET /health` and `GET /health/ready`: whether the server runs, and whether the database is
//! available.
//!
//! An orchestrator restarts a server that is not alive, and sends no requests to one that is not
//! ready. An unavailable database is not a reason to restart, so `/health` does not query it.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;
use waypost_analytics::{DiskSpace, Waiting};
use waypost_store::ClockSkew;

use crate::errors::ApiError;
use crate::responses::StoreFailure;
use crate::state::State;

/// The server runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; otherwise the response is an error.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// Check whether the server runs
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

/// The server is ready.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Always `ok`; otherwise the response is an error.
    #[schema(example = "ok")]
    status: &'static str,
    /// What needs attention although the server is ready; absent if nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// Something that needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// The stable code, for programs.
    #[schema(example = "CLOCK_SKEW")]
    code: &'static str,
    /// What is wrong and what to do, for people.
    message: String,
}

impl Detail {
    /// The clocks of this node and of the database differ.
    fn of_clock(skew: ClockSkew) -> Self {
        let seconds = skew.difference().whole_seconds();
        let direction = if seconds < 0 { "behind" } else { "ahead of" };
        Self {
            code: "CLOCK_SKEW",
            message: format!(
                "the clock of this server is {} s {direction} that of the database; correct the wrong one",
                seconds.unsigned_abs()
            ),
        }
    }

    /// Changes are refused because there is too little free disk space.
    fn of_disk(space: &DiskSpace) -> Self {
        Self {
            code: "DISK_FULL",
            message: format!(
                "changes are refused because the data directory has only {} MiB of free disk space, \
                 and {} MiB are required; make room, or lower WAYPOST_MIN_FREE_MIB",
                space.free_mib(),
                space.min_free_mib()
            ),
        }
    }

    /// The database does not store clicks.
    fn of_waiting(waiting: Waiting) -> Self {
        Self {
            code: "CLICKS_NOT_STORED",
            message: format!(
                "the database does not store clicks ({} pending in the journal); check the log of this server",
                waiting.clicks
            ),
        }
    }
}

/// Check whether the database is available
///
/// Waits up to 2 seconds for the database.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    operation_id = "ready",
    responses(
        (status = 200, description = "The database is available", body = Readiness),
        StoreFailure,
    )
)]
pub(crate) async fn ready(state: web::Data<State>) -> Result<web::Json<Readiness>, ApiError> {
    state.ping().await?;
    let skew = state.clock_skew().filter(|skew| skew.is_excessive());
    let recorder = state.recorder();
    let waiting = (!recorder.stores_clicks()).then(|| Detail::of_waiting(recorder.waiting()));
    let space = state.disk_space();
    let disk = space.is_low().then(|| Detail::of_disk(space));
    Ok(web::Json(Readiness {
        status: OK.status,
        details: skew
            .map(Detail::of_clock)
            .into_iter()
            .chain(waiting)
            .chain(disk)
            .collect(),
    }))
}

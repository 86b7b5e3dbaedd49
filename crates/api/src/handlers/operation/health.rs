//! `GET /health` and `GET /health/ready`: whether the server runs, and whether it can work.
//!
//! An orchestrator restarts what is not alive and sends nothing to what is not ready. A database
//! that is away is no reason to restart, so `/health` does not ask it.

use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;
use waypost_analytics::Waiting;
use waypost_store::ClockSkew;

use crate::errors::ApiError;
use crate::responses::StoreFailure;
use crate::state::State;

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

/// The server can work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Always `ok`; anything else is an error answer.
    #[schema(example = "ok")]
    status: &'static str,
    /// What needs attention though the server can work. Left out where nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail>,
}

/// Something that needs attention.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Detail {
    /// What it is, for programs. It never changes.
    #[schema(example = "CLOCK_SKEW")]
    code: &'static str,
    /// What it is, and what to do about it.
    message: String,
}

impl Detail {
    /// That the clocks of this node and of the database are apart.
    fn of_clock(skew: ClockSkew) -> Self {
        let seconds = skew.difference().whole_seconds();
        let direction = if seconds < 0 { "behind" } else { "ahead of" };
        Self {
            code: "CLOCK_SKEW",
            message: format!(
                "the clock of this server is {} s {direction} that of the database; correct the one that \
                 is wrong",
                seconds.unsigned_abs()
            ),
        }
    }

    /// That the database takes no clicks.
    fn of_waiting(waiting: Waiting) -> Self {
        Self {
            code: "CLICKS_NOT_STORED",
            message: format!(
                "the database takes no clicks; {} wait in the journal of this server, whose log says why",
                waiting.clicks
            ),
        }
    }
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
        (status = 200, description = "The database answers", body = Readiness),
        StoreFailure,
    )
)]
pub(crate) async fn ready(state: web::Data<State>) -> Result<web::Json<Readiness>, ApiError> {
    state.ping().await?;
    let skew = state.clock_skew().filter(|skew| skew.is_excessive());
    let recorder = state.recorder();
    let waiting = (!recorder.stores_clicks()).then(|| Detail::of_waiting(recorder.waiting()));
    Ok(web::Json(Readiness {
        status: OK.status,
        details: skew
            .map(Detail::of_clock)
            .into_iter()
            .chain(waiting)
            .collect(),
    }))
}

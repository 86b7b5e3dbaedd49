//! The service: its parts are put together in order and taken apart in the reverse order.
//!
//! Database and schema → the API → work in the background. On SIGTERM or SIGINT: no new connections,
//! requests under way are finished, background work ends, connections to the database are closed.

use std::process::ExitCode;
use std::sync::Arc;

use tracing::{error, info, warn};
use waypost_analytics::{Maintenance, MaintenanceParts, Recorder, RecorderParts};
use waypost_api::{ApiParts, Metrics, RunningServer, reserved_words, serve};
use waypost_core::{SystemClock, SystemRandom};
use waypost_store::{Shortener, ShortenerParts};
use waypost_store_diesel::Database;

use crate::background::Background;
use crate::banner;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::signals::{Signals, StopSignal};

/// What runs.
struct Service {
    server: RunningServer,
    background: Background,
    database: Database,
}

/// Runs until a signal stops it, or until it fails. A second signal ends the process within this
/// function.
///
/// # Errors
/// [`Failure`] when it did not start, or when a part of it failed.
pub(crate) async fn run(settings: Settings) -> Result<ExitCode, Failure> {
    let mut signals = Signals::listen().map_err(Failure::Signals)?;
    let mut service = tokio::select! {
        started = Service::start(&settings) => started?,
        // Nothing is served yet, and the database undoes what was not committed.
        signal = signals.next() => return Ok(ExitCode::from(signal.exit_code())),
    };
    banner::print(&service.server);
    info!(
        address = %service.server.address(),
        base_url = %settings.http.base_url,
        database = %service.database.url(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let failure = tokio::select! {
        signal = signals.next() => {
            let grace_s = settings.http.shutdown_grace.as_secs();
            info!(%signal, grace_s, "stopping; a second signal ends the process at once");
            None
        }
        failure = service.failed() => {
            error!(failure = failure.explained(), "stopping");
            Some(failure)
        }
    };
    let stopped = tokio::select! {
        stopped = service.stop() => stopped,
        signal = signals.next() => end_at_once(signal),
    };
    info!("stopped");
    match failure {
        Some(failure) => Err(failure),
        None => stopped.map(|()| ExitCode::SUCCESS),
    }
}

impl Service {
    async fn start(settings: &Settings) -> Result<Self, Failure> {
        let metrics = Metrics::install()?;
        waypost_store_diesel::describe_metrics();
        let database = Database::connect(&settings.database).await?;
        for migration in database.prepare_schema(settings.database.migrate).await? {
            info!(migration, "the schema was brought up to date");
        }
        let clock = Arc::new(SystemClock);
        let random = Arc::new(SystemRandom);
        let recorder = Recorder::new(RecorderParts {
            store: database.store(),
            clock: clock.clone(),
            random: random.clone(),
            zone: settings.clicks.zone.clone(),
            trusted_proxies: settings.clicks.trusted_proxies.clone(),
        });
        let maintenance = Maintenance::new(MaintenanceParts {
            store: database.store(),
            clock: clock.clone(),
            salts: recorder.salts(),
            retention_days: settings.clicks.retention_days,
        });
        let shortener = Shortener::new(ShortenerParts {
            store: database.store(),
            clock: clock.clone(),
            random: random.clone(),
            reserved: reserved_words(),
            base_url: settings.http.base_url.clone(),
            resolver: None,
        });
        let parts = ApiParts {
            shortener,
            recorder,
            clock,
            random,
            metrics,
        };
        let server = serve(&settings.http, parts)?;
        let mut background = Background::default();
        background.start("maintenance", |stop| maintenance.run(stop));
        Ok(Self {
            server,
            background,
            database,
        })
    }

    /// Waits until a part fails.
    async fn failed(&mut self) -> Failure {
        tokio::select! {
            failure = self.server.failed() => failure.into(),
            failure = self.background.crashed() => failure,
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        let served = self.server.stop().await.map_err(Failure::from);
        let worked = self.background.stop().await;
        self.database.close();
        served.and(worked)
    }
}

/// The second signal: whoever sends it does not want to wait.
fn end_at_once(signal: StopSignal) -> ! {
    warn!(%signal, "ending at once");
    std::process::exit(signal.exit_code().into())
}

//! The server: binding, serving, stopping.
//!
//! Each worker is a thread with its own runtime. [`serve`] binds the addresses and starts the
//! workers. Signals are left to the caller.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::headers::{self, ExposureSettings};
use crate::openapi;
use crate::routing::{self, Listener};
use crate::state::State;
use crate::{ApiParts, HttpSettings};

/// How long an idle connection is kept. Common proxies keep theirs for a minute; this must be
/// longer, or they could send a request on a connection that is being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Maximum time for the head of a request to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time to close a connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often histograms are aggregated. Until then they keep every value, 8 bytes each.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// A running server. Dropping it stops it at once and aborts running requests.
#[must_use = "a server that is dropped stops"]
pub struct RunningServer {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    /// The main server first.
    handles: Vec<ServerHandle>,
    tasks: JoinSet<io::Result<()>>,
    upkeep: Upkeep,
    /// Ends streamed responses.
    closing: CancellationToken,
}

/// Why a server failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be used: another program listens on it, or this machine does not have it.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The server stopped by itself.
    #[error("the HTTP server failed")]
    Failed(#[source] io::Error),
}

/// Binds the addresses of `settings` and starts to serve requests. Must be called within a tokio
/// runtime.
///
/// # Errors
/// [`ServeError::Bind`] if an address cannot be used; nothing is started then.
pub fn serve(settings: &HttpSettings, parts: ApiParts) -> Result<RunningServer, ServeError> {
    let metrics = parts.metrics.clone();
    let exposure = parts.exposure;
    let closing = CancellationToken::new();
    let state = State::new(
        parts,
        settings.base_url.clone(),
        closing.clone(),
        openapi::document(),
    );
    let state = web::Data::from(Arc::new(state));
    let listener = match settings.metrics_listen {
        Some(_) => Listener::WithoutMetrics,
        None if exposure.metrics_public => Listener::WithPublicMetrics,
        None => Listener::Whole,
    };
    let (address, main) = bind(
        settings,
        settings.listen,
        listener,
        settings.workers,
        exposure,
        &state,
    )?;
    let metrics_server = settings
        .metrics_listen
        .map(|address| bind_metrics(settings, address, exposure, &state))
        .transpose()?;
    let metrics_address = metrics_server.as_ref().map(|(address, _)| *address);
    let mut handles = Vec::new();
    let mut tasks = JoinSet::new();
    for server in std::iter::once(main).chain(metrics_server.map(|(_, server)| server)) {
        handles.push(server.handle());
        tasks.spawn(server);
    }
    let upkeep = Upkeep(tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            interval.tick().await;
            metrics.run_upkeep();
        }
    }));
    Ok(RunningServer {
        address,
        metrics_address,
        handles,
        tasks,
        upkeep,
        closing,
    })
}

/// Binds the address of the metrics, which usually has no proxy for TLS in front of it.
fn bind_metrics(
    settings: &HttpSettings,
    address: SocketAddr,
    exposure: ExposureSettings,
    state: &web::Data<State>,
) -> Result<(SocketAddr, actix_web::dev::Server), ServeError> {
    let exposure = ExposureSettings {
        hsts: Duration::ZERO,
        ..exposure
    };
    bind(settings, address, Listener::MetricsOnly, 1, exposure, state)
}

fn bind(
    settings: &HttpSettings,
    address: SocketAddr,
    listener: Listener,
    workers: usize,
    exposure: ExposureSettings,
    state: &web::Data<State>,
) -> Result<(SocketAddr, actix_web::dev::Server), ServeError> {
    let failed = |source| ServeError::Bind { address, source };
    let state = state.clone();
    let base_url = settings.base_url.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(|config| routing::configure(config, listener))
            .wrap(headers::protect(exposure, &base_url))
    })
    .workers(workers)
    .max_connections(settings.max_connections.div_ceil(workers))
    .disable_signals()
    .keep_alive(KEEP_ALIVE)
    .tcp_nodelay(true)
    .client_request_timeout(REQUEST_TIMEOUT)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .shutdown_timeout(settings.shutdown_grace.as_secs())
    .bind(address)
    .map_err(failed)?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok((bound, server.run()))
}

impl RunningServer {
    /// Returns the address of the service, with the actual port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the metrics, if they have a separate one.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Waits until the server stops by itself.
    ///
    /// # Errors
    /// [`ServeError::Failed`]: stopping by itself is a failure.
    pub async fn failed(&mut self) -> ServeError {
        let ended = tokio::select! {
            ended = self.tasks.join_next() => ended,
            ended = &mut self.upkeep.0 => Some(ended.map(Ok)),
        };
        ServeError::Failed(match ended {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => io::Error::other(error),
            Some(Ok(Ok(()))) | None => io::Error::other("it stopped by itself"),
        })
    }

    /// Stops the server: accepts no new connections, closes idle ones, and waits up to the grace
    /// period of the settings for running requests to finish.
    ///
    /// # Errors
    /// [`ServeError::Failed`] if the server had already failed.
    pub async fn stop(mut self) -> Result<(), ServeError> {
        self.closing.cancel();
        for handle in &self.handles {
            handle.stop(true).await;
        }
        while let Some(ended) = self.tasks.join_next().await {
            ended
                .map_err(io::Error::other)
                .flatten()
                .map_err(ServeError::Failed)?;
        }
        Ok(())
    }
}

/// The task that aggregates histograms. It ends with the server.
struct Upkeep(JoinHandle<()>);

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

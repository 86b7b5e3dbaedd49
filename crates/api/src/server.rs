//! The server: binding, serving, stopping.
//!
//! Each worker is a thread with its own runtime. [`serve`] binds the addresses and starts the
//! workers. Signals are left to the caller.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_http::Response;
use actix_server::{Server, ServerHandle};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::connection::{
    self, Entrance, ListenAddress, Listeners, Places, Running, SocketFile, has_inherited,
    own_sockets,
};
use crate::headers::{self, ExposureSettings};
use crate::prefix;
use crate::routing::{self, Listener};
use crate::state::State;
use crate::{ApiParts, HttpSettings, Metrics};

/// How often connections are checked against their time limits, and histograms are aggregated.
/// Until then histograms keep every value, 8 bytes each.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of connections for metrics.
const METRICS_CONNECTIONS: usize = 100;

/// A running server. Dropping it stops it at once and aborts running requests.
#[must_use = "a server that is dropped stops"]
pub struct RunningServer {
    addresses: Vec<ListenAddress>,
    metrics_addresses: Vec<ListenAddress>,
    /// The main server first.
    handles: Vec<ServerHandle>,
    tasks: JoinSet<io::Result<()>>,
    places: Vec<Arc<Places>>,
    upkeep: Upkeep,
    /// Ends streamed responses.
    closing: CancellationToken,
    files: Vec<SocketFile>,
}

/// Why a server failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be used: another program listens on it, or this machine does not have it.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: ListenAddress,
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
    let closing = CancellationToken::new();
    let entrance = |limits| Entrance {
        places: Places::new(limits, metrics.connections().clone()),
        proxies: parts.recorder.trusted_proxies().clone(),
        proxy_protocol: settings.proxy_protocol,
    };
    let main_entrance = entrance(settings.connection_limits());
    let metrics_entrance = Entrance {
        proxy_protocol: false,
        ..entrance(connection::Limits {
            connections: METRICS_CONNECTIONS,
            per_client: None,
        })
    };
    let listener = if !settings.metrics_listen.is_empty() {
        Listener::WithoutMetrics
    } else if parts.exposure.metrics_public {
        Listener::WithPublicMetrics
    } else {
        Listener::Whole
    };
    // Open all sockets before anything is served.
    let main = open(listen_addresses(settings))?;
    let own = open(&settings.metrics_listen)?;
    let parts = listening(parts, &[main.addresses(), own.addresses()].concat());
    let state = State::new(parts, settings.base_url.clone(), closing.clone());
    let state = web::Data::from(Arc::new(state));
    let places = vec![
        main_entrance.places.clone(),
        metrics_entrance.places.clone(),
    ];
    let mut running = RunningServer {
        addresses: main.addresses(),
        metrics_addresses: own.addresses(),
        handles: Vec::new(),
        tasks: JoinSet::new(),
        places: places.clone(),
        upkeep: Upkeep::start(places, metrics),
        closing,
        files: Vec::new(),
    };
    running.start(main, &main_entrance, settings, listener, &state)?;
    if !own.sockets.is_empty() {
        let settings = HttpSettings {
            workers: 1,
            max_connections: METRICS_CONNECTIONS,
            ..settings.clone()
        };
        running.start(
            own,
            &metrics_entrance,
            &settings,
            Listener::MetricsOnly,
            &state,
        )?;
    }
    Ok(running)
}

/// Returns the parts of a server that listens on these addresses, to which no link may go.
fn listening(parts: ApiParts, addresses: &[ListenAddress]) -> ApiParts {
    ApiParts {
        links: parts.links.listening_on(own_sockets(addresses)),
        ..parts
    }
}

/// Returns the addresses to listen on: those of the settings, or else the sockets of systemd if it
/// handed over any.
pub(crate) fn listen_addresses(settings: &HttpSettings) -> &[ListenAddress] {
    match settings.listen.as_deref() {
        Some(addresses) => addresses,
        None if has_inherited() => &[ListenAddress::Systemd],
        None => &[HttpSettings::DEFAULT_LISTEN],
    }
}

fn open(addresses: &[ListenAddress]) -> Result<Listeners, ServeError> {
    Listeners::open(addresses).map_err(|(address, source)| ServeError::Bind { address, source })
}

impl RunningServer {
    /// Starts the workers of one list of sockets.
    fn start(
        &mut self,
        listeners: Listeners,
        entrance: &Entrance,
        settings: &HttpSettings,
        listener: Listener,
        state: &web::Data<State>,
    ) -> Result<(), ServeError> {
        let exposure = match listener {
            // Usually has no proxy for TLS in front of it.
            Listener::MetricsOnly => ExposureSettings {
                hsts: Duration::ZERO,
                ..state.exposure()
            },
            _ => state.exposure(),
        };
        let (state, base_url) = (state.clone(), settings.base_url.clone());
        let prefix_state = state.clone();
        let app = move || {
            let state = state.clone();
            let app = App::new()
                .app_data(state)
                .configure(|config| routing::configure(config, listener))
                .wrap(headers::protect(exposure, &base_url))
                .into_factory()
                .map_err(|error| Response::<BoxBody>::from(error.error_response()));
            map_config(app, |()| AppConfig::default())
        };
        let running = Running {
            workers: settings.workers,
            connections: settings.max_connections,
            grace: settings.shutdown_grace,
        };
        self.files.extend(listeners.files);
        let sockets = listeners.sockets.into_iter();
        let sockets = sockets.map(|(_, socket)| socket).collect();
        let server: io::Result<Server> = if settings.base_url.path().is_empty() {
            connection::start(sockets, entrance, running, app)
        } else {
            let app = move || prefix::left_out(app(), prefix_state.clone());
            connection::start(sockets, entrance, running, app)
        };
        let server = server.map_err(ServeError::Failed)?;
        self.handles.push(server.handle());
        self.tasks.spawn(server);
        Ok(())
    }

    /// Returns the addresses of the service, with the actual ports. There is at least one.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Returns the addresses of the metrics, if they have separate ones.
    #[must_use]
    pub fn metrics_addresses(&self) -> &[ListenAddress] {
        &self.metrics_addresses
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
        for places in &self.places {
            places.stop();
        }
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

/// The task that checks connections and aggregates histograms. It ends with the server.
struct Upkeep(JoinHandle<()>);

impl Upkeep {
    fn start(places: Vec<Arc<Places>>, metrics: Metrics) -> Self {
        Self(tokio::spawn(async move {
            let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
            loop {
                interval.tick().await;
                for places in &places {
                    places.sweep();
                }
                metrics.run_upkeep();
            }
        }))
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

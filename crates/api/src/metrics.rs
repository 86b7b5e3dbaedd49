//! The metrics of the HTTP server: names, help, units, buckets and export.
//!
//! | name | kind | meaning |
//! | --- | --- | --- |
//! | `waypost_redirects_total{status}` | counter | responses to `GET /{code}`, by outcome: `found`, `not_found`, `gone`, `forbidden`, `error` |
//! | `waypost_redirect_duration_seconds` | histogram | time to respond to `GET /{code}` |
//! | `waypost_links`, `waypost_links_total` | gauge | links in the database |
//! | `waypost_users`, `waypost_users_total` | gauge | users in the database |
//! | `waypost_live_streams` | gauge | live streams of this server |
//! | `waypost_live_streams_refused_total{limit}` | counter | refused live streams, by the limit: `server`, `user`, `link` |
//! | `waypost_database_up` | gauge | 1 if the last query to the database succeeded and it stored the last clicks, else 0 |
//! | `waypost_build_info{version}` | gauge | always 1 |
//!
//! Those of connections are in [`crate::connection`].
//!
//! `HEAD /{code}` is a preview, not a redirect, and is in none of them: `found` is the number of
//! counted clicks. Every series exists from the start, at 0. To add a metric, add its name and help
//! here and its series to [`Metrics`]. Labels have a fixed set of values, never a code, a path or a
//! user.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use time::OffsetDateTime;
use tokio::sync::Mutex as AsyncMutex;
use waypost_core::Clock;
use waypost_store::{Counts, Store, StoreError};

use crate::connection::ConnectionMetrics;
use crate::errors::ApiError;

const REDIRECTS: &str = "waypost_redirects_total";
const REDIRECT_DURATION: &str = "waypost_redirect_duration_seconds";
const LINKS: &str = "waypost_links";
const USERS: &str = "waypost_users";
/// Names of the same numbers, for compatibility with other servers of this kind.
const LINKS_TOTAL: &str = "waypost_links_total";
const USERS_TOTAL: &str = "waypost_users_total";
const STREAMS: &str = "waypost_live_streams";
const STREAMS_REFUSED: &str = "waypost_live_streams_refused_total";
const DATABASE_UP: &str = "waypost_database_up";
const BUILD_INFO: &str = "waypost_build_info";

/// Upper bounds of the buckets of [`REDIRECT_DURATION`], in seconds: from a cached link to a slow
/// database.
const REDIRECT_BUCKETS_S: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5,
];

/// Timeout after which the database counts as unavailable.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);
/// Minimum time between two counts, which are slow on large tables, however many scrapers there
/// are.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// The outcome of a redirect: the label `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectStatus {
    Found,
    NotFound,
    Gone,
    Forbidden,
    Error,
}

/// The limit that a refused live stream met: the label `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamLimit {
    Server,
    User,
    Link,
}

impl StreamLimit {
    /// Returns the error of a stream that is refused or ended.
    pub(crate) fn error(self) -> ApiError {
        ApiError::too_many_streams(self.message())
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Server => "too many live streams on this server",
            Self::User => {
                "a newer page of yours shows live clicks instead; reload this one to go on"
            }
            Self::Link => "too many live streams of this link",
        }
    }
}

/// The metrics of a server. Clones share their values.
#[derive(Clone)]
pub struct Metrics(Arc<Series>);

struct Series {
    handle: PrometheusHandle,
    found: Counter,
    not_found: Counter,
    gone: Counter,
    forbidden: Counter,
    error: Counter,
    duration: Histogram,
    links: [Gauge; 2],
    users: [Gauge; 2],
    streams: Gauge,
    streams_refused: [Counter; 3],
    database_up: Gauge,
    connections: ConnectionMetrics,
    /// Together with `clicks_stored`, the value of `database_up`.
    database_answered: AtomicBool,
    clicks_stored: AtomicBool,
}

/// The metrics cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The buckets of a histogram were refused.
    #[error("cannot set up the metrics")]
    Build(#[from] metrics_exporter_prometheus::BuildError),
    /// The process has another metrics recorder.
    #[error("another metrics recorder is installed in this process")]
    Installed,
}

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

impl Metrics {
    /// Installs the recorder of the process, to which the other crates also report. A second call
    /// returns the same metrics.
    ///
    /// # Errors
    /// [`MetricsError::Installed`] if the process has another recorder.
    pub fn install() -> Result<Self, MetricsError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = &*installed {
            return Ok(metrics.clone());
        }
        let (metrics, recorder) = Self::build()?;
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Installed)?;
        *installed = Some(metrics.clone());
        Ok(metrics)
    }

    /// Returns metrics with a recorder of their own, for tests that run several servers in one
    /// process. They do not include what other crates report.
    ///
    /// # Errors
    /// [`MetricsError::Build`], as for [`Metrics::install`].
    pub fn detached() -> Result<Self, MetricsError> {
        Self::build().map(|(metrics, _)| metrics)
    }

    fn build() -> Result<(Self, impl metrics::Recorder + Sync + 'static), MetricsError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(
                Matcher::Full(REDIRECT_DURATION.to_owned()),
                &REDIRECT_BUCKETS_S,
            )?
            .build_recorder();
        let handle = recorder.handle();
        let series = metrics::with_local_recorder(&recorder, || {
            waypost_store::describe_metrics();
            waypost_analytics::metrics::describe();
            Series::register(handle)
        });
        Ok((Self(Arc::new(series)), recorder))
    }

    /// Returns the metrics of connections.
    pub(crate) fn connections(&self) -> &ConnectionMetrics {
        &self.0.connections
    }

    /// Counts a response to `GET /{code}`.
    pub(crate) fn redirect(&self, status: RedirectStatus, took: Duration) {
        let counter = match status {
            RedirectStatus::Found => &self.0.found,
            RedirectStatus::NotFound => &self.0.not_found,
            RedirectStatus::Gone => &self.0.gone,
            RedirectStatus::Forbidden => &self.0.forbidden,
            RedirectStatus::Error => &self.0.error,
        };
        counter.increment(1);
        self.0.duration.record(took);
    }

    /// Awaits a query to the database for at most 2 s, and records whether it succeeded.
    ///
    /// # Errors
    /// The error of the query, or [`StoreError::Unavailable`] after the time limit.
    pub(crate) async fn asked<T>(
        &self,
        query: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(DATABASE_TIMEOUT, query).await;
        let answer = answer.map_err(StoreError::unavailable).flatten();
        let has_answered = answer.is_ok();
        self.0
            .database_answered
            .store(has_answered, Ordering::Relaxed);
        self.show_database();
        answer
    }

    /// Records whether the database stored the last clicks.
    pub(crate) fn clicks_stored(&self, stored: bool) {
        self.0.clicks_stored.store(stored, Ordering::Relaxed);
        self.show_database();
    }

    fn show_database(&self) {
        let answered = self.0.database_answered.load(Ordering::Relaxed);
        let up = answered && self.0.clicks_stored.load(Ordering::Relaxed);
        self.0.database_up.set(f64::from(u8::from(up)));
    }

    /// Records the number of live streams.
    pub(crate) fn streams(&self, number: usize) {
        self.0
            .streams
            .set(float(u64::try_from(number).unwrap_or(u64::MAX)));
    }

    /// Counts a live stream that was refused.
    pub(crate) fn stream_refused(&self, limit: StreamLimit) {
        let [server, user, link] = &self.0.streams_refused;
        let counter = match limit {
            StreamLimit::Server => server,
            StreamLimit::User => user,
            StreamLimit::Link => link,
        };
        counter.increment(1);
    }

    fn counts(&self, counts: Counts) {
        for (gauges, count) in [(&self.0.links, counts.links), (&self.0.users, counts.users)] {
            for gauge in gauges {
                gauge.set(float(count));
            }
        }
    }

    /// Renders all metrics in the Prometheus text format.
    pub(crate) fn render(&self) -> String {
        self.0.handle.render()
    }

    /// Aggregates the values of histograms since the last call, whose memory would otherwise grow.
    pub(crate) fn run_upkeep(&self) {
        self.0.handle.run_upkeep();
    }
}

/// Runs within the recorder, so that the macros of [`metrics`] find it.
impl Series {
    fn register(handle: PrometheusHandle) -> Self {
        describe_counter!(
            REDIRECTS,
            Unit::Count,
            "Responses to GET /{code}, by outcome."
        );
        describe_histogram!(
            REDIRECT_DURATION,
            Unit::Seconds,
            "Time to respond to GET /{code}, in seconds."
        );
        describe_gauge!(LINKS, Unit::Count, "Links in the database.");
        describe_gauge!(USERS, Unit::Count, "Users in the database.");
        for (name, same) in [(LINKS_TOTAL, LINKS), (USERS_TOTAL, USERS)] {
            let help = format!("Same as {same}, for compatibility.");
            describe_gauge!(name, Unit::Count, help);
        }
        describe_gauge!(STREAMS, Unit::Count, "Live streams of this server.");
        describe_counter!(
            STREAMS_REFUSED,
            Unit::Count,
            "Live streams that were refused, by the limit that they met."
        );
        describe_gauge!(
            DATABASE_UP,
            "Whether the last query to the database succeeded and it stored the last clicks (1) \
             or not (0)."
        );
        describe_gauge!(BUILD_INFO, "Always 1; the label has the version.");
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
        Self {
            handle,
            found: counter!(REDIRECTS, "status" => "found"),
            not_found: counter!(REDIRECTS, "status" => "not_found"),
            gone: counter!(REDIRECTS, "status" => "gone"),
            forbidden: counter!(REDIRECTS, "status" => "forbidden"),
            error: counter!(REDIRECTS, "status" => "error"),
            duration: histogram!(REDIRECT_DURATION),
            links: [gauge!(LINKS), gauge!(LINKS_TOTAL)],
            users: [gauge!(USERS), gauge!(USERS_TOTAL)],
            streams: gauge!(STREAMS),
            streams_refused: ["server", "user", "link"]
                .map(|limit| counter!(STREAMS_REFUSED, "limit" => limit)),
            database_up: gauge!(DATABASE_UP),
            connections: ConnectionMetrics::register(),
            database_answered: AtomicBool::new(true),
            clicks_stored: AtomicBool::new(true),
        }
    }
}

/// When a server last counted the contents of its store.
#[derive(Default)]
pub(crate) struct LastCount(AsyncMutex<Option<OffsetDateTime>>);

impl LastCount {
    /// Counts the contents of the store, unless that was done just now. Keeps the previous numbers
    /// if the database is unavailable: a scrape never fails because of that.
    pub(crate) async fn refresh(&self, store: &dyn Store, clock: &dyn Clock, metrics: &Metrics) {
        // Held during the query, so that concurrent scrapers cause only one.
        let mut last = self.0.lock().await;
        let now = clock.now();
        // After a clock was set back, the last count lies in the future: count again.
        if last.is_some_and(|last| now >= last && now - last < COUNT_INTERVAL) {
            return;
        }
        if let Ok(counts) = metrics.asked(store.counts()).await {
            metrics.counts(counts);
        }
        *last = Some(now);
    }
}

/// Converts a count to the floating-point number of a metric, exact up to 2^53.
fn float(count: u64) -> f64 {
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "there is no other conversion, and no table has 2^53 rows"
    )]
    let float = count as f64;
    float
}

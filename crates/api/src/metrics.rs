//! The metrics of the HTTP server: their names, help, units and buckets, and how they are read.
//!
//! | name | kind | meaning |
//! | --- | --- | --- |
//! | `waypost_redirects_total{status}` | counter | `GET /{code}` by what it came to: `found`, `not_found`, `gone`, `forbidden`, `error` |
//! | `waypost_redirect_duration_seconds` | histogram | how long the answer to `GET /{code}` took |
//! | `waypost_links`, `waypost_links_total` | gauge | links in the database |
//! | `waypost_users`, `waypost_users_total` | gauge | users in the database |
//! | `waypost_database_up` | gauge | 1 when the database answered the last time it was asked, and took clicks the last time there were any, else 0 |
//! | `waypost_build_info{version}` | gauge | always 1 |
//!
//! `HEAD /{code}` is a preview, not a redirect: it is in none of them, so that `found` is the number
//! of counted clicks. Every series exists from the start, at 0. A new metric gets its name and help
//! here, and its series in [`Metrics`]; labels are closed sets, never a code, a path or a user.

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

const REDIRECTS: &str = "waypost_redirects_total";
const REDIRECT_DURATION: &str = "waypost_redirect_duration_seconds";
const LINKS: &str = "waypost_links";
const USERS: &str = "waypost_users";
/// The names under which other servers of this kind export the same numbers.
const LINKS_TOTAL: &str = "waypost_links_total";
const USERS_TOTAL: &str = "waypost_users_total";
const DATABASE_UP: &str = "waypost_database_up";
const BUILD_INFO: &str = "waypost_build_info";

/// Upper bounds of the buckets of [`REDIRECT_DURATION`], in seconds: from an answer out of memory to
/// a database in trouble.
const REDIRECT_BUCKETS_S: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5,
];

/// The database answers a question within this time, or counts as unavailable.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);
/// Counting is not cheap on large tables: however many scrapers there are, it is done once in this
/// time.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);

/// What a redirect came to: the label `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectStatus {
    Found,
    NotFound,
    Gone,
    Forbidden,
    Error,
}

/// Where the server counts what it does. Clones count together.
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
    database_up: Gauge,
    /// What that gauge is of.
    database_answered: AtomicBool,
    clicks_stored: AtomicBool,
}

/// The metrics cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The buckets of a histogram were refused.
    #[error("the metrics cannot be set up")]
    Build(#[from] metrics_exporter_prometheus::BuildError),
    /// Something else records the metrics of this process.
    #[error("another metrics recorder is installed in this process")]
    Installed,
}

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

impl Metrics {
    /// Installs the recorder of the process, to which the other crates report too. A second call
    /// gives back what the first installed.
    ///
    /// # Errors
    /// [`MetricsError::Installed`] when the process has a recorder that is not this one.
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

    /// A recorder of its own, beside the one of the process: several servers in one process, each
    /// with numbers of its own, as tests need them. It does not see what other crates report.
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

    /// Counts an answer to `GET /{code}`.
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

    /// Awaits a question to the database for at most 2 s, and notes whether it was answered.
    ///
    /// # Errors
    /// The error of the question, and [`StoreError::Unavailable`] when it is not answered in time.
    pub(crate) async fn asked<T>(
        &self,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(DATABASE_TIMEOUT, question).await;
        let answer = answer.map_err(StoreError::unavailable).flatten();
        let has_answered = answer.is_ok();
        self.0
            .database_answered
            .store(has_answered, Ordering::Relaxed);
        self.show_database();
        answer
    }

    /// Notes whether the database takes clicks.
    pub(crate) fn clicks_stored(&self, stored: bool) {
        self.0.clicks_stored.store(stored, Ordering::Relaxed);
        self.show_database();
    }

    fn show_database(&self) {
        let answered = self.0.database_answered.load(Ordering::Relaxed);
        let up = answered && self.0.clicks_stored.load(Ordering::Relaxed);
        self.0.database_up.set(f64::from(u8::from(up)));
    }

    fn counts(&self, counts: Counts) {
        for (gauges, count) in [(&self.0.links, counts.links), (&self.0.users, counts.users)] {
            for gauge in gauges {
                gauge.set(float(count));
            }
        }
    }

    /// All metrics in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.0.handle.render()
    }

    /// Sums up what the histograms have gathered since the last time; it would grow otherwise.
    pub(crate) fn run_upkeep(&self) {
        self.0.handle.run_upkeep();
    }
}

/// The series of one recorder are made within it: that is how [`metrics`] finds it.
impl Series {
    fn register(handle: PrometheusHandle) -> Self {
        describe_counter!(
            REDIRECTS,
            Unit::Count,
            "Answers to GET /{code} by what they came to"
        );
        describe_histogram!(
            REDIRECT_DURATION,
            Unit::Seconds,
            "Time to answer GET /{code}, in seconds"
        );
        for name in [LINKS, LINKS_TOTAL] {
            describe_gauge!(name, Unit::Count, "Links in the database");
        }
        for name in [USERS, USERS_TOTAL] {
            describe_gauge!(name, Unit::Count, "Users in the database");
        }
        describe_gauge!(
            DATABASE_UP,
            "1 when the database answered the last time it was asked, and took clicks the last time there were \
             any, else 0"
        );
        describe_gauge!(BUILD_INFO, "Always 1; the version is in the label");
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
            database_up: gauge!(DATABASE_UP),
            database_answered: AtomicBool::new(true),
            clicks_stored: AtomicBool::new(true),
        }
    }
}

/// When one server last asked its store how much it holds.
#[derive(Default)]
pub(crate) struct LastCount(AsyncMutex<Option<OffsetDateTime>>);

impl LastCount {
    /// Asks the store, unless somebody just did. The numbers stay as they were when it does not
    /// answer: a scrape never fails because the database is away.
    pub(crate) async fn refresh(&self, store: &dyn Store, clock: &dyn Clock, metrics: &Metrics) {
        // Held while the store is asked, so that scrapers at the same time ask it once.
        let mut last = self.0.lock().await;
        let now = clock.now();
        // A clock that was set back makes the last time lie ahead: then it is asked, too.
        if last.is_some_and(|last| now >= last && now - last < COUNT_INTERVAL) {
            return;
        }
        if let Ok(counts) = metrics.asked(store.counts()).await {
            metrics.counts(counts);
        }
        *last = Some(now);
    }
}

/// Metrics are floating-point numbers: exact up to 2^53.
fn float(count: u64) -> f64 {
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "there is no other conversion, and no table has 2^53 rows"
    )]
    let float = count as f64;
    float
}

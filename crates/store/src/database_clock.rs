//! The clock that all nodes of a database share.

mod metrics;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;
use tracing::{error, info};
use waypost_core::Clock;

use self::metrics::ClockMetrics;
pub use self::metrics::describe_metrics;
use crate::{StoreError, TimeStore};

/// Maximum difference between the clock of a node and that of the database.
const MAX_SKEW: Duration = Duration::minutes(5);
/// The resolution of a database's time: some databases cut it to the millisecond.
const RESOLUTION: Duration = Duration::MILLISECOND;
/// Marks that nothing was measured yet.
const UNMEASURED: i64 = i64::MIN;

/// Tells the time of the database, without asking it each time.
///
/// The clocks of nodes that share a database may differ, by days if one of them is wrong. The times
/// that nodes store, and what they treat as expired or delete, must not depend on which node does
/// it. Therefore all of that uses the database's time.
///
/// [`measure`](Self::measure) reads it. From then on [`now`](Clock::now) continues from the answer
/// by the monotonic clock of the process, so setting the clock of the node has no effect. It is as
/// cheap as reading the clock of the operating system. A later measurement corrects it by the
/// amount that is certainly wrong, given how long the database took to answer. Before the first
/// measurement it is the clock of the node.
///
/// If the two clocks differ by more than 5 minutes, one of them is wrong, and it is not known
/// which. Code that deletes data because of its age therefore calls [`agreed`](Self::agreed), which
/// returns no time in that case.
///
/// ```
/// # use std::sync::Arc;
/// use waypost_core::{Clock as _, SystemClock};
/// use waypost_store::{DatabaseClock, MemoryStore};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let clock = DatabaseClock::new(Arc::new(MemoryStore::new()), Arc::new(SystemClock));
/// clock.measure().await?;
/// let now = clock.now();
/// assert!(clock.agreed().await?.is_some_and(|agreed| agreed >= now));
/// # Ok::<(), waypost_store::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DatabaseClock {
    store: Arc<dyn TimeStore>,
    local: Arc<dyn Clock>,
    metrics: ClockMetrics,
    started: Instant,
    /// The database's time at `started`, in microseconds since 1970, or [`UNMEASURED`].
    time_at_start: AtomicI64,
    /// Whether the log already reports that the clocks differ. Held while a measurement is applied.
    told_apart: Mutex<bool>,
}

/// The clock of this node minus that of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew(Duration);

impl ClockSkew {
    /// Returns the difference: positive if the clock of this node is ahead.
    #[must_use]
    pub const fn difference(self) -> Duration {
        self.0
    }

    /// Returns whether the clocks differ by more than 5 minutes, so that one of them must be wrong.
    #[must_use]
    pub fn is_excessive(self) -> bool {
        self.0.abs() > MAX_SKEW
    }
}

impl DatabaseClock {
    /// Returns a clock for the database of `store`, on a node with the clock `local`. Its metric
    /// goes to the recorder that is installed now.
    #[must_use]
    pub fn new(store: Arc<dyn TimeStore>, local: Arc<dyn Clock>) -> Self {
        Self {
            store,
            local,
            metrics: ClockMetrics::new(),
            started: Instant::now(),
            time_at_start: AtomicI64::new(UNMEASURED),
            told_apart: Mutex::new(false),
        }
    }

    /// Reads the database's time and compares the clock of the node with it.
    ///
    /// Logs an error when a difference of more than 5 minutes is first seen, and another line when
    /// it is over.
    ///
    /// # Errors
    /// [`StoreError`] as for any read; the clock then continues from the last measurement.
    pub async fn measure(&self) -> Result<(), StoreError> {
        let (asked, local_before) = (Instant::now(), self.local.now());
        let told = self.store.database_time().await?;
        let (answered, local_after) = (Instant::now(), self.local.now());
        // The database read its clock at some moment in between: the middle is wrong by at most
        // half of that.
        let half = answered.saturating_duration_since(asked) / 2;
        let local = local_before.saturating_add((local_after - local_before) / 2);
        self.note(told, half, asked + half, local);
        Ok(())
    }

    /// Applies a time that the database reported, give or take `uncertainty`, for the moment `at`,
    /// when the clock of the node showed `local`.
    fn note(
        &self,
        told: OffsetDateTime,
        uncertainty: StdDuration,
        at: Instant,
        local: OffsetDateTime,
    ) {
        let mut told_apart = self
            .told_apart
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let uncertainty = Duration::try_from(uncertainty).unwrap_or(Duration::MAX);
        let uncertainty = uncertainty.saturating_add(RESOLUTION);
        // Keep the present value if the answer does not contradict it, so that time does not
        // jitter.
        let now = self.time_at(at).unwrap_or(local).clamp(
            told.saturating_sub(uncertainty),
            told.saturating_add(uncertainty),
        );
        let time_at_start = micros_of(now).saturating_sub(self.since_start(at));
        self.time_at_start.store(time_at_start, Ordering::Relaxed);
        let skew = ClockSkew(local - now);
        self.metrics.skew(skew.difference());
        if skew.is_excessive() != *told_apart {
            *told_apart = skew.is_excessive();
            tell(skew, local, now);
        }
    }

    /// Returns the difference between the clock of this node and that of the database; `None`
    /// before the first measurement.
    #[must_use]
    pub fn skew(&self) -> Option<ClockSkew> {
        let now = self.time_at(Instant::now())?;
        Some(ClockSkew(self.local.now() - now))
    }

    /// Reads the database's time and returns it if the clock of this node differs by at most 5
    /// minutes. Returns `None` otherwise: nothing may then be deleted because of its age.
    ///
    /// # Errors
    /// [`StoreError`] as for any read; nothing may be deleted then either.
    pub async fn agreed(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        self.measure().await?;
        let now = self.now();
        let skew = ClockSkew(self.local.now() - now);
        Ok((!skew.is_excessive()).then_some(now))
    }

    /// Returns the database's time at a moment; `None` before the first measurement.
    fn time_at(&self, at: Instant) -> Option<OffsetDateTime> {
        let time_at_start = self.time_at_start.load(Ordering::Relaxed);
        if time_at_start == UNMEASURED {
            return None;
        }
        let micros = time_at_start.saturating_add(self.since_start(at));
        Some(OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::microseconds(micros)))
    }

    /// Returns the microseconds since `started`.
    fn since_start(&self, at: Instant) -> i64 {
        let elapsed = at.saturating_duration_since(self.started);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Clock for DatabaseClock {
    /// Returns the present time of the database, or that of the node before the first measurement.
    fn now(&self) -> OffsetDateTime {
        let measured = self.time_at(Instant::now());
        measured.unwrap_or_else(|| self.local.now())
    }
}

fn micros_of(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn tell(skew: ClockSkew, local_time: OffsetDateTime, database_time: OffsetDateTime) {
    let skew_seconds = skew.difference().whole_seconds();
    if skew.is_excessive() {
        error!(
            skew_seconds,
            %local_time,
            %database_time,
            "the clocks of this machine and of the database differ by more than 5 minutes; correct the \
             wrong one; until then the database's time is used, and this server deletes no old data"
        );
    } else {
        info!(
            skew_seconds,
            "the clocks of this machine and of the database agree again"
        );
    }
}

//! The clock that all nodes of a database agree on.

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

/// The most that the clock of a node and that of the database may differ.
const MAX_SKEW: Duration = Duration::minutes(5);
/// A database may cut its time to the millisecond.
const RESOLUTION: Duration = Duration::MILLISECOND;
/// Stands in place of a time before the first measurement.
const UNMEASURED: i64 = i64::MIN;

/// Tells the time of the database, without asking it each time.
///
/// Nodes that share a database may have clocks that differ, by days if one of them is wrong. What they
/// date, what they consider expired and what they delete must not depend on which of them does it.
/// Therefore all of that goes by the database's time.
///
/// [`measure`](Self::measure) asks for it. From then on [`now`](Clock::now) goes on from the answer by
/// the monotonic clock of the process, so that nothing happens when the clock of the node is set. It is
/// as cheap as asking the operating system. A further measurement corrects it by as much as is certain to
/// be wrong, given how long the database took to answer. Before the first measurement it is the clock of
/// the node.
///
/// Where the two clocks are more than 5 minutes apart, one of them is wrong, and it is not known which.
/// What deletes because of age therefore asks [`agreed`](Self::agreed), which has no answer then.
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
    /// Whether the log says that the clocks are apart. Held while a measurement is noted.
    told_apart: Mutex<bool>,
}

/// The clock of this node minus that of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSkew(Duration);

impl ClockSkew {
    /// The difference: positive where the clock of this node is ahead.
    #[must_use]
    pub const fn difference(self) -> Duration {
        self.0
    }

    /// Whether the clocks are so far apart, more than 5 minutes, that one of them is wrong.
    #[must_use]
    pub fn is_excessive(self) -> bool {
        self.0.abs() > MAX_SKEW
    }
}

impl DatabaseClock {
    /// A clock for the database of `store`, on a node whose own clock is `local`. Its metric belongs to
    /// the recorder that is installed now.
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

    /// Asks for the database's time, and compares the clock of the node with it.
    ///
    /// A difference of more than 5 minutes is an error in the log when it is first seen, and one more line
    /// when it is over.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up; then the time goes on from the last measurement.
    pub async fn measure(&self) -> Result<(), StoreError> {
        let (asked, local_before) = (Instant::now(), self.local.now());
        let told = self.store.database_time().await?;
        let (answered, local_after) = (Instant::now(), self.local.now());
        // It was told at some moment in between: the middle is wrong by half of that at most.
        let half = answered.saturating_duration_since(asked) / 2;
        let local = local_before.saturating_add((local_after - local_before) / 2);
        self.note(told, half, asked + half, local);
        Ok(())
    }

    /// Notes that the database told a time, give or take `uncertainty`, `at` a moment when the clock of the
    /// node showed `local`.
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
        // What the answer does not contradict stays: time does not jitter with the answers.
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

    /// The difference between the clock of this node and that of the database; `None` before the first
    /// measurement.
    #[must_use]
    pub fn skew(&self) -> Option<ClockSkew> {
        let now = self.time_at(Instant::now())?;
        Some(ClockSkew(self.local.now() - now))
    }

    /// Asks for the database's time, and answers it where the clock of this node is not more than 5 minutes
    /// apart from it. `None` where it is: then nothing may be deleted because it is old.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up: then nothing may be deleted either.
    pub async fn agreed(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        self.measure().await?;
        let now = self.now();
        let skew = ClockSkew(self.local.now() - now);
        Ok((!skew.is_excessive()).then_some(now))
    }

    /// The database's time at a moment; `None` before the first measurement.
    fn time_at(&self, at: Instant) -> Option<OffsetDateTime> {
        let time_at_start = self.time_at_start.load(Ordering::Relaxed);
        if time_at_start == UNMEASURED {
            return None;
        }
        let micros = time_at_start.saturating_add(self.since_start(at));
        Some(OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::microseconds(micros)))
    }

    /// In microseconds.
    fn since_start(&self, at: Instant) -> i64 {
        let elapsed = at.saturating_duration_since(self.started);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Clock for DatabaseClock {
    /// The present time of the database; before the first measurement, that of the node.
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
            "the clocks of this machine and of the database are more than 5 minutes apart; correct the one that \
             is wrong; until then the database's time counts, and old data is not deleted from here"
        );
    } else {
        info!(
            skew_seconds,
            "the clocks of this machine and of the database agree again"
        );
    }
}

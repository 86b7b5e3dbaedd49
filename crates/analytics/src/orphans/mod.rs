//! Orphans: unknown paths that people try, as sums by day and path. What they would have liked to find is worth
//! knowing; what scanners ask for is not.
//!
//! # What is counted
//! A `GET` that no link was found for, whose path could be meant as a code ([`OrphanPath`]), that a browser sends
//! which goes to a page (its `Accept` names `text/html`), of somebody who is a person by their user agent and does
//! not try more than 10 distinct such paths within a minute. Of whom does, nothing is counted that is not written
//! yet, nor what they try until they have paused for a minute. So of a scanner, ten paths at most come through. A
//! day has room for 1,000 distinct paths.
//!
//! # How
//! The redirect only puts a try into memory ([`Orphans::note`]), and nothing at all where it finds a link. A task
//! ([`Orphans::run`]) writes the sums every 10 s, and once more when it is stopped. While the database is away
//! they wait, 1,000 paths at the most. What was being written when the connection broke may be counted twice; what
//! a process has not written when it is killed, or ends without its database, is not counted. Clicks are exact,
//! these are not.
//!
//! Who tried what is written nowhere. In memory, a visitor is known by a hash of their address with a random key
//! of the process, for a minute after their last try. Behind a proxy that is not trusted all are one visitor, and
//! soon a scanner.

mod buffer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use waypost_core::{Clock as _, OrphanPath, Zone};
use waypost_store::{DatabaseClock, OrphanTries, Store, StoreError};

use self::buffer::{Buffer, Noted};
use crate::VisitHeaders;
use crate::metrics::{OrphanCounters, OrphanIgnored};

/// How often sums are written.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// Writing takes no longer than this, or is tried again.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Whoever reads a list waits no longer than this for what is not written yet.
const SETTLE_LIMIT: Duration = Duration::from_secs(1);
/// How often old orphans are deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);
/// So many rows are deleted in one transaction.
const PURGE_BATCH: u32 = 1_000;
/// Days that orphans are kept for.
const KEPT_DAYS: i64 = 90;
/// A day has room for so many paths, of all servers together.
const PATHS_PER_DAY: u32 = 1_000;
/// So many paths of a day wait to be written.
const MAX_WAITING: usize = 1_000;

/// Whether somebody with this user agent (`None`: without one) is a person.
pub type IsHuman = Box<dyn Fn(Option<&str>) -> bool + Send + Sync>;

/// What [`Orphans`] works with.
pub struct OrphansParts {
    /// Where orphans are kept.
    pub store: Arc<dyn Store>,
    /// Tells when a path was tried, and how long ago that is.
    pub clock: Arc<DatabaseClock>,
    /// Where days begin.
    pub zone: Zone,
    /// Tells people and programs apart. Not asked on the redirect path.
    pub is_human: IsHuman,
}

/// Collects orphans. Clones collect together.
#[derive(Clone)]
pub struct Orphans(Arc<Inner>);

struct Inner {
    parts: OrphansParts,
    counters: OrphanCounters,
    /// The random key of the process.
    key: RandomState,
    buffer: Mutex<Buffer>,
    waiting: AsyncMutex<Waiting>,
}

/// What is to be written.
type Waiting = BTreeMap<(Date, OrphanPath), Sum>;

struct Sum {
    hits: u64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
}

impl Orphans {
    /// Collects orphans with these parts. Its counters belong to the metrics recorder that is installed now.
    #[must_use]
    pub fn new(parts: OrphansParts) -> Self {
        Self(Arc::new(Inner {
            parts,
            counters: OrphanCounters::register(),
            key: RandomState::new(),
            buffer: Mutex::default(),
            waiting: AsyncMutex::default(),
        }))
    }

    /// Notes that no link was found for a `GET` of this path (as it was sent, without its query) now. The visitor
    /// is asked for only where the path could be a code.
    pub fn note(
        &self,
        path: &str,
        headers: &dyn VisitHeaders,
        visitor: impl FnOnce() -> Option<IpAddr>,
    ) {
        let Inner {
            parts,
            counters,
            key,
            buffer,
            ..
        } = &*self.0;
        let Some(path) = OrphanPath::of_request(path) else {
            counters.ignored(OrphanIgnored::NotACode, 1);
            return;
        };
        if !names_html(headers.first("accept").unwrap_or_default()) {
            counters.ignored(OrphanIgnored::NotAPerson, 1);
            return;
        }
        let now = parts.clock.now();
        let day = parts.zone.day_of(now);
        let visitor = key.hash_one(visitor());
        let hash = key.hash_one(&path);
        let agent = headers.first("user-agent");
        let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = buffer.note(visitor, (path, hash), agent, (day, now));
        drop(buffer);
        match noted {
            Noted::Kept => {}
            Noted::Scanner(hits) => counters.ignored(OrphanIgnored::Scanner, hits),
            Noted::Full => counters.ignored(OrphanIgnored::Full, 1),
        }
    }

    /// Writes what was collected. What cannot be written waits for the next time.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn write(&self) -> Result<(), StoreError> {
        let Inner {
            parts, counters, ..
        } = &*self.0;
        // Held while it is written, so that nothing is written by two.
        let mut waiting = self.0.waiting.lock().await;
        self.gather(&mut waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let tries: Vec<OrphanTries> = waiting
            .iter()
            .map(|((day, path), sum)| OrphanTries {
                day: *day,
                path: path.clone(),
                hits: sum.hits,
                first_at: sum.first_at,
                last_at: sum.last_at,
            })
            .collect();
        let writing = parts.store.add_orphans(&tries, PATHS_PER_DAY);
        let added = timeout(WRITE_LIMIT, writing).await;
        let added = added.map_err(StoreError::unavailable)??;
        waiting.clear();
        counters.recorded(added.added);
        counters.ignored(OrphanIgnored::Full, added.left_out);
        Ok(())
    }

    /// Adds what was collected, of people, to what is to be written.
    fn gather(&self, waiting: &mut Waiting) {
        let Inner {
            parts,
            counters,
            buffer,
            ..
        } = &*self.0;
        let now = parts.clock.now();
        let mut buffer = buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = buffer.take(now);
        drop(buffer);
        for tried in tries {
            if !(parts.is_human)(tried.agent.as_deref()) {
                counters.ignored(OrphanIgnored::NotAPerson, tried.hits);
                continue;
            }
            let place = (tried.day, tried.path);
            if let Some(sum) = waiting.get_mut(&place) {
                sum.hits = sum.hits.saturating_add(tried.hits);
                sum.first_at = sum.first_at.min(tried.first_at);
                sum.last_at = sum.last_at.max(tried.last_at);
            } else if waiting.len() < MAX_WAITING {
                let sum = Sum {
                    hits: tried.hits,
                    first_at: tried.first_at,
                    last_at: tried.last_at,
                };
                waiting.insert(place, sum);
            } else {
                counters.ignored(OrphanIgnored::Full, tried.hits);
            }
        }
    }

    /// Writes what was collected, for somebody who is about to read it and waits 1 s at the most. It is written
    /// even when they go away.
    pub async fn settle(&self) {
        let orphans = self.clone();
        let writing = tokio::spawn(async move { orphans.write_or_say().await });
        // Whether it was in time, and how it ended, changes nothing about what can be read.
        let _ = timeout(SETTLE_LIMIT, writing).await;
    }

    /// Forgets a path, with what is still to be written of it. Returns whether it was known.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn forget(&self, path: &OrphanPath) -> Result<bool, StoreError> {
        self.settle().await;
        self.0.parts.store.delete_orphan(path).await
    }

    /// The day that it is.
    #[must_use]
    pub fn today(&self) -> Date {
        let parts = &self.0.parts;
        parts.zone.day_of(parts.clock.now())
    }

    /// Writes every 10 s and once more when `stop` is cancelled, and deletes every hour what is older than 90
    /// days. A failure never ends it.
    pub async fn run(self, stop: CancellationToken) {
        let mut writes = interval(WRITE_EVERY);
        let mut purges = interval(PURGE_EVERY);
        for ticks in [&mut writes, &mut purges] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = writes.tick() => self.write_or_say().await,
                _ = purges.tick() => self.purge(&stop).await,
            }
        }
        self.write_or_say().await;
    }

    async fn write_or_say(&self) {
        if let Err(error) = self.write().await {
            tracing::debug!(%error, "orphans are written later");
        }
    }

    /// Deletes what is older than 90 days; ends after the batch under way when `stop` is cancelled. Does
    /// nothing while the clocks of this node and of the database are apart.
    async fn purge(&self, stop: &CancellationToken) {
        let OrphansParts {
            store, clock, zone, ..
        } = &self.0.parts;
        let now = match clock.agreed().await {
            Ok(Some(now)) => now,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "old orphans are deleted later");
                return;
            }
        };
        let kept = time::Duration::days(KEPT_DAYS);
        let before = zone.day_of(now).saturating_sub(kept);
        loop {
            match store.purge_orphans(before, PURGE_BATCH).await {
                Ok(deleted) if deleted >= u64::from(PURGE_BATCH) && !stop.is_cancelled() => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::debug!(%error, "old orphans are deleted later");
                    return;
                }
            }
        }
    }
}

/// Whether an `Accept` names HTML, as that of a browser does which goes to a page (RFC 9110 §12.5.1).
fn names_html(accept: &[u8]) -> bool {
    const HTML: &[u8] = b"text/html";
    accept
        .windows(HTML.len())
        .any(|part| part.eq_ignore_ascii_case(HTML))
}

//! The work that comes around by itself: salts are destroyed in time; and, by one node at a time,
//! changes of links that every node has seen, sessions that expired long ago, and what visitors of past
//! days were told apart by are deleted, settled journals of servers that are gone forgotten, and raw clicks purged
//! where the operator set a retention.
//!
//! # At what pace
//! What is deleted, is deleted in batches of 1,000 rows, each in a transaction of its own. After each,
//! the database belongs to others for as long as the batch took. While more than 1,000 clicks wait in
//! the journal of the node, or one has been waiting for more than a second, it deletes nothing; after
//! 5 minutes of that it goes on nevertheless, with a batch every 10 seconds until the load is over.
//!
//! # By which time
//! Each pass asks the database for its time, and goes by that. While the clock of the node is more than 5
//! minutes apart from it, one of the two is wrong, and the pass does nothing. What one wrong clock makes
//! look old is not deleted on its word alone.
//!
//! A purge of clicks that would delete more than half of all rows at once does not begin: see
//! [`retention::overreaches`].

mod turn;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use turn::Turn;
use waypost_core::{LeaseHolder, Zone};
use waypost_store::{DatabaseClock, PurgeScope, Store, StoreError};

use crate::journal::Journal;
use crate::retention::{Batch, DEFAULT_PURGE_BATCH};
use crate::{Age, DailySalts, ledger, metrics, retention};

/// How long after the beginning of one pass the next one begins.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Changes of links are kept for so long. A node that has not seen the change feed for half of it
/// forgets everything that it has cached.
const CHANGES_KEPT: time::Duration = time::Duration::hours(1);
/// Sessions are kept for so long after they expired: clicks of theirs may wait in a journal.
const SESSIONS_KEPT: time::Duration = time::Duration::days(30);
/// Journals that are settled are forgotten after nothing was heard of their servers for so long.
const JOURNALS_KEPT: time::Duration = time::Duration::days(30);
/// What the visitors of a day are told apart by is kept for so long after it, because clicks may be
/// stored late. A click that is stored later still counts its visitor anew.
const VISITORS_KEPT: time::Duration = time::Duration::days(3);

/// What [`Maintenance`] works with.
#[derive(Clone)]
pub struct MaintenanceParts {
    /// Where clicks are kept.
    pub store: Arc<dyn Store>,
    /// Tells how old things are.
    pub clock: Arc<DatabaseClock>,
    /// The salts that the recorder of this process uses.
    pub salts: Arc<DailySalts>,
    /// The journal of this process: what waits in it tells whether the node is under load.
    pub journal: Arc<Journal>,
    /// Where days begin.
    pub zone: Zone,
    /// This process, among all nodes.
    pub holder: LeaseHolder,
    /// Age in days at which raw clicks are purged; `None` keeps them.
    pub retention_days: Option<u32>,
}

/// A background task that destroys expired salts, and deletes old entries of the change feed, old
/// sessions, what tells visitors of past days apart, and old clicks, at start and every hour.
///
/// Any number of nodes may run one on the same database. Each destroys salts. The one that has the lease
/// `maintenance` deletes, and the others leave that to it; a lease of a node that crashed runs out after
/// 5 minutes.
///
/// The numbers of visitors are exact for clicks that are stored within three days: one that is stored
/// later counts its visitor anew.
pub struct Maintenance {
    parts: MaintenanceParts,
    /// Whether the log says that old clicks are not purged because they are too many.
    overreach_told: AtomicBool,
}

/// What one pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Whether it did nothing because the clocks of this node and of the database are apart.
    pub clocks_differ: bool,
    /// Salts destroyed in the store.
    pub salts_destroyed: u64,
    /// Whether it was the turn of this node to delete. If not, everything below is 0, but for failures.
    pub had_turn: bool,
    /// Entries of the change feed deleted, those before a failure included.
    pub changes_deleted: u64,
    /// Sessions deleted, those before a failure included.
    pub sessions_deleted: u64,
    /// Entries deleted of the sets by which visitors of past days were told apart, those before a failure
    /// included.
    pub visitors_purged: u64,
    /// Journals forgotten: settled, and of servers of which nothing was heard for 30 days.
    pub journals_forgotten: u64,
    /// Click rows purged, those before a failure included.
    pub clicks_purged: u64,
    /// Tasks that failed, or that were not begun because they would delete too much; each is told in the
    /// log, and the next pass tries again.
    pub failures: u32,
}

/// What is old, and deleted in batches.
#[derive(Debug, Clone, Copy)]
enum Old {
    Changes(OffsetDateTime),
    Sessions(OffsetDateTime),
    Visitors(Date),
    Clicks(PurgeScope),
}

impl Maintenance {
    /// Maintenance over these parts.
    #[must_use]
    pub const fn new(parts: MaintenanceParts) -> Self {
        Self {
            parts,
            overreach_told: AtomicBool::new(false),
        }
    }

    /// Works until `stop` is cancelled. A failure never ends it; a purge under way ends after its
    /// current batch.
    pub async fn run(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(INTERVAL);
        // After a pass longer than the interval, the next one need not follow at once.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            self.pass(&stop).await;
        }
    }

    /// One pass, to its end.
    pub async fn run_once(&self) -> Pass {
        self.pass(&CancellationToken::new()).await
    }

    async fn pass(&self, stop: &CancellationToken) -> Pass {
        let MaintenanceParts { clock, salts, .. } = &self.parts;
        let mut pass = Pass::default();
        let now = match clock.agreed().await {
            Ok(Some(now)) => now,
            Ok(None) => {
                pass.clocks_differ = true;
                debug!("nothing old is deleted while clocks differ");
                return pass;
            }
            Err(error) => {
                pass.failed("the time of the database is not known", &error);
                return pass;
            }
        };
        match salts.destroy_expired(now).await {
            Ok(destroyed) => pass.salts_destroyed = destroyed,
            Err(error) => pass.failed("expired salts were not destroyed", &error),
        }
        match Turn::take(&self.parts, stop).await {
            Ok(None) => {}
            Ok(Some(mut turn)) => {
                pass.had_turn = true;
                self.delete_old(now, &mut turn, &mut pass).await;
                self.forget_journals(now, &mut pass).await;
                turn.end().await;
            }
            Err(error) => pass.failed("it is not known whether another node deletes", &error),
        }
        if pass.salts_destroyed > 0 || pass.clicks_purged > 0 {
            info!(
                salts_destroyed = pass.salts_destroyed,
                clicks_purged = pass.clicks_purged,
                "maintenance done"
            );
        }
        pass
    }

    async fn forget_journals(&self, now: OffsetDateTime, pass: &mut Pass) {
        let MaintenanceParts { store, journal, .. } = &self.parts;
        let before = now.saturating_sub(JOURNALS_KEPT);
        match ledger::forget_settled(&**store, journal.id(), before, now).await {
            Ok(forgotten) => pass.journals_forgotten = forgotten,
            Err(error) => pass.failed("settled journals of old servers were not forgotten", &error),
        }
    }

    /// Deletes what is old at `now`, until nothing is left or the turn is over.
    async fn delete_old(&self, now: OffsetDateTime, turn: &mut Turn<'_>, pass: &mut Pass) {
        for old in self.old(now) {
            if let Old::Clicks(scope) = old
                && !self.may_purge(scope, pass).await
            {
                continue;
            }
            let mut batch = Batch::of(DEFAULT_PURGE_BATCH);
            loop {
                match turn.next().await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        pass.failed("it is not known whether another node deletes", &error);
                        return;
                    }
                }
                let began = Instant::now();
                match old.delete_batch(&*self.parts.store, batch.rows()).await {
                    Ok(0) => break,
                    Ok(deleted) => pass.deleted(old, deleted),
                    Err(error) => {
                        pass.failed(old.kept(), &error);
                        break;
                    }
                }
                let took = began.elapsed();
                batch.took(took);
                turn.rest(took).await;
            }
        }
    }

    /// Whether the clicks within `scope` are not too many to be purged without somebody having a look.
    async fn may_purge(&self, scope: PurgeScope, pass: &mut Pass) -> bool {
        let overreaching = match retention::overreaches(&*self.parts.store, scope).await {
            Ok(overreaching) => overreaching,
            Err(error) => {
                pass.failed(Old::Clicks(scope).kept(), &error);
                return false;
            }
        };
        let Some(clicks) = overreaching else {
            self.overreach_told.store(false, Ordering::Relaxed);
            return true;
        };
        pass.failures = pass.failures.saturating_add(1);
        let retention_days = self.parts.retention_days.unwrap_or_default();
        if self.overreach_told.swap(true, Ordering::Relaxed) {
            debug!(clicks, "old clicks are still too many to be purged");
        } else {
            error!(
                clicks,
                before = %scope.before,
                retention_days,
                "old clicks were not purged, because they are more than half of all; check the clock of the \
                 database and WAYPOST_RETENTION_DAYS; if they are right, run `linkctl purge --older-than \
                 {retention_days}d`, which shows first what it deletes"
            );
        }
        false
    }

    fn old(&self, now: OffsetDateTime) -> Vec<Old> {
        let MaintenanceParts {
            zone,
            retention_days,
            ..
        } = &self.parts;
        let mut all = vec![
            Old::Changes(now.saturating_sub(CHANGES_KEPT)),
            Old::Sessions(now.saturating_sub(SESSIONS_KEPT)),
            Old::Visitors(zone.day_of(now).saturating_sub(VISITORS_KEPT)),
        ];
        all.extend(retention_days.map(|days| Old::Clicks(Age::days(days).cutoff(now).into())));
        all
    }
}

impl Old {
    async fn delete_batch(self, store: &dyn Store, rows: u32) -> Result<u64, StoreError> {
        match self {
            Self::Changes(before) => store.purge_changes(before, rows).await,
            Self::Sessions(before) => store.purge_sessions(before, rows).await,
            Self::Visitors(day) => store.purge_visitors(day, rows).await,
            Self::Clicks(scope) => store.purge_clicks(scope, rows).await,
        }
    }

    /// What a failure means.
    const fn kept(self) -> &'static str {
        match self {
            Self::Changes(_) => "old changes of links were not deleted",
            Self::Sessions(_) => "old sessions were not deleted",
            Self::Visitors(_) => "what told visitors of past days apart was not deleted",
            Self::Clicks(_) => "old clicks were not purged",
        }
    }
}

impl Pass {
    fn deleted(&mut self, old: Old, number: u64) {
        let sum = match old {
            Old::Changes(_) => &mut self.changes_deleted,
            Old::Sessions(_) => &mut self.sessions_deleted,
            Old::Visitors(_) => &mut self.visitors_purged,
            Old::Clicks(_) => {
                metrics::clicks_purged(number);
                &mut self.clicks_purged
            }
        };
        *sum = sum.saturating_add(number);
    }

    fn failed(&mut self, what: &'static str, error: &StoreError) {
        let error: &(dyn Error + 'static) = error;
        warn!(error, "{what}; the next pass tries again");
        self.failures = self.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;

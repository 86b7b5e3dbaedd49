//! Periodic maintenance. Every server deletes expired salts. One server at a time deletes link
//! changes that every server has seen, sessions that expired long ago, visitor hashes of past days
//! and old IDs of clicks without a record, forgets settled journals of servers that are gone, purges
//! links that were deleted long ago, and purges click records if a retention is set. Then it releases
//! the disk space that they left.
//! # Pace
//! Rows are deleted in batches of 1,000, each in its own transaction. After each batch there
//! is a pause at least as long as the batch took. While more than 1,000 clicks are pending in the
//! journal of the server, or one has been pending for more than a second, it deletes nothing. After
//! 5 minutes of such load it continues with a batch every 10 seconds, until the load ends.
//! # Clocks
//! Each pass reads the time of the database and uses it. If the clock of the server
//! differs by more than 5 minutes, one of the two is wrong, and the pass does nothing, so that a
//! single wrong clock does not delete anything.
//!
//! A purge that would delete more than half of all click records, or of all deleted links, does not
//! start: see [`retention::overreaches`].

mod turn;
mod unused_space;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use time::{Date, OffsetDateTime};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use turn::Turn;
use waypost_core::{
    AuditActor, AuditEntry, AuditEvent, AuditId, AuditText, Count, LeaseHolder, Random, Zone,
};
use waypost_store::{DatabaseClock, PurgeScope, Store, StoreError};

use crate::journal::Journal;
use crate::retention::{Batch, DEFAULT_PURGE_BATCH, DeletedBatch};
use crate::{Age, DailySalts, ledger, metrics, retention};

/// Time between the starts of two passes.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How long link changes are kept. A server that could not read the change feed for half of this
/// time clears its cache.
const CHANGES_KEPT: time::Duration = time::Duration::hours(1);
/// How long sessions are kept after they expired, because clicks with them may be pending in a
/// journal.
const SESSIONS_KEPT: time::Duration = time::Duration::days(30);
/// How long settled journals are kept after their servers were last seen.
const JOURNALS_KEPT: time::Duration = time::Duration::days(30);
/// How long visitor hashes of a day are kept after it, because clicks may be stored late. A click
/// that is stored even later counts its visitor again.
const VISITORS_KEPT: time::Duration = time::Duration::days(3);

/// How long the IDs of clicks without a record are kept, by the time of the click. A click that is
/// stored again later is not recognised by its ID, like one whose record is purged.
const CLICK_IDS_KEPT: time::Duration = time::Duration::days(30);

/// The parts that [`Maintenance`] uses.
#[derive(Clone)]
pub struct MaintenanceParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock, by which ages are computed.
    pub clock: Arc<DatabaseClock>,
    /// The salts of the recorder of this process.
    pub salts: Arc<DailySalts>,
    /// The journal of this process. Its pending clicks show whether the server is under load.
    pub journal: Arc<Journal>,
    /// The time zone of days.
    pub zone: Zone,
    /// The ID of this process as a holder of leases.
    pub holder: LeaseHolder,
    /// Days after which click records are purged; `None` keeps them.
    pub retention_days: Option<u32>,
    /// Days after which deleted links are purged.
    pub deleted_link_days: u32,
    /// Days after which entries of the audit trail are purged.
    pub audit_days: u32,
    /// The source of IDs.
    pub random: Arc<dyn Random>,
}

/// A background task that deletes expired salts, old entries of the change feed, old sessions,
/// visitor hashes of past days, old click records and links that were deleted long ago, at start and
/// every hour.
///
/// Any number of servers may run it on the same database. Each deletes expired salts. Only the
/// server that holds the lease `maintenance` deletes everything else. The lease of a crashed server
/// expires after 5 minutes.
///
/// Numbers of visitors are exact for clicks that are stored within three days: a click that is
/// stored later counts its visitor again.
pub struct Maintenance {
    parts: MaintenanceParts,
    /// Whether the log already says that too many clicks would be purged.
    overreach_told: AtomicBool,
    /// Whether the log already says that too many deleted links would be purged.
    links_overreach_told: AtomicBool,
    /// Whether the log already says that the database's file cannot shrink.
    unused_told: AtomicBool,
}

/// The result of one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Whether it did nothing because the clocks of this server and of the database differ.
    pub clocks_differ: bool,
    /// Number of salts deleted in the store.
    pub salts_destroyed: u64,
    /// Whether this server had the lease. If not, everything below except failures is 0.
    pub had_turn: bool,
    /// Number of deleted entries of the change feed, including those before a failure.
    pub changes_deleted: u64,
    /// Number of deleted sessions, including those before a failure.
    pub sessions_deleted: u64,
    /// Number of deleted visitor hashes of past days, including those before a failure.
    pub visitors_purged: u64,
    /// Number of deleted IDs of clicks without a record, including those before a failure.
    pub click_ids_purged: u64,
    /// Number of forgotten journals: settled, and not seen for 30 days.
    pub journals_forgotten: u64,
    /// Number of purged click records, including those before a failure.
    pub clicks_purged: u64,
    /// Number of purged links, including those before a failure.
    pub links_purged: u64,
    /// Number of purged entries of the audit trail, including those before a failure.
    pub audit_purged: u64,
    /// Number of unused pages of the database's file that were released, including those before a
    /// failure.
    pub pages_released: u64,
    /// Number of tasks that failed, or did not start because they would delete too much. Each is
    /// logged, and the next pass tries again.
    pub failures: u32,
}

/// A kind of old rows that are deleted in batches.
#[derive(Debug, Clone, Copy)]
enum Old {
    Changes(OffsetDateTime),
    Sessions(OffsetDateTime),
    Visitors(Date),
    ClickIds(OffsetDateTime),
    Clicks(PurgeScope),
    Links(OffsetDateTime),
    Audit(OffsetDateTime),
    /// Not rows, but the space that they left.
    UnusedSpace,
}

impl Maintenance {
    /// Creates maintenance with these parts.
    #[must_use]
    pub const fn new(parts: MaintenanceParts) -> Self {
        Self {
            parts,
            overreach_told: AtomicBool::new(false),
            links_overreach_told: AtomicBool::new(false),
            unused_told: AtomicBool::new(false),
        }
    }

    /// Runs until `stop` is cancelled. Failures do not end it. A running purge ends after its
    /// current batch.
    pub async fn run(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(INTERVAL);
        // After a pass longer than the interval, wait for a full interval.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            self.pass(&stop).await;
        }
    }

    /// Runs one complete pass.
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
                debug!("nothing is deleted while the clocks differ");
                return pass;
            }
            Err(error) => {
                pass.failed("cannot read the time of the database", &error);
                return pass;
            }
        };
        match salts.destroy_expired(now).await {
            Ok(destroyed) => pass.salts_destroyed = destroyed,
            Err(error) => pass.failed("expired salts were not deleted", &error),
        }
        match Turn::take(&self.parts, stop).await {
            Ok(None) => {}
            Ok(Some(mut turn)) => {
                pass.had_turn = true;
                self.delete_old(now, &mut turn, &mut pass).await;
                self.forget_journals(now, &mut pass).await;
                self.note_purge(now, &mut pass).await;
                turn.end().await;
            }
            Err(error) => pass.failed("cannot check whether another server is purging", &error),
        }
        if pass.salts_destroyed > 0 || pass.clicks_purged > 0 || pass.links_purged > 0 {
            info!(
                salts_destroyed = pass.salts_destroyed,
                clicks_purged = pass.clicks_purged,
                links_purged = pass.links_purged,
                "maintenance done"
            );
        }
        pass
    }

    /// Adds to the audit trail how many click records and deleted links were purged.
    async fn note_purge(&self, now: OffsetDateTime, pass: &mut Pass) {
        let MaintenanceParts { store, random, .. } = &self.parts;
        let retention_days = self.parts.retention_days.unwrap_or_default();
        let clicks = (pass.clicks_purged, "click record", retention_days);
        let links = (
            pass.links_purged,
            "deleted link",
            self.parts.deleted_link_days,
        );
        for (number, what, days) in [clicks, links] {
            if number == 0 {
                continue;
            }
            let detail = format!("{} older than {days}d", Count::of(number, what));
            let entry = AuditEntry {
                id: AuditId::new(now, &**random),
                created_at: now,
                event: AuditEvent::Purged,
                actor: AuditActor::server(),
                subject: AuditText::default(),
                detail: AuditText::cut(&detail),
                origin: None,
            };
            if let Err(error) = store.add_audit_entry(&entry).await {
                pass.failed("the purge is not in the audit trail", &error);
            }
        }
    }

    async fn forget_journals(&self, now: OffsetDateTime, pass: &mut Pass) {
        let MaintenanceParts { store, journal, .. } = &self.parts;
        let before = now.saturating_sub(JOURNALS_KEPT);
        match ledger::forget_settled(&**store, journal.id(), before, now).await {
            Ok(forgotten) => pass.journals_forgotten = forgotten,
            Err(error) => pass.failed("settled journals of old servers were not forgotten", &error),
        }
    }

    /// Deletes old rows as of `now`, until none are left or the lease is lost.
    async fn delete_old(&self, now: OffsetDateTime, turn: &mut Turn<'_>, pass: &mut Pass) {
        for old in self.old(now) {
            if !self.may_delete(old, pass).await {
                continue;
            }
            let mut batch = Batch::of(DEFAULT_PURGE_BATCH);
            loop {
                match turn.next().await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        pass.failed("cannot check whether another server is purging", &error);
                        return;
                    }
                }
                let began = Instant::now();
                match old.delete_batch(&*self.parts.store, batch.rows()).await {
                    Ok(deleted) if deleted.is_empty() => break,
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

    async fn may_delete(&self, old: Old, pass: &mut Pass) -> bool {
        match old {
            Old::Clicks(scope) => self.may_purge(scope, pass).await,
            Old::Links(before) => self.may_purge_links(before, pass).await,
            Old::Changes(_)
            | Old::Sessions(_)
            | Old::Visitors(_)
            | Old::ClickIds(_)
            | Old::Audit(_) => true,
            Old::UnusedSpace => self.has_much_unused_space(pass).await,
        }
    }

    /// Whether the number of links deleted before `before` is small enough to purge them without a
    /// check by a person.
    async fn may_purge_links(&self, before: OffsetDateTime, pass: &mut Pass) -> bool {
        let links = match retention::overreaches_deleted(&*self.parts.store, before).await {
            Ok(Some(links)) => links,
            Ok(None) => {
                self.links_overreach_told.store(false, Ordering::Relaxed);
                return true;
            }
            Err(error) => {
                pass.failed(Old::Links(before).kept(), &error);
                return false;
            }
        };
        pass.failures = pass.failures.saturating_add(1);
        let deleted_link_days = self.parts.deleted_link_days;
        if self.links_overreach_told.swap(true, Ordering::Relaxed) {
            debug!(links, "still too many deleted links to purge");
        } else {
            error!(
                links,
                %before,
                deleted_link_days,
                "deleted links were not purged, because they are more than half of all deleted \
                 links; check the clock of the database and WAYPOST_DELETED_LINK_DAYS; if both are \
                 right, run `linkctl purge`, which shows what it will delete and asks"
            );
        }
        false
    }

    /// Whether the number of click records in `scope` is small enough to purge them without a check
    /// by a person.
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
            debug!(clicks, "still too many old click records to purge");
        } else {
            error!(
                clicks,
                before = %scope.before,
                retention_days,
                "old click records were not purged, because they are more than half of all; check \
                 the clock of the database and WAYPOST_RETENTION_DAYS; if both are right, run \
                 `linkctl purge --older-than` with this number of days, which shows what it will \
                 delete and asks"
            );
        }
        false
    }

    fn old(&self, now: OffsetDateTime) -> Vec<Old> {
        let MaintenanceParts {
            zone,
            retention_days,
            deleted_link_days,
            audit_days,
            ..
        } = &self.parts;
        let mut all = vec![
            Old::Changes(now.saturating_sub(CHANGES_KEPT)),
            Old::Sessions(now.saturating_sub(SESSIONS_KEPT)),
            Old::Visitors(zone.day_of(now).saturating_sub(VISITORS_KEPT)),
            Old::ClickIds(now.saturating_sub(CLICK_IDS_KEPT)),
            Old::Audit(Age::days(*audit_days).cutoff(now)),
            Old::Links(Age::days(*deleted_link_days).cutoff(now)),
        ];
        all.extend(retention_days.map(|days| Old::Clicks(Age::days(days).cutoff(now).into())));
        all.push(Old::UnusedSpace);
        all
    }
}

impl Old {
    async fn delete_batch(self, store: &dyn Store, rows: u32) -> Result<DeletedBatch, StoreError> {
        let records = match self {
            Self::Changes(before) => store.purge_changes(before, rows).await,
            Self::Sessions(before) => store.purge_sessions(before, rows).await,
            Self::Visitors(day) => store.purge_visitors(day, rows).await,
            Self::ClickIds(before) => store.purge_click_ids(before, rows).await,
            Self::Clicks(scope) => store.purge_clicks(scope, rows).await,
            Self::Audit(before) => store.purge_audit_entries(before, rows).await,
            Self::UnusedSpace => store.release_space(rows).await,
            Self::Links(before) => {
                return retention::purge_deleted_batch(store, before, rows).await;
            }
        };
        Ok(DeletedBatch {
            records: records?,
            links: 0,
        })
    }

    /// The log message of a failure.
    const fn kept(self) -> &'static str {
        match self {
            Self::Changes(_) => "old changes of links were not deleted",
            Self::Sessions(_) => "old sessions were not deleted",
            Self::Visitors(_) => "visitor hashes of past days were not deleted",
            Self::ClickIds(_) => "old IDs of clicks without a record were not deleted",
            Self::Clicks(_) => "old click records were not purged",
            Self::Links(_) => "links deleted long ago were not purged",
            Self::Audit(_) => "old entries of the audit trail were not purged",
            Self::UnusedSpace => "unused space of the database was not released",
        }
    }
}

impl Pass {
    fn deleted(&mut self, old: Old, DeletedBatch { records, links }: DeletedBatch) {
        let sum = match old {
            Old::Changes(_) => &mut self.changes_deleted,
            Old::Sessions(_) => &mut self.sessions_deleted,
            Old::Visitors(_) => &mut self.visitors_purged,
            Old::ClickIds(_) => &mut self.click_ids_purged,
            Old::Audit(_) => &mut self.audit_purged,
            Old::UnusedSpace => &mut self.pages_released,
            Old::Clicks(_) => {
                metrics::clicks_purged(records);
                &mut self.clicks_purged
            }
            Old::Links(_) => {
                self.links_purged = self.links_purged.saturating_add(links);
                return;
            }
        };
        *sum = sum.saturating_add(records);
    }

    fn failed(&mut self, what: &'static str, error: &StoreError) {
        let error: &(dyn Error + 'static) = error;
        warn!(error, "{what}; the next pass tries again");
        self.failures = self.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;

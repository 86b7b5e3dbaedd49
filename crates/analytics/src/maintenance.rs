//! The work that comes around by itself: salts are destroyed in time, changes of links that every
//! node has seen and sessions that expired long ago are deleted, and raw clicks purged where the operator set a retention.

use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use waypost_core::Clock;
use waypost_store::{Store, StoreError};

use crate::retention::{DEFAULT_PURGE_BATCH, purge_while};
use crate::{Age, DailySalts};

/// How long after the beginning of one pass the next one begins.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Changes of links are kept for so long. A node that has not seen the change feed for half of it
/// forgets everything that it has cached.
const CHANGES_KEPT: time::Duration = time::Duration::hours(1);
/// So many changes are deleted in one transaction.
const CHANGES_PER_BATCH: u32 = 1_000;

/// Sessions are kept for so long after they expired: clicks of theirs may wait in a journal.
const SESSIONS_KEPT: time::Duration = time::Duration::days(30);
/// So many sessions are deleted in one transaction.
const SESSIONS_PER_BATCH: u32 = 1_000;

/// What [`Maintenance`] works with.
#[derive(Clone)]
pub struct MaintenanceParts {
    /// Where clicks are kept.
    pub store: Arc<dyn Store>,
    /// Tells how old things are.
    pub clock: Arc<dyn Clock>,
    /// The salts that the recorder of this process uses.
    pub salts: Arc<DailySalts>,
    /// Age in days at which raw clicks are purged; `None` keeps them.
    pub retention_days: Option<u32>,
}

/// A background task that destroys expired salts, deletes old entries of the change feed and old sessions,
/// and purges old clicks, at start and every hour.
/// Any number of nodes may run one on the same database.
pub struct Maintenance(MaintenanceParts);

/// What one pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Salts destroyed in the store.
    pub salts_destroyed: u64,
    /// Entries of the change feed deleted, those before a failure included.
    pub changes_deleted: u64,
    /// Sessions deleted, those before a failure included.
    pub sessions_deleted: u64,
    /// Click rows purged, those before a failure included.
    pub clicks_purged: u64,
    /// Tasks that failed; each is one warning in the log, and the next pass tries again.
    pub failures: u32,
}

impl Maintenance {
    /// Maintenance over these parts.
    #[must_use]
    pub const fn new(parts: MaintenanceParts) -> Self {
        Self(parts)
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
        let MaintenanceParts {
            store,
            clock,
            salts,
            retention_days,
        } = &self.0;
        let mut pass = Pass::default();
        match salts.destroy_expired(clock.now()).await {
            Ok(destroyed) => pass.salts_destroyed = destroyed,
            Err(error) => pass.failed("expired salts were not destroyed", &error),
        }
        let before = clock.now().saturating_sub(CHANGES_KEPT);
        loop {
            match store.purge_changes(before, CHANGES_PER_BATCH).await {
                Ok(deleted) => {
                    pass.changes_deleted = pass.changes_deleted.saturating_add(deleted);
                    if deleted < u64::from(CHANGES_PER_BATCH) || stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    pass.failed("old changes of links were not deleted", &error);
                    break;
                }
            }
        }
        let before = clock.now().saturating_sub(SESSIONS_KEPT);
        loop {
            match store.purge_sessions(before, SESSIONS_PER_BATCH).await {
                Ok(deleted) => {
                    pass.sessions_deleted = pass.sessions_deleted.saturating_add(deleted);
                    if deleted < u64::from(SESSIONS_PER_BATCH) || stop.is_cancelled() {
                        break;
                    }
                }
                Err(error) => {
                    pass.failed("old sessions were not deleted", &error);
                    break;
                }
            }
        }
        if let Some(days) = *retention_days {
            let before = Age::days(days).cutoff(clock.now());
            let purged = purge_while(&**store, before, DEFAULT_PURGE_BATCH, |purged| {
                pass.clicks_purged = purged;
                if stop.is_cancelled() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if let Err(error) = purged.await {
                pass.failed("old clicks were not purged", &error);
            }
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
}

impl Pass {
    fn failed(&mut self, what: &'static str, error: &StoreError) {
        let error: &(dyn Error + 'static) = error;
        warn!(error, "{what}; the next pass tries again");
        self.failures = self.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use time::macros::date;
    use tokio::time::timeout;
    use waypost_core::{ManualClock, SeededRandom, Session, Zone};
    use waypost_store::testkit::samples::Samples;
    use waypost_store::{SessionStore as _, UserStore as _};

    use super::*;
    use crate::witness::{NEWEST, Witness};

    struct Setup {
        store: Arc<Witness>,
        clock: Arc<ManualClock>,
        salts: Arc<DailySalts>,
    }

    async fn setup(clicks: u32) -> Setup {
        let (store, _) = Witness::with_clicks(clicks).await;
        let random = Arc::new(SeededRandom::new(1));
        Setup {
            clock: Arc::new(ManualClock::new(NEWEST)),
            salts: Arc::new(DailySalts::new(store.clone(), random, Zone::utc())),
            store,
        }
    }

    impl Setup {
        fn maintenance(&self, retention_days: Option<u32>) -> Maintenance {
            Maintenance::new(MaintenanceParts {
                store: self.store.clone(),
                clock: self.clock.clone(),
                salts: self.salts.clone(),
                retention_days,
            })
        }

        async fn rows(&self) -> u64 {
            use waypost_store::ClickStore as _;
            let after = time::macros::datetime!(2100-01-01 00:00 UTC);
            self.store.clicks_before(after).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_salt_is_destroyed_two_days_after_its_day_began() {
        let setup = setup(0).await;
        let maintenance = setup.maintenance(None);
        let salt = setup.salts.of(date!(2026 - 03 - 01)).await.unwrap();
        setup.clock.advance(time::Duration::hours(24));
        assert_eq!(maintenance.run_once().await, Pass::default());
        setup.clock.advance(time::Duration::hours(1));
        let pass = maintenance.run_once().await;
        assert_eq!(pass.salts_destroyed, 1);
        assert_ne!(setup.salts.of(date!(2026 - 03 - 01)).await.unwrap(), salt);
    }

    #[tokio::test]
    async fn clicks_are_kept_unless_a_retention_is_set() {
        let setup = setup(10).await;
        setup.maintenance(None).run_once().await;
        assert_eq!(setup.rows().await, 10);
        let pass = setup.maintenance(Some(3)).run_once().await;
        // The click of exactly three days ago is not older than that.
        assert_eq!(pass.clicks_purged, 6);
        assert_eq!(setup.rows().await, 4);
    }

    #[tokio::test]
    async fn sessions_are_deleted_a_month_after_they_expired() {
        let setup = setup(0).await;
        let maintenance = setup.maintenance(None);
        let samples = Samples::new(1);
        let user = samples.user("ada@example.com");
        setup.store.insert_user(&user, None).await.unwrap();
        let (session, secret) = samples.session(&user);
        let session = Session {
            expires_at: NEWEST,
            ..session
        };
        let inserted = setup.store.insert_session(&session, &secret.hash()).await;
        inserted.unwrap();
        setup.clock.advance(time::Duration::days(30));
        assert_eq!(maintenance.run_once().await.sessions_deleted, 0);
        setup.clock.advance(time::Duration::SECOND);
        assert_eq!(maintenance.run_once().await.sessions_deleted, 1);
    }

    #[tokio::test]
    async fn a_failure_is_no_end() {
        let setup = setup(10).await;
        let maintenance = setup.maintenance(Some(3));
        setup.store.seen().away_after = Some(0);
        assert_eq!(maintenance.run_once().await.failures, 3);
        setup.store.seen().away_after = None;
        let pass = maintenance.run_once().await;
        assert_eq!((pass.failures, pass.clicks_purged), (0, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn it_works_at_start_and_every_hour_until_it_is_stopped() {
        let setup = setup(10).await;
        let stop = CancellationToken::new();
        let mut task = pin!(setup.maintenance(Some(3)).run(stop.clone()));
        // The clock of the runtime stands still and jumps to whatever is waited for next.
        timeout(INTERVAL / 2, &mut task).await.unwrap_err();
        assert_eq!(setup.rows().await, 4);
        // Away for one pass, and back for the next.
        setup.clock.advance(time::Duration::days(1));
        setup.store.seen().away_after = Some(0);
        timeout(INTERVAL, &mut task).await.unwrap_err();
        setup.store.seen().away_after = None;
        assert_eq!(setup.rows().await, 4);
        timeout(INTERVAL, &mut task).await.unwrap_err();
        assert_eq!(setup.rows().await, 3);
        stop.cancel();
        task.await;
    }
}

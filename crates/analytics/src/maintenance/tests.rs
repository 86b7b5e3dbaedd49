//! Tests of maintenance on a store in memory, with manual clocks.

mod deleted_links;

use std::collections::BTreeSet;
use std::pin::pin;

use metrics_exporter_prometheus::PrometheusBuilder;
use time::macros::date;
use tokio::time::timeout;
use waypost_core::{Click, Clock as _, JournalId, Link, ManualClock, Salt, SeededRandom, Session};
use waypost_store::{
    AuditQuery, AuditStore as _, ClickBatch, ClickStore as _, Dropped, JournalClaim, JournalNote,
    JournalStore as _, LeaseStore as _, LinkEdit, LinkStore as _, LinkUpdate, SaltStore as _,
    SessionStore as _, StatsStore as _, UserStore as _,
};
use waypost_store_testkit::samples::{FAR_FUTURE, Samples};

use super::turn::{LEASE, LEASE_TIME, PATIENCE, SLOW_PAUSE};
use super::*;
use crate::rig::Rig;
use crate::witness::{NEWEST, Witness};

struct Setup {
    store: Arc<Witness>,
    link: Link,
    clock: Arc<ManualClock>,
    salts: Arc<DailySalts>,
    rig: Rig,
}

async fn setup(clicks: u32) -> Setup {
    let (store, link) = Witness::with_clicks(clicks).await;
    let random = Arc::new(SeededRandom::new(1));
    let rig = Rig::new(store.clone());
    Setup {
        clock: rig.clock.clone(),
        salts: Arc::new(DailySalts::new(store.clone(), random, Zone::utc())),
        store,
        link,
        rig,
    }
}

/// Returns a different process for each number.
fn holder(number: u64) -> LeaseHolder {
    LeaseHolder::new(NEWEST, &SeededRandom::new(number))
}

impl Setup {
    fn parts(&self, retention_days: Option<u32>) -> MaintenanceParts {
        MaintenanceParts {
            store: self.store.clone(),
            clock: Arc::new(DatabaseClock::new(self.store.clone(), self.clock.clone())),
            salts: self.salts.clone(),
            journal: self.rig.journal.clone(),
            zone: Zone::utc(),
            holder: holder(1),
            retention_days,
            deleted_link_days: 30,
            audit_days: 365,
            random: Arc::new(SeededRandom::new(9)),
        }
    }

    fn maintenance(&self, retention_days: Option<u32>) -> Maintenance {
        Maintenance::new(self.parts(retention_days))
    }

    /// Advances the clocks of the server and of the database.
    fn advance(&self, by: time::Duration) {
        self.clock.advance(by);
        self.store.clock.advance(by);
    }

    /// Deletes a link now, so that it can be restored.
    async fn delete(&self, link: &Link) {
        let update = LinkUpdate {
            link: link.id,
            version: link.version,
            by: None,
            at: self.clock.now(),
            edit: LinkEdit::Delete,
        };
        self.store.update_link(&update).await.unwrap();
    }

    /// Returns the details of the audit trail.
    async fn purges(&self) -> Vec<String> {
        let (event, user, after, limit) = (None, None, None, 10);
        let newest = AuditQuery {
            event,
            user,
            after,
            limit,
        };
        let told = self.store.audit_entries(&newest).await.unwrap();
        told.iter().map(|entry| entry.detail.to_string()).collect()
    }

    async fn rows(&self) -> u64 {
        self.store.clicks_before(FAR_FUTURE.into()).await.unwrap()
    }

    /// Takes the lease for another process, if it is free.
    async fn take_lease(&self) -> bool {
        let now = self.store.clock.now();
        let taken = self
            .store
            .take_lease(LEASE, holder(2), now, now + LEASE_TIME);
        taken.await.unwrap()
    }
}

#[tokio::test]
async fn a_salt_is_destroyed_two_days_after_its_day_began() {
    let setup = setup(0).await;
    let maintenance = setup.maintenance(None);
    let salt = setup.salts.of(date!(2026 - 03 - 01)).await.unwrap();
    setup.advance(time::Duration::hours(24));
    let nothing = Pass {
        had_turn: true,
        ..Pass::default()
    };
    assert_eq!(maintenance.run_once().await, nothing);
    setup.advance(time::Duration::hours(1));
    let pass = maintenance.run_once().await;
    assert_eq!(pass.salts_destroyed, 1);
    assert_ne!(setup.salts.of(date!(2026 - 03 - 01)).await.unwrap(), salt);
}

#[tokio::test(start_paused = true)]
async fn clicks_are_kept_unless_a_retention_is_set() {
    let prometheus = PrometheusBuilder::new().build_recorder();
    let _installed = ::metrics::set_default_local_recorder(&prometheus);
    let setup = setup(10).await;
    setup.maintenance(None).run_once().await;
    assert_eq!(setup.rows().await, 10);
    let pass = setup.maintenance(Some(3)).run_once().await;
    // The click of exactly three days ago is not older than that.
    assert_eq!(pass.clicks_purged, 6);
    assert_eq!(setup.rows().await, 4);
    let told = prometheus.handle().render();
    assert!(told.contains("waypost_clicks_purged_total 6"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn ids_of_clicks_without_a_record_are_deleted_after_a_month() {
    let mut setup = setup(0).await;
    setup.rig.records_per_day = Some(1);
    let maintenance = setup.maintenance(None);
    let clicks = setup.rig.clicks(&setup.link, 4);
    let mut ingester = setup.rig.ingester().await;
    while setup.rig.journal.pending() > 0 {
        ingester.step().await;
    }
    setup.advance(time::Duration::days(30));
    assert_eq!(maintenance.run_once().await.click_ids_purged, 0);
    assert_eq!(setup.store.stored_clicks(&clicks).await.unwrap(), clicks);
    setup.advance(time::Duration::SECOND);
    let pass = maintenance.run_once().await;
    assert_eq!((pass.click_ids_purged, pass.failures), (3, 0));
    // The record stays, and so do the numbers.
    let known = setup.store.stored_clicks(&clicks).await.unwrap();
    assert_eq!(known, clicks[..1]);
    assert_eq!(setup.store.total(&setup.link).await, 4);
}

#[tokio::test(start_paused = true)]
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
    setup.advance(time::Duration::days(30));
    assert_eq!(maintenance.run_once().await.sessions_deleted, 0);
    setup.advance(time::Duration::SECOND);
    assert_eq!(maintenance.run_once().await.sessions_deleted, 1);
}

#[tokio::test(start_paused = true)]
async fn visitors_are_told_apart_until_three_days_after_their_day() {
    let setup = setup(0).await;
    let samples = Samples::new(1);
    let of_day = |days| samples.click_at(&setup.link, NEWEST - time::Duration::days(days));
    let (kept, forgotten) = (of_day(3), of_day(4));
    let first = [kept.clone(), forgotten.clone()];
    setup.store.record_clicks(&first).await.unwrap();
    let pass = setup.maintenance(None).run_once().await;
    assert_eq!((pass.visitors_purged, pass.failures), (1, 0));

    // Both visitors return, in clicks that are stored late.
    let again = |click: &Click| Click {
        id: samples.click(&setup.link).id,
        ..click.clone()
    };
    let late = [again(&kept), again(&forgotten)];
    setup.store.record_clicks(&late).await.unwrap();
    let days = setup
        .store
        .link_days(setup.link.id, forgotten.day, kept.day);
    let visitors: Vec<u64> = days.await.unwrap().iter().map(|day| day.visitors).collect();
    assert_eq!(visitors, [2, 1]);
}

/// The state of a journal decides whether it is forgotten, not only its age.
#[tokio::test(start_paused = true)]
async fn settled_journals_are_forgotten_thirty_days_after_they_were_last_seen() {
    let setup = setup(0).await;
    let maintenance = setup.maintenance(None);
    let samples = Samples::new(1);
    let store = &*setup.store;
    let at = setup.clock.now();
    let take = async |retry_of, accepted| {
        let (id, owner) = (samples.journal(), samples.owner());
        let claim = JournalClaim {
            retry_of,
            ..JournalClaim::new(id, owner, 0, at)
        };
        store.take_journal(&claim).await.unwrap();
        if let Some(accepted) = accepted {
            let note = JournalNote {
                journal: id,
                owner,
                accepted,
                pending_since: None,
                ends: false,
                at,
            };
            assert!(store.note_journal(&note).await.unwrap());
        }
        (id, owner)
    };
    let (settled, _) = take(None, Some(0)).await;
    let (pending, _) = take(None, Some(1)).await;
    let (silent, _) = take(None, None).await;
    let (retry_of_pending, _) = take(Some(pending), Some(0)).await;
    let (lossy, owner) = take(None, Some(1)).await;
    let lost = ClickBatch {
        journal: lossy,
        owner,
        start: 0,
        clicks: Vec::new(),
        dropped: Dropped {
            lost: 1,
            ..Dropped::default()
        },
        duplicates: 0,
        records: waypost_store::KeptRecords::All,
    };
    store.ingest(Arc::new(lost), at).await.unwrap();
    setup.rig.ingester().await;
    setup.advance(time::Duration::days(30));
    assert_eq!(maintenance.run_once().await.journals_forgotten, 0);
    setup.advance(time::Duration::SECOND);
    assert_eq!(maintenance.run_once().await.journals_forgotten, 1);
    let known = store.journals().await.unwrap();
    let known: BTreeSet<JournalId> = known.iter().map(|record| record.id).collect();
    let own = setup.rig.journal.id();
    assert!(!known.contains(&settled));
    assert_eq!(
        known,
        BTreeSet::from([pending, silent, retry_of_pending, lossy, own])
    );
    assert_eq!(maintenance.run_once().await.journals_forgotten, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_no_end() {
    let setup = setup(10).await;
    let maintenance = setup.maintenance(Some(3));
    // Failures of: the time; salts and the lease; with the lease, everything after it.
    for (succeed, failures) in [(0, 1), (1, 2), (5, 3)] {
        setup.store.seen().away_after = Some(succeed);
        assert_eq!(maintenance.run_once().await.failures, failures);
    }
    setup.store.seen().away_after = None;
    let pass = maintenance.run_once().await;
    assert_eq!((pass.failures, pass.clicks_purged), (0, 6));
}

#[tokio::test(start_paused = true)]
async fn it_works_at_start_and_every_hour_until_it_is_stopped() {
    let setup = setup(10).await;
    let stop = CancellationToken::new();
    let mut task = pin!(setup.maintenance(Some(3)).run(stop.clone()));
    // The paused clock of the runtime jumps to the next timer.
    timeout(INTERVAL / 2, &mut task).await.unwrap_err();
    assert_eq!(setup.rows().await, 4);
    // The store is unavailable for one pass and available for the next.
    setup.advance(time::Duration::days(1));
    setup.store.seen().away_after = Some(0);
    timeout(INTERVAL, &mut task).await.unwrap_err();
    setup.store.seen().away_after = None;
    assert_eq!(setup.rows().await, 4);
    timeout(INTERVAL, &mut task).await.unwrap_err();
    assert_eq!(setup.rows().await, 3);
    stop.cancel();
    task.await;
}

#[tokio::test(start_paused = true)]
async fn one_node_deletes_and_every_node_destroys_salts() {
    let setup = setup(10).await;
    setup.salts.of(date!(2026 - 02 - 01)).await.unwrap();
    assert!(setup.take_lease().await);
    let pass = setup.maintenance(Some(3)).run_once().await;
    let only_salts = Pass {
        salts_destroyed: 1,
        ..Pass::default()
    };
    assert_eq!(pass, only_salts);
    assert_eq!(setup.rows().await, 10);

    // The other process crashed.
    setup.advance(LEASE_TIME);
    let pass = setup.maintenance(Some(3)).run_once().await;
    assert_eq!((pass.had_turn, pass.clicks_purged), (true, 7));
    // The lease is released after the pass.
    assert!(setup.take_lease().await);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_between_batches_for_as_long_as_it_takes() {
    let setup = setup(0).await;
    let (parts, stop) = (setup.parts(None), CancellationToken::new());
    let mut turn = Turn::take(&parts, &stop).await.unwrap().unwrap();
    for _ in 0..10 {
        setup.advance(time::Duration::minutes(2));
        assert!(turn.next().await.unwrap());
        assert!(!setup.take_lease().await);
    }
    // The process is delayed for so long that another server takes the lease.
    setup.advance(LEASE_TIME);
    assert!(setup.take_lease().await);
    assert!(!turn.next().await.unwrap());
    // It does not release a lease that it no longer holds.
    turn.end().await;
    let again = Turn::take(&parts, &stop).await.unwrap();
    assert!(again.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_clicks_wait() {
    let setup = setup(10).await;
    let maintenance = setup.maintenance(Some(3));
    setup.rig.clicks(&setup.link, 1_001);
    let mut pass = pin!(maintenance.run_once());
    timeout(PATIENCE / 2, &mut pass).await.unwrap_err();
    assert_eq!(setup.rows().await, 10);
    let mut ingester = setup.rig.ingester().await;
    while setup.rig.journal.pending() > 0 {
        ingester.step().await;
    }
    let began = Instant::now();
    assert_eq!(pass.await.clicks_purged, 6);
    assert!(began.elapsed() < SLOW_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_click_that_has_waited_for_more_than_a_second_is_load() {
    let setup = setup(10).await;
    let maintenance = setup.maintenance(Some(3));
    setup.rig.clicks(&setup.link, 1);
    setup.advance(time::Duration::milliseconds(900));
    let began = Instant::now();
    assert_eq!(maintenance.run_once().await.failures, 0);
    assert!(began.elapsed() < SLOW_PAUSE);
    setup.advance(time::Duration::milliseconds(110));
    let mut pass = pin!(maintenance.run_once());
    timeout(PATIENCE / 2, &mut pass).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn under_load_that_does_not_end_old_clicks_go_slowly() {
    let setup = setup(10).await;
    setup.rig.clicks(&setup.link, 1_001);
    let began = Instant::now();
    let pass = setup.maintenance(Some(3)).run_once().await;
    assert_eq!(pass.clicks_purged, 6);
    // Changes, sessions, visitors, IDs, the audit trail, clicks, and clicks again: all but the first
    // are slow.
    let elapsed = began.elapsed();
    assert!(elapsed >= PATIENCE + SLOW_PAUSE * 6, "{elapsed:?}");
    assert!(elapsed < PATIENCE * 2, "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_does_not_wait_for_the_load_to_end() {
    let setup = setup(10).await;
    setup.rig.clicks(&setup.link, 1_001);
    let stop = CancellationToken::new();
    let mut task = pin!(setup.maintenance(Some(3)).run(stop.clone()));
    timeout(PATIENCE / 2, &mut task).await.unwrap_err();
    stop.cancel();
    let began = Instant::now();
    task.await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(setup.take_lease().await, "the lease is released");
}

#[tokio::test(start_paused = true)]
async fn one_clock_that_is_wrong_by_days_deletes_nothing() {
    const DAYS: time::Duration = time::Duration::days(400);
    for (node, database) in [(DAYS, 0), (-DAYS, 0), (time::Duration::ZERO, 400)] {
        let setup = setup(10).await;
        let today = NEWEST.date();
        let salt = setup.salts.of(today).await.unwrap();
        setup.clock.advance(node);
        setup.store.clock.advance(time::Duration::days(database));
        let maintenance = setup.maintenance(Some(3));
        let differ = Pass {
            clocks_differ: true,
            ..Pass::default()
        };
        assert_eq!(maintenance.run_once().await, differ);
        assert_eq!(setup.rows().await, 10);
        let kept = setup.store.salt(today, &salt_of_zeros()).await;
        assert_eq!(kept.unwrap(), salt);
        assert!(setup.take_lease().await, "the lease is free for others");

        setup.clock.advance(-node);
        setup.store.clock.advance(-time::Duration::days(database));
        setup.advance(LEASE_TIME + time::Duration::SECOND);
        assert_eq!(maintenance.run_once().await.clicks_purged, 7);
    }
}

fn salt_of_zeros() -> Salt {
    Salt::from_bytes([0; 32])
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_all_clicks_are_not_purged_at_once() {
    let setup = setup(250).await;
    let maintenance = setup.maintenance(Some(123));
    for _ in 0..2 {
        let pass = maintenance.run_once().await;
        assert_eq!((pass.clicks_purged, pass.failures), (0, 1));
    }
    assert_eq!(setup.rows().await, 250);
    // Both clocks are ahead, which cannot be detected.
    setup.advance(time::Duration::days(400));
    assert_eq!(setup.maintenance(Some(365)).run_once().await.failures, 1);
    assert_eq!(setup.rows().await, 250);
    setup.advance(-time::Duration::days(400));
    // Half of them may be purged.
    let pass = setup.maintenance(Some(124)).run_once().await;
    assert_eq!((pass.clicks_purged, pass.failures), (125, 0));
    assert_eq!(setup.rows().await, 125);
}

#[tokio::test(start_paused = true)]
async fn few_clicks_are_purged_whatever_share_they_are() {
    let setup = setup(101).await;
    let pass = setup.maintenance(Some(0)).run_once().await;
    assert_eq!((pass.clicks_purged, pass.failures), (100, 0));
}

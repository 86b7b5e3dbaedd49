//! A clock between two clocks that the tests set: that of a node and that of a database.

use std::sync::atomic::{AtomicBool, AtomicU64};

use async_trait::async_trait;
use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use time::macros::datetime;
use waypost_core::ManualClock;
use waypost_store_testkit::log::Log;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
/// The size of a clock error, for example a wrong year.
const DAYS: Duration = Duration::days(400);

/// A database that takes time to answer, half of it before it reads its clock.
struct Database {
    clock: ManualClock,
    /// The time an answer takes, in milliseconds.
    takes: AtomicU64,
    is_away: AtomicBool,
}

#[async_trait]
impl TimeStore for Database {
    async fn database_time(&self) -> Result<OffsetDateTime, StoreError> {
        let half = StdDuration::from_millis(self.takes.load(Ordering::SeqCst) / 2);
        tokio::time::sleep(half).await;
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("away"));
        }
        let told = self.clock.now();
        tokio::time::sleep(half).await;
        Ok(told)
    }
}

struct Setup {
    database: Arc<Database>,
    node: Arc<ManualClock>,
    clock: DatabaseClock,
}

/// Creates a node whose clock is ahead by `ahead`.
fn setup(ahead: Duration) -> Setup {
    let database = Arc::new(Database {
        clock: ManualClock::new(NOW),
        takes: AtomicU64::new(0),
        is_away: AtomicBool::new(false),
    });
    let node = Arc::new(ManualClock::new(NOW + ahead));
    Setup {
        clock: DatabaseClock::new(database.clone(), node.clone()),
        database,
        node,
    }
}

impl Setup {
    /// Lets time pass on all clocks.
    async fn pass(&self, time: Duration) {
        self.database.clock.advance(time);
        self.node.advance(time);
        tokio::time::advance(time.unsigned_abs()).await;
    }

    async fn measure(&self) {
        self.clock.measure().await.unwrap();
    }

    async fn agreed(&self) -> Option<OffsetDateTime> {
        self.clock.agreed().await.unwrap()
    }

    fn difference(&self) -> Duration {
        self.clock.skew().unwrap().difference()
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_first_measurement_the_time_is_that_of_the_node() {
    let setup = setup(DAYS);
    assert_eq!(setup.clock.now(), NOW + DAYS);
    assert_eq!(setup.clock.skew(), None);
    setup.database.is_away.store(true, Ordering::SeqCst);
    setup.clock.agreed().await.unwrap_err();
    assert_eq!(setup.clock.now(), NOW + DAYS);
    assert_eq!(setup.clock.skew(), None);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_clock_is_wrong_by_days_goes_by_the_database() {
    for ahead in [DAYS, -DAYS] {
        let setup = setup(ahead);
        setup.measure().await;
        assert!((setup.clock.now() - NOW).abs() <= RESOLUTION);
        assert_eq!(setup.agreed().await, None);
        assert!((setup.difference() - ahead).abs() <= RESOLUTION);
        assert!(setup.clock.skew().unwrap().is_excessive());
    }
}

#[tokio::test(start_paused = true)]
async fn time_goes_on_between_measurements_however_the_nodes_clock_is_set() {
    let setup = setup(Duration::ZERO);
    setup.measure().await;
    setup.pass(Duration::hours(3)).await;
    assert_eq!(setup.clock.now(), NOW + Duration::hours(3));
    assert_eq!(setup.agreed().await, Some(NOW + Duration::hours(3)));
    for set in [DAYS, -DAYS - DAYS] {
        setup.node.advance(set);
        assert_eq!(setup.clock.now(), NOW + Duration::hours(3));
        assert!(setup.clock.skew().unwrap().is_excessive());
        assert_eq!(setup.agreed().await, None);
    }
    setup.database.is_away.store(true, Ordering::SeqCst);
    setup.clock.measure().await.unwrap_err();
    assert_eq!(setup.clock.now(), NOW + Duration::hours(3));
}

#[tokio::test(start_paused = true)]
async fn clocks_agree_up_to_five_minutes() {
    let micro = Duration::MICROSECOND;
    for (ahead, agreed) in [
        (MAX_SKEW, true),
        (MAX_SKEW + micro, false),
        (-MAX_SKEW, true),
        (-MAX_SKEW - micro, false),
    ] {
        let setup = setup(Duration::ZERO);
        setup.measure().await;
        setup.node.advance(ahead);
        assert_eq!(setup.difference(), ahead);
        assert_eq!(setup.agreed().await.is_some(), agreed, "{ahead}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_whose_clock_is_set_is_followed_and_not_agreed_with() {
    let setup = setup(Duration::ZERO);
    setup.measure().await;
    setup.database.clock.advance(DAYS);
    setup.measure().await;
    assert!((setup.clock.now() - (NOW + DAYS)).abs() <= RESOLUTION);
    assert_eq!(setup.agreed().await, None);
    setup.database.clock.advance(-DAYS);
    setup.measure().await;
    assert!((setup.clock.now() - NOW).abs() <= RESOLUTION);
    assert!(setup.agreed().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_corrects_no_more_than_is_certain() {
    let setup = setup(Duration::ZERO);
    setup.measure().await;
    let slow = Duration::seconds(2);
    setup.database.takes.store(2_000, Ordering::SeqCst);
    // The clock of the database stands still meanwhile: its time is at most a second before the
    // middle.
    setup.measure().await;
    assert_eq!(setup.clock.now(), NOW + slow);

    setup.database.clock.advance(Duration::minutes(1));
    setup.measure().await;
    // One minute from the middle of a two-second answer; the least difference that this leaves
    // possible.
    let least = NOW + Duration::minutes(1) - RESOLUTION;
    assert_eq!(setup.clock.now(), least);
    setup.database.takes.store(0, Ordering::SeqCst);
    setup.measure().await;
    assert_eq!(setup.clock.now(), least);
}

#[tokio::test(start_paused = true)]
async fn clocks_that_part_are_one_error_in_the_log_and_one_line_when_they_agree_again() {
    let log = Log::default();
    let _guard = log.install();
    let prometheus = PrometheusBuilder::new().build_recorder();
    let _installed = ::metrics::set_default_local_recorder(&prometheus);
    let shown = || prometheus.handle().render();
    let setup = setup(Duration::ZERO);
    setup.measure().await;
    assert_eq!(log.text(), "");
    for round in 1..=2 {
        setup.node.advance(DAYS);
        for _ in 0..3 {
            setup.measure().await;
        }
        assert_eq!(log.count("ERROR"), round, "{}", log.text());
        assert!(shown().contains("waypost_clock_skew_seconds 34560000\n"));
        setup.node.advance(-DAYS - Duration::minutes(1));
        for _ in 0..3 {
            setup.measure().await;
        }
        assert_eq!(log.count("INFO"), round, "{}", log.text());
        assert!(shown().contains("waypost_clock_skew_seconds -60\n"));
        setup.node.advance(Duration::minutes(1));
    }
    assert!(
        log.text().contains("skew_seconds=34560000"),
        "{}",
        log.text()
    );
}

proptest! {
    /// Holds for any delay before and after the database reads its clock, and any number of
    /// measurements.
    #[test]
    fn the_time_is_never_further_off_than_the_answer_was_slow(
        ahead in -1_000_000_000_i64..1_000_000_000,
        answers in prop::collection::vec((0_u64..3_000, 0_u64..3_000, 0_u64..10_000), 1..20),
    ) {
        let setup = setup(Duration::milliseconds(ahead));
        let mut passed = 0;
        let moment = |ms| setup.clock.started + StdDuration::from_millis(ms);
        let real = |ms| NOW + StdDuration::from_millis(ms);
        let mut best = Duration::MAX;
        for (before, after, pause) in answers {
            let answered = passed + before + after;
            let half = StdDuration::from_millis(before + after) / 2;
            let middle = moment(passed) + half;
            let local = real(passed) + half + Duration::milliseconds(ahead);
            setup.clock.note(real(passed + before), half, middle, local);
            // Both the true time and the clock lie within this range.
            best = best.min((RESOLUTION + half) * 2);
            let off = setup.clock.time_at(moment(answered)).unwrap() - real(answered);
            prop_assert!(off.abs() <= best, "{off} with answers within {best}");
            passed = answered + pause;
        }
    }
}

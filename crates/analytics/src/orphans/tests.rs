//! Tests of collecting orphan paths, on a store in memory that can become unavailable.

use std::net::Ipv4Addr;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use time::macros::{date, datetime};
use waypost_core::ManualClock;
use waypost_store::{MemoryStore, OrphanQuery, OrphanStore as _};
use waypost_store_testkit::failing::{FailingStore, Operation};

use super::*;
use crate::metrics;
use crate::visit::HeaderList;

const NOW: OffsetDateTime = datetime!(2026-03-01 22:59 UTC);
const BROWSER: (&str, &str) = (
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);

struct Setup {
    store: Arc<FailingStore<MemoryStore>>,
    clock: Arc<ManualClock>,
    /// The clock of the database.
    of_database: Arc<ManualClock>,
    orphans: Orphans,
    prometheus: PrometheusRecorder,
}

fn setup() -> Setup {
    let prometheus = PrometheusBuilder::new().build_recorder();
    let (clock, of_database) = (ManualClock::new(NOW), ManualClock::new(NOW));
    let (clock, of_database) = (Arc::new(clock), Arc::new(of_database));
    let memory = Arc::new(MemoryStore::with_clock(of_database.clone()));
    let store = Arc::new(FailingStore::new(memory, 1));
    let parts = OrphansParts {
        store: store.clone(),
        clock: Arc::new(DatabaseClock::new(store.clone(), clock.clone())),
        zone: "Europe/Berlin".parse().unwrap(),
        is_human: Box::new(|agent| agent != Some("robot")),
    };
    Setup {
        orphans: ::metrics::with_local_recorder(&prometheus, || {
            metrics::describe();
            Orphans::new(parts)
        }),
        store,
        clock,
        of_database,
        prometheus,
    }
}

impl Setup {
    fn try_with(&self, visitor: u8, path: &str, headers: &[(&'static str, &str)]) {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, visitor));
        let headers = HeaderList::new(headers);
        self.orphans.note(path, &headers, || Some(address));
    }

    fn browse(&self, visitor: u8, path: &str) {
        self.try_with(visitor, path, &[BROWSER, ("user-agent", "Mozilla/5.0")]);
    }

    async fn listed(&self, from: Date, to: Date) -> Vec<(String, u64)> {
        let query = OrphanQuery {
            from,
            to,
            after: None,
            limit: 1_000,
        };
        let orphans = self.store.inner().orphans(&query).await.unwrap();
        let listed = orphans.iter().map(|it| (it.path.to_string(), it.hits));
        listed.collect()
    }

    async fn all(&self) -> Vec<(String, u64)> {
        self.listed(date!(2025 - 01 - 01), date!(2027 - 01 - 01))
            .await
    }

    /// Advances the clocks of the server and of the database.
    fn advance(&self, by: time::Duration) {
        self.clock.advance(by);
        self.of_database.advance(by);
    }

    #[track_caller]
    fn shows(&self, line: &str) {
        let text = self.prometheus.handle().render();
        assert!(text.lines().any(|given| given == line), "{line} in\n{text}");
    }
}

fn one(path: &str, hits: u64) -> Vec<(String, u64)> {
    vec![(path.to_owned(), hits)]
}

#[tokio::test]
async fn what_people_try_is_counted_by_the_day_of_the_zone_and_by_path() {
    let setup = setup();
    setup.browse(1, "/Wiki");
    setup.browse(2, "/wiki/");
    setup.clock.advance(time::Duration::MINUTE);
    setup.browse(1, "/wiki");
    assert_eq!(setup.orphans.today(), date!(2026 - 03 - 02));
    setup.orphans.settle().await;
    let first = date!(2026 - 03 - 01);
    assert_eq!(setup.listed(first, first).await, one("wiki", 2));
    assert_eq!(setup.all().await, one("wiki", 3));
    setup.shows("waypost_orphans_recorded_total 3");
    setup.orphans.settle().await;
    assert_eq!(setup.all().await, one("wiki", 3));
}

#[tokio::test]
async fn what_no_person_tries_is_only_counted_as_such() {
    let setup = setup();
    setup.browse(1, "/wp-login.php");
    setup.browse(1, "/");
    for headers in [
        &[("accept", "*/*")][..],
        &[("accept", "application/json")],
        &[],
    ] {
        setup.try_with(1, "/wiki", headers);
    }
    setup.try_with(1, "/wiki", &[BROWSER, ("user-agent", "robot")]);
    setup.try_with(2, "/wiki", &[BROWSER]);
    setup.orphans.write().await.unwrap();
    assert_eq!(setup.all().await, one("wiki", 1));
    for (reason, number) in [
        ("not_a_code", 2),
        ("not_a_person", 4),
        ("scanner", 0),
        ("full", 0),
    ] {
        setup.shows(&format!(
            "waypost_orphans_ignored_total{{reason=\"{reason}\"}} {number}"
        ));
    }
}

#[tokio::test]
async fn of_a_scanner_nothing_is_counted_that_is_not_written_yet() {
    let setup = setup();
    setup.browse(2, "/wiki");
    for number in 0..100 {
        setup.browse(1, &format!("/guess-{number}"));
    }
    setup.orphans.write().await.unwrap();
    assert_eq!(setup.all().await, one("wiki", 1));
    setup.shows("waypost_orphans_recorded_total 1");
    setup.shows("waypost_orphans_ignored_total{reason=\"scanner\"} 100");
}

#[tokio::test]
async fn while_the_database_is_unavailable_requests_are_kept_up_to_a_limit() {
    let setup = setup();
    setup.store.set_down(true);
    setup.browse(1, "/wiki");
    assert!(setup.orphans.write().await.is_err());
    setup.orphans.settle().await;
    for number in 0..1_000_u32 {
        let [_, _, high, low] = (number / 10).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(198, 51, high, low));
        let headers = HeaderList::new(&[BROWSER]);
        let path = format!("/word-{number}");
        setup.orphans.note(&path, &headers, || Some(address));
    }
    assert!(setup.orphans.write().await.is_err());
    setup.browse(1, "/wiki");
    setup.shows("waypost_orphans_recorded_total 0");
    setup.store.set_down(false);
    setup.orphans.write().await.unwrap();
    let all = setup.all().await;
    assert_eq!((all.len(), &all[0]), (1_000, &("wiki".to_owned(), 2)));
    setup.shows("waypost_orphans_recorded_total 1001");
    setup.shows("waypost_orphans_ignored_total{reason=\"full\"} 1");
}

#[tokio::test]
async fn a_day_has_room_for_a_thousand_paths() {
    let setup = setup();
    for number in 0..1_002_u32 {
        setup.browse(
            u8::try_from(number / 10).unwrap(),
            &format!("/word-{number}"),
        );
        if number == 500 {
            setup.orphans.write().await.unwrap();
        }
    }
    setup.orphans.write().await.unwrap();
    assert_eq!(setup.all().await.len(), 1_000);
    setup.shows("waypost_orphans_ignored_total{reason=\"full\"} 2");
}

#[tokio::test(start_paused = true)]
async fn sums_are_written_every_ten_seconds_and_at_the_end() {
    let setup = setup();
    let stop = CancellationToken::new();
    let running = tokio::spawn(setup.orphans.clone().run(stop.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    setup.browse(1, "/wiki");
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(setup.all().await, []);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(setup.all().await, one("wiki", 1));
    setup.browse(1, "/wiki");
    stop.cancel();
    running.await.unwrap();
    assert_eq!(setup.all().await, one("wiki", 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_ninety_days_is_deleted_every_hour() {
    let setup = setup();
    let stop = CancellationToken::new();
    let running = tokio::spawn(setup.orphans.clone().run(stop.clone()));
    setup.browse(1, "/wiki");
    tokio::time::sleep(Duration::from_secs(11)).await;
    // In summer, when the days of the zone begin an hour earlier.
    setup.advance(time::Duration::days(89));
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(setup.all().await, one("wiki", 1));
    setup.advance(time::Duration::days(1));
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(setup.all().await, []);
    assert_eq!(setup.store.failures(Operation::PurgeOrphans), 0);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_the_clocks_of_node_and_database_are_apart() {
    let stop = CancellationToken::new();
    for node_is_wrong in [true, false] {
        let setup = setup();
        setup.browse(1, "/wiki");
        setup.orphans.write().await.unwrap();
        let (wrong, right) = if node_is_wrong {
            (&setup.clock, &setup.of_database)
        } else {
            (&setup.of_database, &setup.clock)
        };
        wrong.advance(time::Duration::days(400));
        setup.orphans.purge(&stop).await;
        assert_eq!(setup.all().await, one("wiki", 1));
        right.advance(time::Duration::days(400));
        setup.orphans.purge(&stop).await;
        assert_eq!(setup.all().await, []);
    }
}

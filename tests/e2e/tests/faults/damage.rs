//! The disk damaged what was on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use waypost_e2e::load::{Expected, Load};
use waypost_test_harness::{DatabaseProxy, Kind, ServerProcess, TestDatabase};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, dropped, durability, links_of, redirects, report, sums,
    verify,
};

/// A server that was killed while its database was away.
struct Killed {
    database: TestDatabase,
    proxy: DatabaseProxy,
    server: ServerProcess,
    expected: BTreeMap<String, Expected>,
    /// The files of its journal, oldest first.
    segments: Vec<PathBuf>,
}

/// A server that is killed with so many clicks in its journal.
async fn killed_with(clicks: u64) -> Killed {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal")
        .env("WAYPOST_DATABASE_URL", proxy.url())
        // Segments of 128 KiB.
        .env("WAYPOST_JOURNAL_MAX_MB", "1");
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = links_of(&server, 3).await;
    let load = Load::start(&server, &codes, CLIENTS);
    redirects(&load, 50).await;
    proxy.cut().await;
    redirects(&load, clicks).await;
    let expected = load.stop().await;
    let (least, most) = sums(&expected);
    assert_eq!(least, most, "no request failed");
    tokio::task::block_in_place(|| server.kill());
    let journal = fs::read_dir(server.data_dir().path().join("journal")).unwrap();
    let mut segments: Vec<_> = journal
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "clicks"))
        .collect();
    segments.sort();
    Killed {
        database,
        proxy,
        server,
        expected,
        segments,
    }
}

impl Killed {
    async fn start_again(&mut self) {
        self.proxy.restore();
        tokio::task::block_in_place(|| self.server.restart());
        drained(&self.server).await;
    }

    /// Every click is stored, or counted as one that cannot be read: of those there are some.
    async fn assert_the_rest_is_stored(&self, what: &str) {
        let Self {
            database, server, ..
        } = self;
        let output = server.output();
        assert!(output.contains("is damaged"), "{output}");
        let unreadable = dropped(server, "unreadable").await;
        assert!(unreadable > 0.5, "{output}");
        let stored = database.number("select count(*) from link_clicks").await;
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        let accounted = stored + unreadable as i64;
        let (received, _) = sums(&self.expected);
        assert_eq!(accounted, received, "{output}");
        let verified = verify(database, server);
        assert_eq!(verified["agrees"], true, "{verified}");
        let journal = &verified["journals"][0];
        assert_eq!(journal["stored"], stored, "{verified}");
        assert_eq!(
            journal["dropped"]["unreadable"].as_f64(),
            Some(unreadable),
            "{verified}"
        );
        report(format_args!(
            "{what}: {received} redirects = {stored} stored + {unreadable} unreadable and counted"
        ));
    }
}

/// Flips a bit in a file, at so many thousandths of its length.
fn flip(path: &PathBuf, per_mille: usize) {
    let mut bytes = fs::read(path).unwrap();
    let index = bytes.len() * per_mille / 1_000;
    bytes[index] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// Flips a bit of the user agent in one of the first records of a segment. In the length of a record it would hide
/// where the next one begins: then nothing tells that from a torn record.
fn flip_in_a_record(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let agent = b"load/1.0";
    let mut places = bytes.windows(agent.len()).enumerate();
    let of_agent = places.by_ref().filter(|(_, window)| *window == agent);
    let (index, _) = of_agent.take(10).last().expect("a record");
    bytes[index] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_segment_costs_only_the_clicks_behind_the_damage() {
    let mut killed = killed_with(2_500).await;
    assert!(killed.segments.len() > 2, "{:?}", killed.segments);
    flip(&killed.segments[1], 500);
    killed.start_again().await;
    killed.assert_the_rest_is_stored("a damaged segment").await;
}

/// It is the one that was written to, and what is behind the damage is no torn record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_in_the_last_segment_is_counted_too() {
    let mut killed = killed_with(1_000).await;
    flip_in_a_record(killed.segments.last().unwrap());
    killed.start_again().await;
    let what = "damage in the last segment";
    killed.assert_the_rest_is_stored(what).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_headers_cost_no_click() {
    let mut killed = killed_with(1_500).await;
    assert!(killed.segments.len() > 1, "{:?}", killed.segments);
    for segment in &killed.segments {
        flip(segment, 0);
    }
    killed.start_again().await;
    assert_exact(&killed.database, &killed.server, &killed.expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_record_at_the_end_is_cut_off() {
    let mut killed = killed_with(100).await;
    let segment = killed.segments.last().unwrap();
    let mut bytes = fs::read(segment).unwrap();
    let torn = bytes[bytes.len() - 60..].to_vec();
    bytes.extend_from_slice(&torn);
    fs::write(segment, bytes).unwrap();
    killed.start_again().await;
    killed
        .server
        .wait_for_output("cutting off a torn record", SOON);
    assert_exact(&killed.database, &killed.server, &killed.expected).await;
}

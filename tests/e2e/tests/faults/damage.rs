//! Damaged journals.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use waypost_e2e::load::{Expected, Load};
use waypost_test_harness::{DatabaseProxy, Kind, ServerProcess, TestDatabase};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, dropped, durability, redirects, report,
    resident_links_of, sums, verify,
};

/// A server that was killed while its database was unavailable.
struct Killed {
    database: TestDatabase,
    proxy: DatabaseProxy,
    server: ServerProcess,
    expected: BTreeMap<String, Expected>,
    /// The segments of its journal, oldest first.
    segments: Vec<PathBuf>,
}

/// Kills a server with this number of clicks in its journal.
async fn killed_with(clicks: u64) -> Killed {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal")
        .env("WAYPOST_DATABASE_URL", proxy.url())
        // Segments of 128 KiB.
        .env("WAYPOST_JOURNAL_MAX_MB", "1");
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = resident_links_of(&database, &server, 3).await;
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

    /// Asserts that every click is stored, except `damaged` clicks, which are counted as
    /// unreadable.
    async fn assert_the_rest_is_stored(&self, what: &str, damaged: i64) {
        let Self {
            database, server, ..
        } = self;
        let output = server.output();
        assert!(output.contains("journal segment damaged"), "{output}");
        let unreadable = dropped(server, "unreadable").await;
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        let counted = unreadable as i64;
        assert_eq!(counted, damaged, "{output}");
        let stored = database.number("select count(*) from link_clicks").await;
        let (received, _) = sums(&self.expected);
        assert_eq!(stored + damaged, received, "{output}");
        let verified = verify(database, server);
        assert_eq!(
            verified["agrees"], false,
            "the loss has not been accepted: {verified}"
        );
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

/// Flips a bit in a file, at a position in thousandths of its length.
fn flip(path: &PathBuf, per_mille: usize) {
    let mut bytes = fs::read(path).unwrap();
    let index = bytes.len() * per_mille / 1_000;
    bytes[index] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// Length of the header of a segment, and of the header of a record.
const HEADER: usize = 24;
const PREFIX: usize = 8;

/// Returns where the frames of a segment begin.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut frames = Vec::new();
    let mut at = HEADER;
    while let Some(length) = bytes.get(at..at + 4) {
        frames.push(at);
        let length = u32::from_le_bytes(length.try_into().unwrap());
        at += PREFIX + usize::try_from(length).unwrap();
    }
    frames
}

/// Flips bits in frames of a segment: `choose` gets their offsets, and returns the bytes and bits
/// to flip.
fn flip_in_frames<const N: usize>(
    path: &PathBuf,
    choose: impl FnOnce(&[usize]) -> [(usize, u8); N],
) {
    let mut bytes = fs::read(path).unwrap();
    let flips = choose(&frames(&bytes));
    for (at, mask) in flips {
        bytes[at] ^= mask;
    }
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_loses_only_its_click() {
    let mut killed = killed_with(2_500).await;
    assert!(killed.segments.len() > 2, "{:?}", killed.segments);
    flip(&killed.segments[1], 500);
    killed.start_again().await;
    let what = "a flipped bit";
    killed.assert_the_rest_is_stored(what, 1).await;
}

/// The length no longer tells where the next record starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_length_loses_only_its_click() {
    let mut killed = killed_with(2_500).await;
    assert!(killed.segments.len() > 2, "{:?}", killed.segments);
    // An impossible length, and one that is wrong by a byte.
    flip_in_frames(&killed.segments[0], |frames| {
        [(frames[frames.len() / 2] + 3, 0x40)]
    });
    flip_in_frames(&killed.segments[1], |frames| {
        [(frames[frames.len() / 2], 0x01)]
    });
    killed.start_again().await;
    let what = "damaged lengths";
    killed.assert_the_rest_is_stored(what, 2).await;
}

/// The last segment was being written. The data after the damage is not an incomplete record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_in_the_last_segment_is_counted_too() {
    let mut killed = killed_with(500).await;
    let last = killed.segments.last().unwrap();
    // The lengths of two frames, including the last one, and a byte of a record.
    flip_in_frames(last, |frames| {
        assert!(frames.len() > 5, "{frames:?}");
        let end = frames.last().unwrap();
        [
            (frames[1] + 3, 0x40),
            (frames[3] + 20, 0x40),
            (end + 1, 0x10),
        ]
    });
    killed.start_again().await;
    let what = "damage in the last segment";
    killed.assert_the_rest_is_stored(what, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_headers_lose_no_click() {
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
    // The beginning of a record.
    bytes.extend_from_within(HEADER..HEADER + 60);
    fs::write(segment, bytes).unwrap();
    killed.start_again().await;
    killed
        .server
        .wait_for_output("removing an incomplete record", SOON);
    assert_exact(&killed.database, &killed.server, &killed.expected).await;
}

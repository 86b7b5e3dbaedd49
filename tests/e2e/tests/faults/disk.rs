//! The disk of the journal is full or read-only, or the journal has reached its maximum size.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use waypost_e2e::load::Load;
use waypost_test_harness::{
    DatabaseProxy, Kind, ReadOnlyCover, ServerProcess, SmallDisk, TestDatabase, wait_until,
};

use crate::setup::{
    CLIENTS, SOON, drained, dropped, durability, redirects, report, resident_links_of, sums, verify,
};

/// Asserts that redirects continue while `reason` keeps clicks out of the journal, and that each
/// click is stored or dropped.
async fn redirects_go_on(
    database: &TestDatabase,
    server: &ServerProcess,
    reason: &str,
    begin: impl AsyncFnOnce(),
    end: impl AsyncFnOnce(),
) {
    let codes = resident_links_of(database, server, 5).await;
    let load = Load::start(server, &codes, CLIENTS);
    redirects(&load, 300).await;
    begin().await;
    wait_until("clicks are dropped", SOON, async || {
        dropped(server, reason).await > 100.0
    })
    .await;
    redirects(&load, 500).await;
    end().await;
    // The server recovers by itself: clicks are stored again.
    wait_until("clicks are accepted again", SOON, async || {
        let before = dropped(server, reason).await;
        redirects(&load, 200).await;
        dropped(server, reason).await < before + 0.5
    })
    .await;
    assert_eq!((load.unavailable(), load.other()), (0, 0));
    let expected = load.stop().await;
    drained(server).await;
    let (least, most) = sums(&expected);
    assert_eq!(least, most, "no request failed");
    let stored = database.number("select count(*) from link_clicks").await;
    let mut gone = 0.0;
    for reason in ["disk_full", "journal_full", "journal_failed", "unreadable"] {
        gone += dropped(server, reason).await;
    }
    report(format_args!(
        "{reason}: {least} redirects = {stored} stored + {gone} dropped and counted"
    ));
    #[expect(clippy::cast_possible_truncation, reason = "a count")]
    let gone = gone as i64;
    assert_eq!(stored + gone, least, "{}", server.output());
    let total = database.number("select sum(clicks) from links").await;
    assert_eq!(total, stored);
    assert_eq!(verify(database, server)["agrees"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_does_not_stop_redirects_and_what_is_dropped_is_counted() {
    let Some(disk) = SmallDisk::try_mount(512 * 1_024) else {
        report("this account may not mount a small disk: only the limit of file sizes is tested");
        return;
    };
    let directory = disk.directory();
    let filler = directory.path().join("filler");
    let database = TestDatabase::sqlite();
    // Changes are not refused before the disk is full.
    let options = durability("journal").env("WAYPOST_MIN_FREE_MIB", "0");
    let options = options.data_dir(directory);
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    redirects_go_on(
        &database,
        &server,
        "disk_full",
        async || {
            // Fills the remaining space.
            let _ = fs::write(&filler, vec![0; 1_024 * 1_024]);
        },
        async || fs::remove_file(&filler).unwrap(),
    )
    .await;
}

/// Makes a directory read-only until this is dropped.
enum ReadOnly {
    Covered {
        _cover: ReadOnlyCover,
    },
    /// Makes the directory read-only for everyone except the superuser, who can mount over it.
    Permitted(PathBuf, Permissions),
}

impl ReadOnly {
    fn make(directory: &Path) -> Self {
        match ReadOnlyCover::try_over(directory) {
            Some(cover) => Self::Covered { _cover: cover },
            None => {
                let before = fs::metadata(directory).unwrap().permissions();
                fs::set_permissions(directory, Permissions::from_mode(0o500)).unwrap();
                Self::Permitted(directory.to_owned(), before)
            }
        }
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        if let Self::Permitted(directory, before) = self {
            // Only a missing directory rejects writes.
            let _ = fs::set_permissions(directory, before.clone());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_has_become_read_only_does_not_stop_redirects() {
    let database = TestDatabase::new(Kind::Postgres);
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    let journal = server.data_dir().path().join("journal");
    let read_only = RefCell::new(None);
    let begin = async || {
        // The present segment cannot grow, and no new one can be created.
        server.limit_file_size(Some(100));
        wait_until("clicks are dropped", SOON, async || {
            dropped(&server, "disk_full").await > 0.5
        })
        .await;
        read_only.replace(Some(ReadOnly::make(&journal)));
        server.limit_file_size(None);
    };
    let end = async || drop(read_only.take());
    redirects_go_on(&database, &server, "journal_failed", begin, end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_file_sizes_does_not_stop_redirects() {
    let database = TestDatabase::new(Kind::Postgres);
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    redirects_go_on(
        &database,
        &server,
        "disk_full",
        async || server.limit_file_size(Some(100)),
        async || server.limit_file_size(None),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_at_its_limit_does_not_stop_redirects() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal")
        .env("WAYPOST_DATABASE_URL", proxy.url())
        .env("WAYPOST_JOURNAL_MAX_MB", "1");
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    redirects_go_on(
        &database,
        &server,
        "journal_full",
        async || proxy.cut().await,
        async || proxy.restore(),
    )
    .await;
}

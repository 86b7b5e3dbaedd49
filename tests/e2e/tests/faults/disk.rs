//! The disk of the journal is full, cannot be written, or damaged what was on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;
use waypost_e2e::load::Load;
use waypost_test_harness::{
    DatabaseProxy, Kind, ServerOptions, ServerProcess, TestDatabase, temporary_directory,
    wait_until,
};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, dropped, durability, links_of, redirects, report, sums,
    verify,
};

/// A small file system of its own; unmounted when dropped.
struct SmallDisk {
    directory: Arc<TempDir>,
    mounted: PathBuf,
}

impl SmallDisk {
    /// `None` where this account may not mount anything.
    fn of_kilobytes(size: u32) -> Option<Self> {
        let directory = Arc::new(temporary_directory());
        let mounted = directory.path().join("disk");
        fs::create_dir(&mounted).unwrap();
        let mount = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size}k"),
                "waypost-test",
            ])
            .arg(&mounted)
            .output();
        mount
            .is_ok_and(|done| done.status.success())
            .then_some(Self { directory, mounted })
    }

    fn path(&self) -> &Path {
        &self.mounted
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: nothing of a test that failed keeps it.
        let _ = Command::new("umount").arg("-l").arg(&self.mounted).status();
        let _ = &self.directory;
    }
}

fn on(disk: &SmallDisk) -> ServerOptions {
    durability("journal").env("WAYPOST_DATA_DIR", disk.path())
}

/// Redirects go on while `reason` keeps clicks out of the journal, and each is stored or dropped.
async fn redirects_go_on(
    database: &TestDatabase,
    server: &ServerProcess,
    reason: &str,
    begin: impl AsyncFnOnce(),
    end: impl AsyncFnOnce(),
) {
    let codes = links_of(server, 5).await;
    let load = Load::start(server, &codes, CLIENTS);
    redirects(&load, 300).await;
    begin().await;
    wait_until("clicks are dropped", SOON, async || {
        dropped(server, reason).await > 100.0
    })
    .await;
    redirects(&load, 500).await;
    end().await;
    // Recovered by itself: clicks are stored again.
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
    let Some(disk) = SmallDisk::of_kilobytes(512) else {
        report("this account may not mount a small disk: only the limit of file sizes is tested");
        return;
    };
    let database = TestDatabase::new(Kind::Postgres);
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, on(&disk)));
    let filler = disk.path().join("filler");
    redirects_go_on(
        &database,
        &server,
        "disk_full",
        async || {
            // As much as there is room for.
            let _ = fs::write(&filler, vec![0; 1_024 * 1_024]);
        },
        async || fs::remove_file(&filler).unwrap(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_written_does_not_stop_redirects() {
    let database = TestDatabase::new(Kind::Postgres);
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    let journal = server.data_dir().path().join("journal");
    let away = server.data_dir().path().join("away");
    redirects_go_on(
        &database,
        &server,
        "journal_failed",
        async || {
            // The segment that is written to cannot grow, and a new one cannot be made where no
            // directory is.
            limit_file_size(&server, Some(100));
            wait_until("clicks are dropped", SOON, async || {
                dropped(&server, "disk_full").await > 0.5
            })
            .await;
            fs::rename(&journal, &away).unwrap();
            limit_file_size(&server, None);
        },
        async || fs::rename(&away, &journal).unwrap(),
    )
    .await;
}

/// Limits the files that the server writes to so many bytes.
fn limit_file_size(server: &ServerProcess, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
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
        async || limit_file_size(&server, Some(100)),
        async || limit_file_size(&server, None),
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
        async || proxy.cut(),
        async || proxy.restore(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_segment_costs_only_the_clicks_behind_the_damage() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal")
        .env("WAYPOST_DATABASE_URL", proxy.url())
        .env("WAYPOST_JOURNAL_MAX_MB", "1")
        .env("WAYPOST_SHUTDOWN_GRACE_S", "1");
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = links_of(&server, 3).await;
    let load = Load::start(&server, &codes, CLIENTS);
    redirects(&load, 50).await;
    proxy.cut();
    // More than one segment of 128 KiB.
    redirects(&load, 2_500).await;
    let expected = load.stop().await;
    tokio::task::block_in_place(|| server.kill());

    let mut segments: Vec<_> = fs::read_dir(server.data_dir().path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "clicks"))
        .collect();
    segments.sort();
    assert!(segments.len() > 1, "{segments:?}");
    let mut bytes = fs::read(&segments[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&segments[0], bytes).unwrap();

    proxy.restore();
    tokio::task::block_in_place(|| server.restart());
    drained(&server).await;
    let unreadable = dropped(&server, "unreadable").await;
    assert!(unreadable > 10.0, "{unreadable}\n{}", server.output());
    assert!(
        server.output().contains("is damaged"),
        "{}",
        server.output()
    );
    let stored = database.number("select count(*) from link_clicks").await;
    #[expect(clippy::cast_possible_truncation, reason = "a count")]
    let accounted = stored + unreadable as i64;
    let (least, most) = sums(&expected);
    assert_eq!((accounted, least), (most, most), "{}", server.output());
    assert_eq!(verify(&database, &server)["agrees"], true);
    report(format_args!(
        "a damaged segment: {least} redirects = {stored} stored + {unreadable} unreadable and counted"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_record_at_the_end_is_cut_off() {
    let database = TestDatabase::new(Kind::Sqlite);
    let mut server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    let codes = links_of(&server, 1).await;
    let lock = database.lock().await;
    let load = Load::start(&server, &codes, 2);
    redirects(&load, 100).await;
    let expected = load.stop().await;
    tokio::task::block_in_place(|| server.kill());
    let journal = server.data_dir().path().join("journal");
    let segment = fs::read_dir(&journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|found| found == "clicks"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let torn = bytes[bytes.len() - 60..].to_vec();
    bytes.extend_from_slice(&torn);
    fs::write(&segment, bytes).unwrap();
    drop(lock);
    tokio::task::block_in_place(|| server.restart());
    drained(&server).await;
    assert!(
        server.output().contains("cutting off a torn record"),
        "{}",
        server.output()
    );
    assert_exact(&database, &server, &expected).await;
}

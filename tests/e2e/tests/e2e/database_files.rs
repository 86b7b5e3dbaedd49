//! The files of an SQLite database: what happens when they cannot be written, and how they become
//! smaller after a purge.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use waypost_e2e::{Kept, Visitor};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::{FAR_FUTURE, Samples};
use waypost_test_harness::{
    Finished, Invocation, Kind, PATIENCE, ReadOnlyCover, ServerOptions, ServerProcess,
    TestDatabase, binary, temporary_directory, wait_until,
};

/// An account that owns nothing.
const NOBODY: &str = "65534";

/// Runs a program as an account that has no special rights.
fn as_nobody(program: &str, data_dir: &Path, args: &[&str]) -> Finished {
    let invocation = if is_root() {
        let ids = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
        Invocation::of_program("/usr/bin/setpriv".into())
            .args(ids)
            .arg(binary(program))
    } else {
        Invocation::of(program)
    };
    invocation
        .args(args.iter().copied())
        .current_dir("/")
        .env("WAYPOST_LISTEN", "127.0.0.1:0")
        .env("WAYPOST_LOG", "error")
        .env("WAYPOST_DATA_DIR", data_dir)
        .run()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Creates a data directory that anyone may write, with the files of a server.
fn data_directory() -> tempfile::TempDir {
    let directory = temporary_directory();
    let database = TestDatabase::sqlite_at(&directory.path().join("waypost.db"));
    let options = ServerOptions::new().env("WAYPOST_DATA_DIR", directory.path());
    let mut server = ServerProcess::start(&database, options);
    assert!(server.terminate().success());
    for entry in fs::read_dir(directory.path().join("journal")).unwrap() {
        set_mode(&entry.unwrap().path(), 0o666);
    }
    for (name, mode) in [("", 0o777), ("waypost.db", 0o666), ("journal", 0o777)] {
        set_mode(&directory.path().join(name), mode);
    }
    directory
}

/// Asserts that the programs say in one line which file or directory cannot be written, whose it
/// is, and who they are.
fn assert_named(directory: &Path, name: &str, programs: &[&str]) {
    let path = directory.join(name);
    let path = path.to_str().unwrap().trim_end_matches('/');
    for program in programs {
        let args: &[&str] = if *program == "linkctl" {
            &["link", "list"]
        } else {
            &[]
        };
        let refused = as_nobody(program, directory, args);
        assert!(!refused.status.success(), "{name} {refused:?}");
        let text = &refused.stderr;
        assert!(text.contains(path), "{name} {text}");
        assert!(text.contains(" belongs to user "), "{name} {text}");
        assert!(text.contains("this process runs as user "), "{name} {text}");
        assert!(!text.contains("is running"), "{name} {text}");
        assert!(!text.contains("panicked"), "{name} {text}");
    }
}

#[test]
fn a_directory_or_file_that_may_only_be_read_is_named_with_its_owner() {
    let both = ["server", "linkctl"];
    let directory = data_directory();
    let path = directory.path();
    set_mode(path, 0o555);
    assert_named(path, "", &both);
    set_mode(path, 0o777);

    set_mode(&path.join("waypost.db"), 0o444);
    assert_named(path, "waypost.db", &both);
    set_mode(&path.join("waypost.db"), 0o666);

    fs::write(path.join("waypost.db-wal"), "").unwrap();
    set_mode(&path.join("waypost.db-wal"), 0o444);
    assert_named(path, "waypost.db-wal", &both);
    fs::remove_file(path.join("waypost.db-wal")).unwrap();

    set_mode(&path.join("journal/lock"), 0o000);
    assert_named(path, "journal/lock", &["server"]);
    fs::remove_file(path.join("journal/lock")).unwrap();
    set_mode(&path.join("journal"), 0o555);
    assert_named(path, "journal", &["server"]);
}

#[test]
fn a_file_system_that_is_read_only_is_named() {
    let directory = temporary_directory();
    let Some(_cover) = ReadOnlyCover::try_over(directory.path()) else {
        eprintln!("not tested: this process may not mount anything");
        return;
    };
    let path = directory.path().to_str().unwrap();
    let refused = Invocation::of("server")
        .env("WAYPOST_LISTEN", "127.0.0.1:0")
        .env("WAYPOST_DATA_DIR", path)
        .run();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains(path), "{refused:?}");
    assert!(
        refused.stderr.contains("Read-only file system"),
        "{refused:?}"
    );
}

const CLICKS: usize = 20_000;
const BATCH: usize = 2_000;

/// Creates a database with old clicks.
async fn database_with_clicks(path: &Path) -> TestDatabase {
    let database = TestDatabase::sqlite_at(path);
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    let opened = Database::connect(&settings).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    let store = opened.store();
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    store.insert_link(&link, None).await.unwrap();
    for _ in 0..CLICKS / BATCH {
        let clicks = samples.clicks(&link, BATCH);
        store.record_clicks(&clicks).await.unwrap();
    }
    opened.close();
    database
}

fn linkctl(database: &TestDatabase, args: &[&str]) -> Finished {
    let invocation = Invocation::of("linkctl").args(args.iter().copied());
    invocation.database(database).timeout(4 * PATIENCE).run()
}

fn size(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

fn expected(rows: i64) -> Kept {
    let clicks = i64::try_from(CLICKS).unwrap();
    Kept {
        rows,
        ..Kept::thrice(clicks)
    }
}

/// Purges while visitors click, and waits until the file is smaller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_shrinks_after_a_purge_beside_a_server_and_every_number_stays() {
    let directory = temporary_directory();
    let path = directory.path().join("waypost.db");
    let database = database_with_clicks(&path).await;
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, ServerOptions::new()));
    let before = size(&path);
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    let purge = Invocation::of("linkctl").args(["purge", "--older-than", "1d", "--yes"]);
    let purge = purge.database(&database).timeout(4 * PATIENCE);
    let purging = tokio::task::spawn_blocking(move || purge.run());
    // Slowly: the clicks must take much less space than what is purged.
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let mut visits: i64 = 0;
    while !purging.is_finished() || visits < 20 {
        pace.tick().await;
        visitor.visit(&code).await.unwrap();
        visits += 1;
    }
    purging.await.unwrap().assert_success();
    wait_until("the file is smaller", PATIENCE, async || {
        size(&path) < before / 2
    })
    .await;
    assert_eq!(visitor.clicks(&code).await, visits);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(visits));
    assert_eq!(Kept::of(&database, "wiki").await, expected(0));
    let again = tokio::task::block_in_place(|| linkctl(&database, &["vacuum", "--json"]));
    let again: Value = serde_json::from_str(&again.assert_success().stdout).unwrap();
    assert_eq!(again["rewritten"], false);
    tokio::task::block_in_place(|| linkctl(&database, &["verify"])).assert_success();
}

/// Rows are gone when the server starts: the maintenance at its start releases their space.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_maintenance_of_a_server_releases_space() {
    let directory = temporary_directory();
    let path = directory.path().join("waypost.db");
    let database = database_with_clicks(&path).await;
    let settings = DatabaseSettings::for_url(database.url()).unwrap();
    let opened = Database::connect(&settings).await.unwrap();
    let store = opened.store();
    let all = FAR_FUTURE.into();
    while store.purge_clicks(all, 1_000).await.unwrap() > 0 {}
    assert!(store.space().await.unwrap().unwrap().unused > 500);
    let before = size(&path);
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, ServerOptions::new()));
    wait_until("nothing is unused", PATIENCE, async || {
        store.space().await.unwrap().unwrap().unused == 0
    })
    .await;
    let still = Duration::from_secs(40);
    wait_until("the file is smaller", still, async || {
        size(&path) < before / 2
    })
    .await;
    assert_eq!(Visitor::of(&server).clicks("wiki").await, 20_000);
    opened.close();
}

/// Files of older versions cannot shrink in steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_file_is_rewritten_once_while_no_server_uses_it() {
    let directory = temporary_directory();
    let path = directory.path().join("waypost.db");
    let database = database_with_clicks(&path).await;
    database
        .execute("pragma journal_mode = delete; pragma auto_vacuum = none; vacuum")
        .await;
    let old = size(&path);
    let vacuum = || tokio::task::block_in_place(|| linkctl(&database, &["vacuum", "--json"]));
    let purge = ["purge", "--older-than", "1d", "--yes"];
    tokio::task::block_in_place(|| linkctl(&database, &purge)).assert_success();
    assert!(size(&path) >= old);

    let mut server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, ServerOptions::new()));
    let refused = vacuum();
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    let holder = format!("server (process {})", server.pid());
    assert!(refused.stderr.contains(&holder), "{refused:?}");
    assert!(
        refused.stderr.contains("stop the server first"),
        "{refused:?}"
    );
    assert_eq!(Visitor::of(&server).clicks("wiki").await, 20_000);
    assert!(tokio::task::block_in_place(|| server.terminate()).success());

    let rewritten: Value = serde_json::from_str(&vacuum().assert_success().stdout).unwrap();
    assert_eq!(rewritten["rewritten"], true);
    assert_eq!(rewritten["bytesAfter"], size(&path));
    assert!(size(&path) < old / 2);
    let again: Value = serde_json::from_str(&vacuum().assert_success().stdout).unwrap();
    assert_eq!(again["rewritten"], false);
    assert_eq!(Kept::of(&database, "wiki").await, expected(0));
    tokio::task::block_in_place(|| linkctl(&database, &["verify"])).assert_success();
}

#[test]
fn database_servers_have_nothing_to_release() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let database = TestDatabase::new(kind);
        let nothing = linkctl(&database, &["vacuum"]).assert_success();
        assert!(nothing.stderr.contains("nothing to do"), "{nothing:?}");
    }
}

//! Copied data directories, both in use by servers.

use std::path::Path;
use std::sync::Arc;

use reqwest::StatusCode;
use tempfile::TempDir;
use waypost_e2e::Visitor;
use waypost_test_harness::{Invocation, Kind, ServerProcess, TestDatabase};

use crate::setup::{drained, durability, server_with_links, verify};

/// Copies a directory with its contents.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Starts a server on a copy of the data directory of another server.
fn server_on_copy(database: &TestDatabase, original: &ServerProcess) -> ServerProcess {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    copy(original.data_dir().path(), directory.path());
    start_in(database, directory)
}

fn start_in(database: &TestDatabase, directory: Arc<TempDir>) -> ServerProcess {
    tokio::task::block_in_place(|| {
        ServerProcess::start(database, durability("journal").data_dir(directory))
    })
}

/// Follows a link, and asserts a redirect.
async fn follow(server: &ServerProcess, code: &str) {
    let (status, _) = Visitor::of(server).visit(code).await.unwrap();
    assert_eq!(status, StatusCode::FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_copies_of_one_directory_both_count_on_sqlite() {
    both_count(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_copies_of_one_directory_both_count_on_postgres() {
    both_count(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_copies_of_one_directory_both_count_on_mariadb() {
    both_count(Kind::MariaDb).await;
}

async fn both_count(kind: Kind) {
    let (database, original, codes) = server_with_links(kind, durability("journal"), 1).await;
    let code = codes[0].as_str();
    for _ in 0..3 {
        follow(&original, code).await;
    }
    drained(&original).await;
    assert_eq!(verify(&database, &original)["agrees"], true);
    let copy = server_on_copy(&database, &original);
    // The same number on each: neither server mistakes the position of the other for its own.
    for _ in 0..20 {
        follow(&original, code).await;
        follow(&copy, code).await;
    }
    drained(&original).await;
    drained(&copy).await;
    let counted = database.number("select clicks from links").await;
    assert_eq!(counted, 43, "{}\n{}", original.output(), copy.output());
    let output = copy.output();
    assert_eq!(
        output
            .matches("another process uses this click journal")
            .count(),
        1,
        "{output}"
    );

    // The warning remains until an operator accepts it.
    let verified = verify(&database, &original);
    assert_eq!(verified["agrees"], false, "{verified}");
    let finished = tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(["verify", "--accept", "cloned for a test"])
            .database(&database)
            .env("WAYPOST_DATA_DIR", original.data_dir().path())
            .run()
    });
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(verify(&database, &copy)["agrees"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_clicks_of_both_copies_are_stored_once() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let (database, mut original, codes) =
            server_with_links(kind, durability("journal"), 1).await;
        let code = codes[0].as_str();
        follow(&original, code).await;
        drained(&original).await;
        // Clicks stay pending from now on.
        database
            .execute("alter table link_clicks rename to link_clicks_away")
            .await;
        for _ in 0..10 {
            follow(&original, code).await;
        }
        let directory = Arc::new(tempfile::tempdir().unwrap());
        copy(original.data_dir().path(), directory.path());
        for _ in 0..5 {
            follow(&original, code).await;
        }
        tokio::task::block_in_place(|| original.kill());
        database
            .execute("alter table link_clicks_away rename to link_clicks")
            .await;
        // The copy starts first and takes over the journal.
        let copy = start_in(&database, directory);
        follow(&copy, code).await;
        tokio::task::block_in_place(|| original.restart());
        follow(&original, code).await;
        drained(&original).await;
        drained(&copy).await;
        let counted = database.number("select clicks from links").await;
        let journals = verify(&database, &original);
        assert_eq!(
            counted,
            18,
            "{journals}\n{}\n{}",
            original.output(),
            copy.output()
        );
        let rows = database.number("select count(*) from link_clicks").await;
        assert_eq!(rows, 18);
    }
}

//! Failures that an operator meets: databases that are or become unavailable, files that cannot be
//! written.

use std::sync::Arc;

use waypost_store::{ClickBatch, Dropped, Ingested};
use waypost_store_diesel::{Database, DatabaseError, DatabaseSettings};
use waypost_store_testkit::samples::{START, Samples, owner_of, take_journal};
use waypost_test_harness::{Kind, TestDatabase};

async fn connect(url: &str) -> Result<Database, DatabaseError> {
    Database::connect(&DatabaseSettings::for_url(url).unwrap()).await
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    for scheme in ["postgres", "mysql"] {
        // Nothing listens on port 1 of this machine.
        let url = format!("{scheme}://somebody:hunter2@127.0.0.1:1/waypost");
        let error = connect(&url).await.err().unwrap();
        assert!(matches!(error, DatabaseError::Connect { .. }));
        let text = chain(&error);
        assert!(text.contains("refused"), "{text}");
        assert!(
            text.contains(&format!("{scheme}://127.0.0.1:1/waypost")),
            "{text}"
        );
        assert!(
            !format!("{text} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_being_printed() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
            .await
            .unwrap();
        let (scheme, rest) = database.url().split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        let error = connect(&format!("{scheme}://waypost:hunter2@{place}"))
            .await
            .err()
            .unwrap();
        assert!(matches!(error, DatabaseError::Connect { .. }), "{error:?}");
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}/waypost.db", file.display());
    let error = connect(&url).await.err().unwrap();
    assert!(
        matches!(&error, DatabaseError::Unwritable { path, .. } if *path == file),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("waypost.db");
    std::fs::write(&file, "this is a letter, not a database".repeat(100)).unwrap();
    let url = format!("sqlite://{}", file.display());
    let error = connect(&url).await.err().unwrap();
    assert!(
        matches!(error, DatabaseError::NotSqlite { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_closed_database_is_unavailable() {
    let database = TestDatabase::sqlite();
    let opened = connect(database.url()).await.unwrap();
    opened.prepare_schema(true).await.unwrap();
    let store = opened.store();
    opened.close();
    let error = store.counts().await.unwrap_err();
    assert!(
        matches!(error, waypost_store::StoreError::Unavailable { .. }),
        "{error:?}"
    );
}

/// Cuts every connection to the database, as a restart of its server or a firewall does.
async fn cut_connections(database: &TestDatabase) {
    if database.kind() == Kind::Postgres {
        let cut = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid()";
        database.execute(cut).await;
        return;
    }
    let others = "select cast(id as char) from information_schema.processlist \
                  where db = database() and id <> connection_id()";
    for row in database.rows(others).await {
        let id = row.into_iter().flatten().next().unwrap();
        database.execute(&format!("kill {id}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_are_ingested_after_every_connection_was_cut() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
            .await
            .unwrap();
        let opened = connect(database.url()).await.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store = opened.store();
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        let journal = samples.journal();
        take_journal(&*store, journal, 0).await;
        for start in [0, 2, 4, 6] {
            let batch = Arc::new(ClickBatch {
                journal,
                owner: owner_of(journal),
                start,
                clicks: samples.clicks(&link, 2),
                dropped: Dropped::default(),
                duplicates: 0,
                records: waypost_store::KeptRecords::All,
            });
            let answer = store.ingest(batch, START).await.unwrap();
            assert!(matches!(answer, Ingested::Settled(_)), "{answer:?}");
            cut_connections(&database).await;
        }
        let record = store.journal(journal).await.unwrap().unwrap();
        assert!(record.agrees() && record.stored == 8, "{record:?}");
        opened.close();
    }
}

#[tokio::test]
async fn a_closed_database_ingests_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::MariaDb] {
        let database = tokio::task::spawn_blocking(move || TestDatabase::new(kind))
            .await
            .unwrap();
        let opened = connect(database.url()).await.unwrap();
        opened.prepare_schema(true).await.unwrap();
        let store = opened.store();
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        store.insert_link(&link, None).await.unwrap();
        store
            .record_clicks(&samples.clicks(&link, 1))
            .await
            .unwrap();
        opened.close();
        let error = store.record_clicks(&samples.clicks(&link, 1)).await;
        assert!(
            matches!(error, Err(waypost_store::StoreError::Unavailable { .. })),
            "{error:?}"
        );
    }
}

/// Returns the whole chain of an error, as the programs print it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

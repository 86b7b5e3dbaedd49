//! Deleted data is gone from the disk, too.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use time::macros::date;
use waypost_core::Salt;
use waypost_store_diesel::{Database, DatabaseSettings};

fn on_disk(directory: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        file.windows(bytes.len()).any(|window| window == bytes)
    })
}

/// Opens a new database with the salts of two days.
async fn with_salts(directory: &TempDir) -> (Database, [Salt; 2]) {
    let url = format!("sqlite://{}/waypost.db", directory.path().display());
    let database = Database::connect(&DatabaseSettings::for_url(&url).unwrap())
        .await
        .unwrap();
    database.prepare_schema(true).await.unwrap();
    let store = database.store();
    let salts = [Salt::from_bytes([0xa5; 32]), Salt::from_bytes([0x5a; 32])];
    store.salt(date!(2026 - 03 - 01), &salts[0]).await.unwrap();
    store.salt(date!(2026 - 03 - 02), &salts[1]).await.unwrap();
    for salt in &salts {
        assert!(on_disk(directory.path(), salt.as_bytes()));
    }
    (database, salts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_salt_is_in_no_file_of_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let (database, salts) = with_salts(&directory).await;
    let store = database.store();
    let destroyed = store.destroy_salts_before(date!(2026 - 03 - 02)).await;
    assert_eq!(destroyed.unwrap(), 1);
    let traces = store.erase_salts().await.unwrap().unwrap();
    assert!(traces.erased_at.is_some(), "{traces:?}");
    assert!(!on_disk(directory.path(), salts[0].as_bytes()));
    assert!(on_disk(directory.path(), salts[1].as_bytes()));
    database.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_an_old_state_keeps_a_destroyed_salt_until_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (database, salts) = with_salts(&directory).await;
    let store = database.store();
    let path = directory.path().join("waypost.db");
    let mut reader = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM daily_salts")
        .unwrap();

    let destroyed = store.destroy_salts_before(date!(2026 - 03 - 02)).await;
    assert_eq!(destroyed.unwrap(), 1);
    for _ in 0..2 {
        let traces = store.erase_salts().await.unwrap().unwrap();
        assert_eq!(traces.erased_at, None);
        assert!(on_disk(directory.path(), salts[0].as_bytes()));
    }
    // Others can write while the reader waits.
    let third = Salt::from_bytes([0x33; 32]);
    store.salt(date!(2026 - 03 - 03), &third).await.unwrap();

    reader.batch_execute("COMMIT").unwrap();
    let traces = store.erase_salts().await.unwrap().unwrap();
    assert!(traces.erased_at >= Some(traces.destroyed_at), "{traces:?}");
    assert!(!on_disk(directory.path(), salts[0].as_bytes()));
    assert!(on_disk(directory.path(), third.as_bytes()));
    database.close();
}

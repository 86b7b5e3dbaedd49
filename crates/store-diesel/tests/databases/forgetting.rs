//! Deleted data is gone from the disk, too.

use std::path::Path;

use time::macros::date;
use waypost_core::Salt;
use waypost_store_diesel::{Database, DatabaseSettings};

fn on_disk(directory: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        file.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_salt_is_in_no_file_of_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/waypost.db", directory.path().display());
    let database = Database::connect(&DatabaseSettings::for_url(&url).unwrap())
        .await
        .unwrap();
    database.prepare_schema(true).await.unwrap();
    let store = database.store();
    let salts = [Salt::from_bytes([0xa5; 32]), Salt::from_bytes([0x5a; 32])];
    store.salt(date!(2026 - 03 - 01), &salts[0]).await.unwrap();
    store.salt(date!(2026 - 03 - 02), &salts[1]).await.unwrap();
    assert!(
        salts
            .iter()
            .all(|salt| on_disk(directory.path(), salt.as_bytes()))
    );

    assert_eq!(
        store
            .destroy_salts_before(date!(2026 - 03 - 02))
            .await
            .unwrap(),
        1
    );
    assert!(!on_disk(directory.path(), salts[0].as_bytes()));
    assert!(on_disk(directory.path(), salts[1].as_bytes()));
    database.close();
}

//! Databases restored from a backup, under a running server or before it starts.

use waypost_e2e::Visitor;
use waypost_test_harness::{Kind, ServerProcess, TestDatabase, wait_until};

use crate::setup::{SOON, drained, durability, server_with_links, verify};

/// The tables of a backup, in the order in which they can be copied.
const TABLES: [&str; 6] = [
    "link_clicks",
    "click_ids",
    "link_days",
    "link_visitors",
    "click_journals",
    "click_journal_owners",
];

/// Creates a backup in the same database.
async fn back_up(database: &TestDatabase) {
    for table in TABLES {
        database
            .execute(&format!(
                "create table backup_{table} as select * from {table}"
            ))
            .await;
    }
    database
        .execute("create table backup_links as select * from links")
        .await;
}

/// Restores the backup in one transaction.
async fn restore(database: &TestDatabase) {
    let mut sql = String::from("begin; ");
    for table in TABLES {
        sql += &format!("delete from {table}; insert into {table} select * from backup_{table}; ");
    }
    for column in ["clicks", "humans", "clicks_purged"] {
        sql += &format!(
            "update links set {column} = (select {column} from backup_links \
             where backup_links.id = links.id); "
        );
    }
    sql += "commit";
    database.execute(&sql).await;
}

async fn visits(server: &ServerProcess, code: &str, count: u32) {
    for _ in 0..count {
        Visitor::of(server).visit(code).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sqlite_forgot_is_stored_again() {
    is_stored_again(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgres_forgot_is_stored_again() {
    is_stored_again(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mariadb_forgot_is_stored_again() {
    is_stored_again(Kind::MariaDb).await;
}

/// Restores a backup under load, while the server is idle, and while it is stopped.
async fn is_stored_again(kind: Kind) {
    let (database, mut server, codes) = server_with_links(kind, durability("journal"), 1).await;
    let code = codes[0].as_str();
    let counted = async || database.number("select clicks from links").await;
    visits(&server, code, 10).await;
    drained(&server).await;
    back_up(&database).await;
    visits(&server, code, 7).await;
    drained(&server).await;
    assert_eq!(counted().await, 17);
    restore(&database).await;
    assert_eq!(counted().await, 10);
    visits(&server, code, 3).await;
    wait_until("all clicks are counted", SOON, async || {
        counted().await == 20
    })
    .await;
    drained(&server).await;

    restore(&database).await;
    wait_until("all clicks are counted", SOON, async || {
        counted().await == 20
    })
    .await;

    tokio::task::block_in_place(|| server.terminate());
    restore(&database).await;
    tokio::task::block_in_place(|| server.restart());
    wait_until("all clicks are counted", SOON, async || {
        counted().await == 20
    })
    .await;
    drained(&server).await;
    let verified = verify(&database, &server);
    assert_eq!(verified["agrees"], true, "{verified}\n{}", server.output());
    assert_eq!(verified["rows"], 20, "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_no_longer_in_the_journal_are_lost_and_verify_reports_them() {
    let kind = Kind::Postgres;
    let options = durability("journal").env("WAYPOST_JOURNAL_KEEP_HOURS", "0");
    let (database, mut server, codes) = server_with_links(kind, options, 1).await;
    let code = codes[0].as_str();
    visits(&server, code, 4).await;
    drained(&server).await;
    back_up(&database).await;
    visits(&server, code, 7).await;
    drained(&server).await;
    tokio::task::block_in_place(|| server.terminate());
    restore(&database).await;
    let verified = verify(&database, &server);
    assert_eq!(verified["agrees"], false, "{verified}");
    tokio::task::block_in_place(|| server.restart());
    visits(&server, code, 2).await;
    drained(&server).await;
    assert_eq!(database.number("select clicks from links").await, 6);
    let verified = verify(&database, &server);
    assert_eq!(verified["agrees"], false, "{verified}");
    assert_eq!(verified["journals"][0]["dropped"]["lost"], 7, "{verified}");
}

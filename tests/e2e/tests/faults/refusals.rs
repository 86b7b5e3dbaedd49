//! Databases that reject writes: missing privileges, poolers, a changed schema. Clicks stay
//! pending.

use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{
    DatabaseServer, Kind, PgBouncer, PoolMode, ServerProcess, TestDatabase, wait_until,
};

use crate::setup::{
    SOON, drained, dropped, durability, links_of, metric, server_with_links, verify,
};

async fn visits(server: &ServerProcess, code: &str, count: u32) {
    for _ in 0..count {
        Visitor::of(server).visit(code).await.unwrap();
    }
}

/// Returns how often the log says that clicks cannot be stored.
pub(crate) fn times_told(server: &ServerProcess) -> usize {
    let output = server.output();
    output.matches("cannot store clicks").count()
}

/// Waits until the server reports that clicks cannot be stored, and checks the report.
async fn is_told(server: &ServerProcess) {
    wait_until("the database rejects clicks", SOON, async || {
        metric(server, "waypost_database_up").await < 0.5 && times_told(server) > 0
    })
    .await;
    let output = server.output();
    assert_eq!(times_told(server), 1, "{output}");
    assert!(dropped(server, "rejected").await < 0.5, "{output}");
    let ready = Visitor::of(server).get("/health/ready").await;
    let ready = ready.text().await.unwrap();
    assert!(ready.contains("CLICKS_NOT_STORED"), "{ready}");
}

/// The statements with which the administrator revokes and grants the privilege to store clicks.
async fn clicks_wait_for_rights(kind: Kind, take: &[&str], give: &[&str]) {
    let server = tokio::task::block_in_place(|| DatabaseServer::start(kind));
    let database = TestDatabase::on(&server);
    let mut url = reqwest::Url::parse(database.url()).unwrap();
    url.set_username("weak").unwrap();
    url.set_password(Some("weak-password")).unwrap();
    // The administrator owns the schema.
    let administrator =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    let codes = links_of(&administrator, 1).await;
    let code = codes[0].as_str();
    match kind {
        Kind::Postgres => {
            for sql in [
                "create role weak login password 'weak-password'",
                "grant select, insert, update, delete on all tables in schema public to weak",
                "grant usage, select, update on all sequences in schema public to weak",
            ] {
                database.execute(sql).await;
            }
        }
        _ => {
            database
                .execute("create user weak@'127.0.0.1' identified by 'weak-password'")
                .await;
            grant(&database, true).await;
        }
    }
    let options = durability("journal")
        .env("WAYPOST_DATABASE_URL", url.as_str())
        .env("WAYPOST_MIGRATE", "false");
    let node = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    visits(&node, code, 3).await;
    drained(&node).await;
    for sql in take {
        database.execute(sql).await;
    }
    if kind == Kind::MariaDb {
        grant(&database, false).await;
    }
    visits(&node, code, 20).await;
    is_told(&node).await;
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(3));
    for sql in give {
        database.execute(sql).await;
    }
    if kind == Kind::MariaDb {
        grant(&database, true).await;
    }
    drained(&node).await;
    assert_eq!(Kept::of(&database, code).await, Kept::thrice(23));
    assert_eq!(verify(&database, &node)["agrees"], true);
}

/// Grants the restricted account of MariaDB its privileges on all tables; on clicks only if it may
/// store them.
async fn grant(database: &TestDatabase, may_insert: bool) {
    let tables = database
        .rows("show full tables where table_type = 'BASE TABLE'")
        .await;
    for table in tables.iter().filter_map(|row| row[0].as_deref()) {
        let rights = if table == "link_clicks" && !may_insert {
            database
                .execute("revoke insert on link_clicks from weak@'127.0.0.1'")
                .await;
            "select, update, delete"
        } else {
            "select, insert, update, delete"
        };
        let sql = format!("grant {rights} on `{table}` to weak@'127.0.0.1'");
        database.execute(&sql).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_wait_for_rights_on_postgres() {
    let take = ["revoke insert on link_clicks from weak"];
    let give = ["grant insert on link_clicks to weak"];
    clicks_wait_for_rights(Kind::Postgres, &take, &give).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_wait_for_rights_on_mariadb() {
    clicks_wait_for_rights(Kind::MariaDb, &[], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_wait_for_a_schema() {
    for kind in Kind::ALL {
        let (database, server, codes) = server_with_links(kind, durability("journal"), 1).await;
        let code = codes[0].as_str();
        visits(&server, code, 3).await;
        drained(&server).await;
        database
            .execute("alter table link_clicks rename column referrer to away")
            .await;
        visits(&server, code, 20).await;
        is_told(&server).await;
        database
            .execute("alter table link_clicks rename column away to referrer")
            .await;
        drained(&server).await;
        assert_eq!(Kept::of(&database, code).await, Kept::thrice(23), "{kind}");
        assert_eq!(verify(&database, &server)["agrees"], true);
    }
}

/// A server does not start behind a pooler in transaction mode, which does not keep the state of a
/// connection. If the pooler is changed later, no click is dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_click_is_dropped_behind_a_pooler_of_transactions() {
    let (database, direct, codes) =
        server_with_links(Kind::Postgres, durability("journal"), 2).await;
    let pooler = tokio::task::block_in_place(|| PgBouncer::before(&database, PoolMode::Session));
    let pooled = durability("journal").env("WAYPOST_DATABASE_URL", pooler.url());
    let mut pooled = tokio::task::block_in_place(|| ServerProcess::start(&database, pooled));
    pooler.set_mode(PoolMode::Session, PoolMode::Transaction);
    for _ in 0..20 {
        for code in &codes {
            // A link that cannot be looked up is answered with 503 and not counted.
            let _ = Visitor::of(&pooled).visit(code).await;
            visits(&direct, code, 1).await;
        }
    }
    let output = pooled.output();
    assert!(dropped(&pooled, "rejected").await < 0.5, "{output}");
    let answered = metric(&pooled, "waypost_redirects_total{status=\"found\"}").await;
    tokio::task::block_in_place(|| pooled.terminate());
    // The remaining clicks are stored without the pooler.
    let options = durability("journal").env("WAYPOST_DATABASE_URL", database.url());
    tokio::task::block_in_place(|| pooled.restart_with(options.data_dir(pooled.data_dir())));
    drained(&pooled).await;
    drained(&direct).await;
    let counted = database.number("select sum(clicks) from links").await;
    #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
    let answered = answered as i64;
    assert_eq!(counted, 40 + answered, "{output}");
    assert_eq!(verify(&database, &direct)["agrees"], true);
}

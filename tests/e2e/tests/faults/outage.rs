//! Database outages under load.

use std::time::Duration;

use reqwest::StatusCode;
use waypost_e2e::Visitor;
use waypost_e2e::load::{Load, differences};
use waypost_test_harness::{
    DatabaseProxy, Kind, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, durability, links_of, long_or_short, metric, redirects,
    report, resident_links_of, server_with_links, sums,
};

/// Maximum duration of a redirect of a cached link, even on a busy machine.
const NEVER_LONGER: Duration = Duration::from_secs(5);

/// Returns the duration of the outage.
fn away() -> Duration {
    long_or_short(Duration::from_secs(20), Duration::from_secs(3))
}

/// Runs an outage that lasts while the value returned by `taken_away` is held.
async fn an_outage<T>(
    kind: Kind,
    database: &TestDatabase,
    server: &ServerProcess,
    codes: &[String],
    take_away: impl AsyncFnOnce() -> T,
    bring_back: impl AsyncFnOnce(T),
) {
    let uncached = links_of(server, 1).await;
    let load = Load::start(server, codes, CLIENTS);
    redirects(&load, 500).await;
    load.latencies();
    tokio::time::sleep(away() / 2).await;
    let undisturbed = load.latencies();

    let taken = take_away().await;
    tokio::time::sleep(away() / 2).await;
    if kind != Kind::Sqlite {
        // SQLite can still be read while it is locked.
        let response = Visitor::of(server).get(&format!("/{}", uncached[0])).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key("retry-after"));
    }
    tokio::time::sleep(away() / 2).await;
    let during = load.latencies();
    let pending = metric(server, "waypost_clicks_pending").await;
    let lag = metric(server, "waypost_click_lag_seconds").await;
    assert!(pending > 100.0 && lag > 1.0, "{pending} pending, {lag} s");
    bring_back(taken).await;

    redirects(&load, 500).await;
    assert_eq!((load.unavailable(), load.other()), (0, 0));
    let expected = load.stop().await;
    drained(server).await;
    assert_exact(database, server, &expected).await;
    let (least, most) = sums(&expected);
    assert_eq!(least, most, "no request failed");
    assert!(during.longest() < NEVER_LONGER, "{during}");
    report(format_args!(
        "{kind:?} away for {:?}: undisturbed {undisturbed}; meanwhile {during}; p99 {:.2} times; \
         {pending} clicks waited, the oldest for {lag:.1} s; all {least} counted",
        away(),
        during.per_mille(990).as_secs_f64() / undisturbed.per_mille(990).as_secs_f64()
    ));
}

async fn a_database_behind_a_proxy(kind: Kind) {
    let database = TestDatabase::new(kind);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal").env("WAYPOST_DATABASE_URL", proxy.url());
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = resident_links_of(&database, &server, 10).await;
    an_outage(
        kind,
        &database,
        &server,
        &codes,
        async || proxy.cut().await,
        async |()| proxy.restore(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_continue_while_postgres_is_unavailable() {
    a_database_behind_a_proxy(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_continue_while_mariadb_is_unavailable() {
    a_database_behind_a_proxy(Kind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_continue_while_sqlite_is_locked() {
    let (database, server, codes) =
        server_with_links(Kind::Sqlite, durability("journal"), 10).await;
    an_outage(
        Kind::Sqlite,
        &database,
        &server,
        &codes,
        async || database.lock().await,
        async |lock| drop(lock),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_server_could_not_store_is_stored_by_the_next() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options: ServerOptions = durability("journal")
        .env("WAYPOST_DATABASE_URL", proxy.url())
        .env("WAYPOST_SHUTDOWN_GRACE_S", "1");
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = resident_links_of(&database, &server, 3).await;
    let load = Load::start(&server, &codes, CLIENTS);
    redirects(&load, 200).await;
    proxy.cut().await;
    redirects(&load, 500).await;
    let expected = load.stop().await;
    let status = tokio::task::block_in_place(|| server.terminate());
    assert!(status.success(), "{status}\n{}", server.output());
    assert!(server.output().contains("the next start stores them"));
    proxy.restore();
    tokio::task::block_in_place(|| server.restart());
    drained(&server).await;
    assert_exact(&database, &server, &expected).await;
}

/// With durability `commit` a visit is only redirected once its click is in the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_commit_no_visit_is_redirected_while_the_database_is_unavailable() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("commit").env("WAYPOST_DATABASE_URL", proxy.url());
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = resident_links_of(&database, &server, 3).await;
    let load = Load::start(&server, &codes, CLIENTS);
    redirects(&load, 200).await;
    proxy.cut().await;
    let known = wait_until("redirects are rejected", SOON, async || {
        load.unavailable() > 100
    });
    known.await;
    let refused = Visitor::of(&server).get(&format!("/{}", codes[0])).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    // No click was accepted during the outage, and all earlier ones are stored.
    let wrong = differences(&database, &load.expected()).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    proxy.restore();
    redirects(&load, 200).await;
    assert_eq!(load.other(), 0);
    let unavailable = load.unavailable();
    let expected = load.stop().await;
    drained(&server).await;
    assert_exact(&database, &server, &expected).await;
    report(format_args!(
        "commit, PostgreSQL unavailable: {unavailable} responses with 503, {} redirects, all counted",
        sums(&expected).0
    ));
}

//! A PostgreSQL primary is killed and its standby takes over under three servers that know both.

use waypost_e2e::load::{Load, differences};
use waypost_e2e::wait_until_resident;
use waypost_test_harness::{PostgresPair, Replication, ServerProcess, TestDatabase, wait_until};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, durability, links_of, long_or_short, metric,
    redirects_of, report, stop_all, sums,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_and_every_click_is_counted() {
    let load = Pair::start(Replication::Synchronous).await;
    let had = rows(&load.primary).await;
    let mut load = load.go_on().await;
    load.pair.kill_primary();
    let load = load.go_on().await;
    tokio::task::block_in_place(|| load.pair.promote());
    assert!(rows(&load.standby).await >= had);
    let again = load.end("a synchronous standby took over").await;
    assert_eq!(again, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_asynchronous_standby_does_not_have_is_stored_again() {
    let load = Pair::start(Replication::Asynchronous).await;
    let mut load = load.go_on().await.fall_behind().await;
    load.pair.kill_primary();
    let load = load.go_on().await;
    tokio::task::block_in_place(|| load.pair.promote());
    let again = load.end("an asynchronous standby took over").await;
    assert!(again > 0);
}

/// Some servers could continue storing clicks on the old primary, where they would be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_wakes_up_after_its_standby_took_over_keeps_no_click() {
    let load = Pair::start(Replication::Asynchronous).await;
    let load = load.go_on().await.fall_behind().await;
    load.pair.pause_primary();
    let load = load.go_on().await;
    tokio::task::block_in_place(|| load.pair.promote());
    let load = load.go_on().await;
    load.pair.resume_primary();
    let mut load = load.go_on().await;
    load.pair.kill_primary();
    let again = load
        .end("a primary woke up after its standby took over")
        .await;
    assert!(again > 0);
}

/// Two database servers and three servers under load.
struct Pair {
    pair: PostgresPair,
    primary: TestDatabase,
    standby: TestDatabase,
    servers: [ServerProcess; 3],
    loads: Vec<Load>,
}

impl Pair {
    async fn start(replication: Replication) -> Self {
        let pair = tokio::task::block_in_place(|| PostgresPair::start(replication));
        let (primary, standby) = (pair.primary(), pair.standby());
        // The last server prefers the standby.
        let start = |first| {
            let options = durability("journal").env("WAYPOST_DATABASE_URL", pair.url(first));
            tokio::task::block_in_place(|| ServerProcess::start(&primary, options))
        };
        let servers = [start(0), start(0), start(1)];
        let codes = links_of(&servers[0], 20).await;
        wait_until("the standby has the links", SOON, async || {
            standby.number("select count(*) from links").await == 20
        })
        .await;
        wait_until_resident(&primary, &servers.each_ref(), &codes).await;
        let loads = servers
            .iter()
            .map(|server| Load::start(server, &codes, CLIENTS / 2))
            .collect();
        Self {
            pair,
            primary,
            standby,
            servers,
            loads,
        }
    }

    async fn go_on(self) -> Self {
        for (load, server) in self.loads.iter().zip(&self.servers) {
            redirects_of(load, Some(server), long_or_short(3_000, 300)).await;
        }
        self
    }

    /// Stores clicks on the primary that the standby does not receive.
    async fn fall_behind(self) -> Self {
        self.pair.stop_replication();
        let known = rows(&self.standby).await;
        wait_until("the primary has more", SOON, async || {
            rows(&self.primary).await > known + 500
        })
        .await;
        self
    }

    /// Asserts that the standby, now the primary, has each click once. Returns how many were stored
    /// again.
    async fn end(self, what: &str) -> u64 {
        let Self {
            pair: _pair,
            servers,
            loads,
            standby,
            ..
        } = self.go_on().await;
        let expected = stop_all(loads).await;
        for server in &servers {
            drained(server).await;
        }
        // A server without pending clicks learns of it from the change feed.
        wait_until("every click is counted", SOON, async || {
            differences(&standby, &expected).await.is_empty()
        })
        .await;
        assert_exact(&standby, &servers[0], &expected).await;
        // A link that is not cached yet is answered with 503 while the database is unavailable, and
        // not counted.
        let least = sums(&expected).0;
        let clicks = standby
            .number("select sum(clicks)::bigint from links")
            .await;
        assert_eq!(clicks, least);
        let mut again = 0.0;
        for server in &servers {
            again += metric(server, "waypost_clicks_stored_again_total").await;
        }
        report(format_args!(
            "PostgreSQL: {what}, {again} clicks were stored again; {least} redirects, all counted, none twice"
        ));
        again as u64
    }
}

async fn rows(database: &TestDatabase) -> i64 {
    database.number("select count(*) from link_clicks").await
}

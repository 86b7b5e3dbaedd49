//! A PostgreSQL primary is killed and its standby takes over, under three servers that know both.

use waypost_e2e::load::{Load, differences};
use waypost_test_harness::{PostgresPair, Replication, ServerProcess, TestDatabase, wait_until};

use crate::setup::{
    CLIENTS, SOON, assert_exact, drained, durability, links_of, long_or_short, metric, redirects,
    report, stop_all, sums,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synchronous_standby_takes_over_and_every_click_is_counted() {
    let (_, kept) = a_standby_takes_over(Replication::Synchronous).await;
    assert_eq!(kept.stored_again, 0, "{kept:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_asynchronous_standby_does_not_have_is_stored_again() {
    let (forgotten, kept) = a_standby_takes_over(Replication::Asynchronous).await;
    assert!(
        forgotten > 0 && kept.stored_again > 0,
        "{forgotten}, {kept:?}"
    );
}

#[derive(Debug)]
struct Kept {
    stored_again: u64,
}

/// Returns how many clicks the primary had and the standby had not.
async fn a_standby_takes_over(replication: Replication) -> (i64, Kept) {
    let mut pair = tokio::task::block_in_place(|| PostgresPair::start(replication));
    let (primary, standby) = (pair.primary(), pair.standby());
    // The last one asks the standby first.
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
    let loads: Vec<_> = servers
        .iter()
        .map(|server| Load::start(server, &codes, CLIENTS / 2))
        .collect();
    let go_on = async || {
        for load in &loads {
            redirects(load, long_or_short(3_000, 300)).await;
        }
    };
    go_on().await;
    if replication == Replication::Asynchronous {
        pair.stop_replication();
        let known = rows(&standby).await;
        wait_until("the primary has more", SOON, async || {
            rows(&primary).await > known + 500
        })
        .await;
    }
    let had = rows(&primary).await;
    pair.kill_primary();
    go_on().await;
    let forgotten = had - rows(&standby).await;
    tokio::task::block_in_place(|| pair.promote());
    go_on().await;
    let expected = stop_all(loads).await;
    for server in &servers {
        drained(server).await;
    }
    // Whoever had nothing to store learns of it from the change feed.
    wait_until("every click is counted", SOON, async || {
        differences(&standby, &expected).await.is_empty()
    })
    .await;
    assert_exact(&standby, &servers[0], &expected).await;
    // A link that is in nobody's memory yet is answered 503 while the database is away, and is no click.
    let least = sums(&expected).0;
    let clicks = standby
        .number("select sum(clicks)::bigint from links")
        .await;
    assert_eq!(clicks, least);
    let mut stored_again = 0;
    for server in &servers {
        let again = metric(server, "waypost_clicks_stored_again_total").await;
        stored_again += again as u64;
    }
    report(format_args!(
        "PostgreSQL, {replication:?}: the standby took over, {forgotten} clicks of the primary were not on it, \
         {stored_again} were stored again; {least} redirects, all counted, none twice"
    ));
    (forgotten, Kept { stored_again })
}

async fn rows(database: &TestDatabase) -> i64 {
    database.number("select count(*) from link_clicks").await
}

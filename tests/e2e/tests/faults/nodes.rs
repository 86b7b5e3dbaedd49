//! Several servers on one database.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use waypost_e2e::load::{Expected, Load};
use waypost_e2e::{FRESH_WITHIN, Visitor};
use waypost_test_harness::{Kind, ServerProcess, wait_until};

use crate::setup::{
    CLIENTS, assert_exact, drained, durability, long_or_short, redirects, report,
    server_with_links, sums,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_on_one_postgres_count_exactly_while_one_is_killed() {
    three_servers(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_on_one_mariadb_count_exactly_while_one_is_killed() {
    three_servers(Kind::MariaDb).await;
}

async fn three_servers(kind: Kind) {
    let rounds = long_or_short(10, 2);
    let (database, first, codes) = server_with_links(kind, durability("journal"), 20).await;
    let start = || ServerProcess::start(&database, durability("journal"));
    let mut servers = vec![first, start(), start()];
    let loads: Vec<_> = servers
        .iter()
        .map(|server| Load::start(server, &codes, CLIENTS / 2))
        .collect();
    for round in 0..rounds {
        for load in &loads {
            redirects(load, 100).await;
        }
        let unlucky = (round * 2 + 1) % servers.len();
        tokio::task::block_in_place(|| {
            servers[unlucky].kill();
            servers[unlucky].restart();
        });
        loads[unlucky].go_to(&servers[unlucky]);
    }
    let slowest = changes_are_known(&servers).await;
    let mut expected = std::collections::BTreeMap::new();
    for load in loads {
        redirects(&load, 100).await;
        for (code, Expected { least, most }) in load.stop().await {
            let sum = expected
                .entry(code)
                .or_insert(Expected { least: 0, most: 0 });
            sum.least += least;
            sum.most += most;
        }
    }
    for server in &servers {
        drained(server).await;
    }
    assert_exact(&database, &servers[0], &expected).await;
    report(format_args!(
        "three servers, {kind:?}, one killed {rounds} times: {} redirects, all counted, none twice; a \
         change was known to the others after {slowest:?} at the latest",
        sums(&expected).0
    ));
}

/// A link that one server deletes, or makes again with another target, is followed so by the others.
async fn changes_are_known(servers: &[ServerProcess]) -> Duration {
    let visitors: Vec<_> = servers.iter().map(Visitor::of).collect();
    let mut slowest = Duration::ZERO;
    for target in ["https://example.com/1", "https://example.com/2"] {
        let made = json!({ "url": target, "code": "moving" });
        let status = visitors[0].post(made).await.status();
        assert_eq!(status, StatusCode::CREATED);
        let began = Instant::now();
        for visitor in &visitors {
            wait_until("the new target is known", FRESH_WITHIN, async || {
                visitor.visit("moving").await.unwrap().1.as_deref() == Some(target)
            })
            .await;
        }
        slowest = slowest.max(began.elapsed());
        let deleted = visitors[0].send(Method::DELETE, "/urls/moving").await;
        assert_eq!(deleted.unwrap().status(), StatusCode::NO_CONTENT);
        let began = Instant::now();
        for visitor in &visitors {
            wait_until("the link is known to be gone", FRESH_WITHIN, async || {
                visitor.visit("moving").await.unwrap().0 == StatusCode::NOT_FOUND
            })
            .await;
        }
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

//! Several servers on one database.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;
use waypost_e2e::load::Load;
use waypost_e2e::{FRESH_WITHIN, Visitor};
use waypost_test_harness::{Invocation, Kind, ServerProcess, TestDatabase, wait_until};

use crate::setup::{
    CLIENTS, assert_counted, drained, durability, long_or_short, redirects, report,
    server_with_links, stop_all, sums,
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
    let slowest = changes_are_known(&database, &servers).await;
    for load in &loads {
        redirects(load, 100).await;
    }
    let expected = stop_all(loads).await;
    for server in &servers {
        drained(server).await;
    }
    let verified = assert_counted(&database, &servers[0], &expected).await;
    let journals = verified["journals"].as_array().unwrap();
    assert_eq!(journals.len(), servers.len(), "{verified}");
    report(format_args!(
        "three servers, {kind:?}, one killed {rounds} times: {} redirects, all counted, none twice; a \
         change was known to the others after {slowest:?} at the latest",
        sums(&expected).0
    ));
}

/// Asserts that the other servers follow a link that one server creates, and that it or `linkctl`
/// deletes or restores. Returns the longest time that this took.
async fn changes_are_known(database: &TestDatabase, servers: &[ServerProcess]) -> Duration {
    let visitors: Vec<_> = servers.iter().map(Visitor::of).collect();
    let code = "moving";
    let target = "https://example.com/moving";
    let made = json!({ "url": target, "code": code });
    let status = visitors[0].post(made).await.status();
    assert_eq!(status, StatusCode::CREATED);
    let found = (StatusCode::FOUND, Some(target.to_owned()));
    let mut slowest = known_to_all(&visitors, &found).await;
    for by_linkctl in [false, true, false] {
        if by_linkctl {
            linkctl(database, &["link", "delete", code, "--yes"]);
        } else {
            let path = format!("/urls/{code}");
            let deleted = visitors[0].send(Method::DELETE, &path).await;
            assert_eq!(deleted.unwrap().status(), StatusCode::NO_CONTENT);
        }
        let taken = known_to_all(&visitors, &(StatusCode::NOT_FOUND, None)).await;
        slowest = slowest.max(taken);
        linkctl(database, &["link", "restore", code]);
        slowest = slowest.max(known_to_all(&visitors, &found).await);
    }
    slowest
}

/// Waits until every server gives this response, and returns how long that took.
async fn known_to_all(visitors: &[Visitor], answer: &(StatusCode, Option<String>)) -> Duration {
    // In the long form no other test uses the machine.
    let limit = long_or_short(Duration::from_secs(2), FRESH_WITHIN);
    let began = Instant::now();
    wait_until("every server knows the change", limit, async || {
        for visitor in visitors {
            if visitor.visit("moving").await.unwrap() != *answer {
                return false;
            }
        }
        true
    })
    .await;
    began.elapsed()
}

fn linkctl(database: &TestDatabase, arguments: &[&str]) {
    tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(arguments.to_vec())
            .database(database)
            .run()
            .assert_success();
    });
}

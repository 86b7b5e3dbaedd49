//! Orphan paths on real servers.

use reqwest::{Client, StatusCode};
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(what_people_try_on_any_node_is_listed_and_scanners_are_not);

/// Time after which a requested path is in the database, with a margin.
const WRITTEN_WITHIN: std::time::Duration = waypost_test_harness::PATIENCE;

/// Sends `GET` as a browser with this IP address behind a proxy.
async fn browse(server: &ServerProcess, address: &str, path: &str) {
    let client = Client::builder()
        .no_proxy()
        .build()
        .expect("a client needs nothing");
    let request = client
        .get(server.url(path))
        .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header(
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        )
        .header("X-Forwarded-For", address);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
}

/// Returns the paths that `linkctl orphans --json` prints, with their numbers of requests.
fn all_printed(database: &TestDatabase) -> Vec<(String, u64)> {
    let printed = linkctl(database, &["orphans", "--json"]).assert_success();
    let lines = printed.stdout.lines();
    lines
        .map(|line| {
            let orphan: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let path = orphan["path"].as_str().expect("a path").to_owned();
            (path, orphan["hits"].as_u64().expect("a number"))
        })
        .collect()
}

/// Returns the paths that people requested.
fn printed(database: &TestDatabase) -> Vec<(String, u64)> {
    let mut printed = all_printed(database);
    printed.retain(|(path, _)| !path.starts_with("guess-"));
    printed
}

async fn what_people_try_on_any_node_is_listed_and_scanners_are_not(kind: Kind) {
    let database = TestDatabase::new(kind);
    let options = || closed().env("WAYPOST_TRUSTED_PROXIES", "127.0.0.1");
    let here = ServerProcess::start(&database, options());
    let mut there = ServerProcess::start(&database, options());
    for (address, path) in [
        ("192.0.2.1", "/Wikl"),
        ("192.0.2.2", "/wikl/?q=1"),
        ("192.0.2.2", "/docs/api"),
        ("192.0.2.2", "/wp-login.php"),
    ] {
        browse(&here, address, path).await;
    }
    for number in 0..20 {
        browse(&there, "192.0.2.3", &format!("/guess-{number}")).await;
    }
    browse(&there, "192.0.2.1", "/wikl").await;

    let all = [("wikl".to_owned(), 3), ("docs/api".to_owned(), 1)];
    wait_until("both nodes have written", WRITTEN_WITHIN, async || {
        printed(&database) == all
    })
    .await;
    // A server shows the paths that were requested from it at once.
    browse(&here, "192.0.2.1", "/docs/api").await;
    let operator = Member::with_token(&here, OPERATOR);
    let listed = operator.get("/api/v1/admin/orphans").await;
    let orphans = listed["orphans"].as_array().expect("a list");
    assert_eq!(orphans[0]["path"], "wikl");
    assert_eq!(orphans[1]["hits"], 2);

    // A path with a new link is no longer an orphan path.
    let link = serde_json::json!({ "code": "wikl", "url": "https://example.com/" });
    operator.make(link).await;
    assert_eq!(printed(&database), [("docs/api".to_owned(), 2)]);
    operator.delete("/api/v1/admin/orphans/docs%2Fapi").await;
    assert_eq!(printed(&database), []);
    // A server stores its pending paths when it stops.
    browse(&there, "192.0.2.1", "/at-the-end").await;
    assert!(there.terminate().success());
    assert_eq!(printed(&database), [("at-the-end".to_owned(), 1)]);
    // Paths that the client requested before it was recognised as a scanner may have been stored.
    let guesses = all_printed(&database).len() - 1;
    assert!(guesses <= 10, "{guesses} of 20");
    let metrics = Client::builder().no_proxy().build().expect("a client");
    let metrics = metrics.get(here.url("/metrics")).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("a text");
    assert!(
        metrics.contains("waypost_orphans_recorded_total 4\n"),
        "{metrics}"
    );
    assert!(!metrics.contains("wikl"), "a path is no label");
}

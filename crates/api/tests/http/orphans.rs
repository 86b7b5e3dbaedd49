//! Orphan paths: which requests are counted, and the list for admins.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;
use waypost_store::OrphanStore as _;

use crate::setup::{OPERATOR, TestServer, send};

const ORPHANS: &str = "/api/v1/admin/orphans";

/// Sends `GET` as a browser with this IP address.
async fn browse(server: &TestServer, address: &str, path: &str) -> StatusCode {
    let request = server
        .request(Method::GET, path)
        .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header("User-Agent", "Mozilla/5.0 (test)")
        .header("X-Forwarded-For", address);
    send(request).await.status
}

async fn listed(server: &TestServer, query: &str) -> Value {
    let answer = server.read(OPERATOR, &format!("{ORPHANS}{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

/// Returns the paths of the list with their numbers of requests.
async fn paths(server: &TestServer, query: &str) -> Vec<(String, u64)> {
    let list = listed(server, query).await;
    let orphans = list["orphans"].as_array().unwrap().iter();
    let path = |orphan: &Value| orphan["path"].as_str().unwrap().to_owned();
    orphans
        .map(|orphan| (path(orphan), orphan["hits"].as_u64().unwrap()))
        .collect()
}

fn one(path: &str, hits: u64) -> Vec<(String, u64)> {
    vec![(path.to_owned(), hits)]
}

#[tokio::test]
async fn orphan_paths_are_listed_with_days_and_times() {
    let server = TestServer::start().await;
    for (address, path) in [
        ("192.0.2.1", "/Docs/API"),
        ("192.0.2.2", "/docs/api/?q=secret"),
        ("192.0.2.2", "/wikl"),
    ] {
        let status = browse(&server, address, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    server.clock.advance(Duration::days(1));
    browse(&server, "192.0.2.3", "/docs/api").await;
    let expected = json!({
        "from": "2026-02-01",
        "to": "2026-03-02",
        "orphans": [
            {
                "path": "docs/api",
                "hits": 3,
                "days": 2,
                "first_at": "2026-03-01T12:00:00.25Z",
                "last_at": "2026-03-02T12:00:00.25Z",
            },
            {
                "path": "wikl",
                "hits": 1,
                "days": 1,
                "first_at": "2026-03-01T12:00:00.25Z",
                "last_at": "2026-03-01T12:00:00.25Z",
            },
        ],
        "next_cursor": null,
    });
    assert_eq!(listed(&server, "").await, expected);
    let today = "?from=2026-03-02";
    assert_eq!(paths(&server, today).await, one("docs/api", 1));
    assert_eq!(paths(&server, "?to=2026-02-28").await, []);
}

#[tokio::test]
async fn scanners_programs_previews_and_links_are_not_listed() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    for path in ["/wiki", "/wiki/page", "/WIKI/"] {
        assert_eq!(browse(&server, "192.0.2.1", path).await, StatusCode::FOUND);
    }
    for path in [
        "/",
        "/wp-login.php",
        "/.env",
        "/favicon.ico",
        "/%77ikl",
        "/api/v1/nothing",
        "/health/nothing",
    ] {
        let status = browse(&server, "192.0.2.1", path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    server.get("/program").await.assert_error(404, "NOT_FOUND");
    assert_eq!(server.head("/preview").await.status, StatusCode::NOT_FOUND);
    let robot = server
        .request(Method::GET, "/robot")
        .header("Accept", "text/html")
        .header("User-Agent", "robot");
    assert_eq!(send(robot).await.status, StatusCode::NOT_FOUND);
    for number in 0..30 {
        // All IPv6 addresses of a network count as one visitor.
        let address = format!("2001:db8::{number}");
        browse(&server, &address, &format!("/guess-{number}")).await;
    }
    assert_eq!(paths(&server, "").await, []);
    browse(&server, "192.0.2.1", "/wikl").await;
    assert_eq!(paths(&server, "").await, one("wikl", 1));
}

#[tokio::test]
async fn a_path_is_not_listed_when_it_matches_a_link_or_is_dismissed() {
    let server = TestServer::start().await;
    for path in ["/wikl", "/docs/api", "/docs"] {
        browse(&server, "192.0.2.1", path).await;
    }
    server.link("wikl").await;
    let forget = async |path: &str| {
        let path = format!("{ORPHANS}/{path}");
        send(server.by(OPERATOR, Method::DELETE, &path)).await
    };
    let forgotten = forget("Docs%2Fapi").await;
    assert_eq!(forgotten.status, StatusCode::NO_CONTENT);
    assert_eq!(paths(&server, "").await, one("docs", 1));
    for path in ["docs%2Fapi", "never", "wp-login.php"] {
        forget(path).await.assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn the_list_has_pages() {
    let server = TestServer::start().await;
    for (hits, path) in [(1, "/c"), (3, "/a"), (2, "/b/x"), (1, "/d")] {
        for _ in 0..hits {
            browse(&server, "192.0.2.1", path).await;
        }
    }
    let mut seen = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        seen.extend(paths(&server, &query).await);
        let list = listed(&server, &query).await;
        let Some(cursor) = list["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=3&cursor={}", cursor.replace('/', "%2F"));
    }
    let names: Vec<_> = seen.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, ["a", "b/x", "c", "d"]);
    for query in [
        "limit=0",
        "cursor=1",
        "from=yesterday",
        "to=2026-02-30",
        "from=2026-03-02&to=2026-03-01",
        "form=2026-03-02",
    ] {
        let refused = server.read(OPERATOR, &format!("{ORPHANS}?{query}")).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn a_visitor_never_waits_for_the_database_and_nothing_is_lost_while_it_is_unavailable() {
    let server = TestServer::start().await;
    // Cached as unknown: the database is not queried.
    browse(&server, "192.0.2.1", "/wikl").await;
    server.store.go_away();
    for _ in 0..3 {
        let status = browse(&server, "192.0.2.1", "/wikl").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let away = server.read(OPERATOR, ORPHANS).await;
    away.assert_error(503, "UNAVAILABLE");
    server.store.come_back();
    assert_eq!(paths(&server, "").await, one("wikl", 4));
    let today = waypost_core::Clock::now(&*server.clock).date();
    let store = server.store.memory();
    assert_eq!(store.purge_orphans(today, 9).await.unwrap(), 0);
}

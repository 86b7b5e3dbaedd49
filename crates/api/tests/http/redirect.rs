//! Redirects: headers and counting.

use std::sync::Arc;

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use time::Duration;
use tokio::task::JoinSet;
use waypost_analytics::Durability;
use waypost_store::{JournalStore as _, LinkStore as _};
use waypost_store_testkit::samples::code;

use crate::setup::{TestServer, send, settings};

#[tokio::test]
async fn a_visit_is_redirected_and_counted() {
    let server = TestServer::start().await;
    server.link("Wiki").await;
    for path in ["/Wiki", "/wiki", "/WIKI?utm_source=mail", "/%77iki"] {
        let followed = server.get(path).await;
        assert_eq!(followed.status, StatusCode::FOUND, "{path}");
        assert_eq!(followed.header("location"), "https://example.com/target");
        assert_eq!(followed.header("cache-control"), "private, no-store");
        assert_eq!(followed.body, "");
    }
    assert_eq!(server.clicks("wiki").await, 4);
}

#[tokio::test]
async fn head_has_the_same_headers_and_is_not_counted() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    let preview = server.head("/wiki").await;
    let followed = server.get("/wiki").await;
    let same = |answer: &crate::setup::Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        (answer.status, headers)
    };
    assert_eq!(same(&preview), same(&followed));
    assert_eq!(server.clicks("wiki").await, 1);
    assert_eq!(server.head("/unknown").await.status, StatusCode::NOT_FOUND);
    let counted = server
        .metric("waypost_redirects_total{status=\"not_found\"}")
        .await;
    assert!(counted.abs() < f64::EPSILON);
}

#[tokio::test]
async fn five_visits_at_once_count_five() {
    let server = Arc::new(TestServer::start().await);
    server.link("wiki").await;
    let mut visits = JoinSet::new();
    for _ in 0..5 {
        let server = Arc::clone(&server);
        visits.spawn(async move { server.get("/wiki").await.status });
    }
    assert_eq!(visits.join_all().await, [StatusCode::FOUND; 5]);
    assert_eq!(server.clicks("wiki").await, 5);
}

#[tokio::test]
async fn a_path_without_a_link_is_not_found() {
    let server = TestServer::start().await;
    let too_long = format!("/{}", "x".repeat(65));
    for path in [
        "/unknown",
        too_long.as_str(),
        "/-wiki",
        "/wi.ki",
        "/%00",
        "/wi%00ki",
        "/%ff%fe",
        "/%zz",
        "/%",
        "/%2e%2e",
        "/wi%2Fki",
        "/%F0%9F%8E%89",
        "/wi+ki",
        "/health1",
        "/Health",
        "/%20wiki",
    ] {
        let missing = server.get(path).await;
        missing.assert_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_gets_json() {
    let server = TestServer::start().await;
    for path in ["/unknown", "/unknown/path", "/"] {
        let page = server.browse(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("vary"), "accept");
        assert!(page.body.starts_with("<!doctype html>"), "{path}");
        assert!(page.body.contains("<h1>Link not found</h1>"), "{path}");
        assert!(!page.headers.contains_key(LOCATION));
        let json = server.get(path).await;
        json.assert_error(404, "NOT_FOUND");
        assert_eq!(json.header("vary"), "accept");
    }
    // API operations return JSON to every client.
    let operation = server.browse("/urls/unknown/stats").await;
    operation.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn without_the_database_a_visit_is_asked_to_retry() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    server.store.go_away();
    let away = server.get("/wiki").await;
    away.assert_error(503, "UNAVAILABLE");
    assert_eq!(away.header("retry-after"), "1");
    let page = server.browse("/wiki").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), "1");
    assert!(page.body.starts_with("<!doctype html>"));
    server.store.come_back();
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    assert_eq!(server.clicks("wiki").await, 1);
}

#[tokio::test]
async fn a_visit_never_waits_for_the_database_and_statistics_say_how_complete_they_are() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    server.store.hold_recordings();
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    server.clock.advance(Duration::seconds(5));
    let (stats, list) = tokio::join!(server.get("/urls/wiki/stats"), server.get("/urls"));
    assert_eq!(stats.json()["clicks"], 0);
    for answer in [stats, list] {
        assert_eq!(
            answer.json()["clicksCompleteUntil"],
            "2026-03-01T12:00:00.25Z"
        );
    }
    server.store.let_recordings_through();
    let (stats, list) = tokio::join!(server.get("/urls/wiki/stats"), server.get("/urls"));
    assert_eq!(stats.json()["clicks"], 1);
    for answer in [stats, list] {
        assert_eq!(
            answer.json()["clicksCompleteUntil"],
            "2026-03-01T12:00:05.25Z"
        );
    }
}

#[tokio::test]
async fn a_link_purged_during_a_visit_still_redirects_and_the_click_is_dropped() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    server.link("other").await;
    server.store.hold_recordings();
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    server.store.begun.acquire().await.unwrap().forget();
    let links = server.store.memory();
    let wiki = links.link_by_code(&code("wiki")).await.unwrap().unwrap();
    assert!(links.delete_link(wiki.id).await.unwrap());
    server.store.let_recordings_through();
    assert_eq!(server.get("/other").await.status, StatusCode::FOUND);
    assert_eq!(server.clicks("other").await, 1);
    let journals = server.store.memory().journals().await.unwrap();
    let [journal] = journals.as_slice() else {
        panic!("{journals:?}")
    };
    assert_eq!((journal.stored, journal.dropped.link_deleted), (1, 1));
}

#[tokio::test]
async fn with_durability_commit_a_visit_is_redirected_after_its_click_is_stored() {
    let server = TestServer::try_with(&settings(), Durability::Commit).await;
    let server = Arc::new(server.unwrap());
    server.link("wiki").await;
    server.store.hold_recordings();
    let visit = tokio::spawn({
        let server = Arc::clone(&server);
        async move { server.get("/wiki").await }
    });
    server.store.begun.acquire().await.unwrap().forget();
    assert!(!visit.is_finished());
    server.store.let_recordings_through();
    assert_eq!(visit.await.unwrap().status, StatusCode::FOUND);
    assert_eq!(server.store.recorded().len(), 1);
}

#[tokio::test]
async fn user_agent_and_referrer_reach_the_store() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    let visit = server
        .request(Method::GET, "/wiki")
        .header("User-Agent", "Mozilla/5.0 (test)")
        .header("Referer", "https://example.com/page?token=1")
        .header("X-Forwarded-For", "203.0.113.7");
    assert_eq!(send(visit).await.status, StatusCode::FOUND);
    assert_eq!(server.clicks("wiki").await, 1);
    let clicks = server.store.recorded();
    let [click] = clicks.as_slice() else {
        panic!("{clicks:?}")
    };
    assert_eq!(
        click.user_agent.as_ref().unwrap().as_str(),
        "Mozilla/5.0 (test)"
    );
    assert_eq!(
        click.referrer.as_ref().unwrap().as_str(),
        "https://example.com/page"
    );
    assert!(click.ip_hash.is_some());
}

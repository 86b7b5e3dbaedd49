//! Metrics in the format of Prometheus.

use std::sync::atomic::Ordering;

use time::Duration;
use waypost_api::Metrics;

use crate::setup::{TestServer, value};

#[tokio::test]
async fn every_series_exists_from_the_start_at_zero() {
    let server = TestServer::start().await;
    let answer = server.scrape().await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let zero = [
        "waypost_redirects_total{status=\"found\"}",
        "waypost_redirects_total{status=\"not_found\"}",
        "waypost_redirects_total{status=\"gone\"}",
        "waypost_redirects_total{status=\"forbidden\"}",
        "waypost_redirects_total{status=\"error\"}",
        "waypost_redirect_duration_seconds_count",
        "waypost_redirect_duration_seconds_sum",
        "waypost_redirect_duration_seconds_bucket{le=\"0.00005\"}",
        "waypost_redirect_duration_seconds_bucket{le=\"2.5\"}",
        "waypost_links",
        "waypost_links_total",
        "waypost_users",
        "waypost_users_total",
        "waypost_clicks_recorded_total",
        "waypost_clicks_record_errors_total",
        "waypost_clicks_purged_total",
        "waypost_clicks_without_record_total",
    ];
    for series in zero {
        assert_eq!(
            value(&answer.body, series),
            Some(0.0),
            "{series} in\n{}",
            answer.body
        );
    }
    let version = env!("CARGO_PKG_VERSION");
    let info = format!("waypost_build_info{{version=\"{version}\"}}");
    for series in ["waypost_database_up", &info] {
        assert_eq!(value(&answer.body, series), Some(1.0), "{series}");
    }
    for line in answer
        .body
        .lines()
        .filter(|line| line.starts_with("# TYPE"))
    {
        let name = line.split(' ').nth(2).unwrap();
        let help = format!("# HELP {name} ");
        assert!(answer.body.contains(&help), "{name} has no help");
    }
}

#[tokio::test]
async fn redirects_are_counted_by_outcome_and_head_is_not() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    for path in ["/wiki", "/WIKI", "/nowhere", "/%00"] {
        server.get(path).await;
        server.head(path).await;
    }
    server.store.go_away();
    // A cached link needs no database.
    server.get("/wiki").await;
    server.get("/never-asked-before").await;
    let text = server.scrape().await.body;
    for (series, expected) in [
        ("waypost_redirects_total{status=\"found\"}", 3.0),
        ("waypost_redirects_total{status=\"not_found\"}", 2.0),
        ("waypost_redirects_total{status=\"error\"}", 1.0),
        ("waypost_redirect_duration_seconds_count", 6.0),
        ("waypost_redirect_duration_seconds_bucket{le=\"+Inf\"}", 6.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    for secret in ["wiki", "nowhere", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_scrape_succeeds_without_the_database_and_keeps_the_last_values() {
    let server = TestServer::start().await;
    server.link("one").await;
    server.link("two").await;
    assert_eq!(server.metric("waypost_links").await.to_string(), "2");
    server.store.go_away();
    server.clock.advance(Duration::seconds(1));
    let text = server.scrape().await.body;
    assert_eq!(value(&text, "waypost_database_up"), Some(0.0));
    assert_eq!(value(&text, "waypost_links"), Some(2.0));
    assert_eq!(value(&text, "waypost_links_total"), Some(2.0));
    server.store.come_back();
    server.clock.advance(Duration::seconds(1));
    assert_eq!(server.metric("waypost_database_up").await.to_string(), "1");
}

#[tokio::test]
async fn the_store_counts_once_a_second_for_any_number_of_scrapers() {
    let server = TestServer::start().await;
    let scrape = || server.scrape();
    tokio::join!(scrape(), scrape(), scrape());
    let counted = || server.store.counted.load(Ordering::SeqCst);
    assert_eq!(counted(), 1);
    server.clock.advance(Duration::milliseconds(999));
    scrape().await;
    assert_eq!(counted(), 1);
    server.clock.advance(Duration::milliseconds(1));
    scrape().await;
    assert_eq!(counted(), 2);
    server.clock.advance(Duration::hours(-1));
    scrape().await;
    assert_eq!(counted(), 3);
}

#[tokio::test]
async fn two_servers_in_one_process_count_separately() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    one.get("/unknown").await;
    let series = "waypost_redirects_total{status=\"not_found\"}";
    assert_eq!(one.metric(series).await.to_string(), "1");
    assert_eq!(other.metric(series).await.to_string(), "0");
}

#[test]
fn the_recorder_of_the_process_is_installed_once_and_shared() {
    let first = Metrics::install();
    let second = Metrics::install();
    assert!(first.is_ok() && second.is_ok());
}

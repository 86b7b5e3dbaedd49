//! Operation of the server: health, listening addresses, shutdown.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use waypost_analytics::Durability;
use waypost_api::{HttpSettings, ServeError};
use waypost_core::{Clock as _, SystemClock};

use crate::setup::{TestServer, settings};

#[tokio::test]
async fn health_reports_a_running_server_even_without_a_database() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/health/ready").await.body, r#"{"status":"ok"}"#);
    server.store.go_away();
    assert_eq!(server.get("/health").await.body, r#"{"status":"ok"}"#);
    let away = server.get("/health/ready").await;
    away.assert_error(503, "UNAVAILABLE");
    assert_eq!(away.header("retry-after"), "1");
    server.store.come_back();
    assert_eq!(server.get("/health/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_server_whose_clock_differs_from_its_database_is_ready_and_says_so() {
    let server = TestServer::start().await;
    // The store uses the system time, which differs from the clock of the test.
    server.database_clock.measure().await.unwrap();
    let ready = server.get("/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    let ready = ready.json();
    assert_eq!(ready["status"], "ok");
    assert_eq!(ready["details"].as_array().unwrap().len(), 1);
    let detail = &ready["details"][0];
    assert_eq!(detail["code"], "CLOCK_SKEW");
    let message = detail["message"].as_str().unwrap();
    assert!(
        message.starts_with("the clock of this server is ")
            && message.contains(" s behind that of"),
        "{message}"
    );
    let behind = SystemClock.now() - server.clock.now();
    server.clock.advance(behind);
    assert_eq!(server.get("/health/ready").await.body, r#"{"status":"ok"}"#);
    server
        .clock
        .advance(Duration::from_secs(301).try_into().unwrap());
    let ready = server.get("/health/ready").await.json();
    let message = ready["details"][0]["message"].as_str().unwrap();
    assert!(message.contains(" s ahead of that of"), "{message}");
}

#[tokio::test]
async fn a_readiness_check_waits_two_seconds_for_the_database() {
    let server = TestServer::start().await;
    server.store.fall_silent();
    let (ready, metrics) = tokio::join!(server.get("/health/ready"), server.scrape());
    ready.assert_error(503, "UNAVAILABLE");
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(metrics.body.contains("waypost_database_up 0"));
}

#[tokio::test]
async fn get_routes_answer_head() {
    let server = TestServer::start().await;
    for path in ["/urls", "/health", "/health/ready", "/api/openapi.json"] {
        let (head, get) = (server.head(path).await, server.get(path).await);
        assert_eq!(head.status, StatusCode::OK, "{path}");
        assert_eq!(head.body, "", "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
}

#[tokio::test]
async fn a_listening_address_in_use_is_named_in_the_error() {
    let first = TestServer::start().await;
    let address = first.address();
    let settings = HttpSettings {
        listen: Some(vec![address.into()]),
        ..settings()
    };
    let second = TestServer::try_with(&settings, Durability::Journal).await;
    let Err(error) = second else {
        panic!("two servers on {address}")
    };
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    let ServeError::Bind { source, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(first.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_with_their_own_address_are_only_served_there() {
    let server = TestServer::with(&HttpSettings {
        metrics_listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()],
        ..settings()
    })
    .await;
    server.scrape().await.assert_error(404, "NOT_FOUND");
    let own = server.server.metrics_addresses()[0].socket_address();
    let own = own.unwrap();
    assert_ne!(own, server.address());
    let client = Client::new();
    let get = async |path: &str| client.get(format!("http://{own}{path}")).send().await;
    let metrics = get("/metrics").await.unwrap();
    assert_eq!(metrics.status(), StatusCode::OK);
    assert!(metrics.text().await.unwrap().contains("waypost_links 0"));
    for path in ["/health", "/urls", "/wiki", "/"] {
        assert_eq!(get(path).await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn stopping_finishes_running_requests_closes_idle_connections_and_accepts_no_new_ones() {
    let server = TestServer::try_with(&settings(), Durability::Commit).await;
    let server = server.unwrap();
    server.link("wiki").await;
    let (address, url) = (server.address(), server.url("/wiki"));
    // Nothing is sent on this connection.
    let mut idle = TcpStream::connect(address).await.unwrap();
    server.store.hold_recordings();
    let visit = tokio::spawn(async move {
        let client = Client::builder().redirect(Policy::none()).build();
        client.unwrap().get(url).send().await.unwrap().status()
    });
    server.store.begun.acquire().await.unwrap().forget();
    let stopped = tokio::spawn(server.server.stop());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopped.is_finished(), "a request is under way");
    server.store.let_recordings_through();
    assert_eq!(visit.await.unwrap(), StatusCode::FOUND);
    stopped.await.unwrap().unwrap();
    assert_eq!(server.store.recorded().len(), 1);
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_request_that_exceeds_the_grace_period_is_cut_off() {
    let settings = HttpSettings {
        shutdown_grace: Duration::ZERO,
        ..settings()
    };
    let server = TestServer::try_with(&settings, Durability::Commit).await;
    let server = server.unwrap();
    server.link("wiki").await;
    server.store.hold_recordings();
    let url = server.url("/wiki");
    let visit = tokio::spawn(async move { reqwest::get(url).await.is_err() });
    server.store.begun.acquire().await.unwrap().forget();
    server.server.stop().await.unwrap();
    assert!(visit.await.unwrap(), "no response");
    assert_eq!(server.store.recorded().len(), 0);
}

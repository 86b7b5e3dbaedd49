//! The headers that protect browsers, on every response. `send` checks them on all responses of
//! the other tests, too.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::IF_NONE_MATCH;
use reqwest::{Client, Method, StatusCode};
use waypost_analytics::Durability;
use waypost_api::{ExposureSettings, HttpSettings, LimitSettings, routes};

use crate::setup::{OPERATOR, TestServer, assert_protected, send, settings};

/// Starts a server with these settings.
async fn exposed(http: &HttpSettings, exposure: ExposureSettings) -> TestServer {
    let limits = LimitSettings::NONE;
    let server = TestServer::begin(http, Durability::Journal, true, limits, exposure).await;
    server.unwrap()
}

#[tokio::test]
async fn every_route_protects_browsers_with_and_without_rights() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    let mut statuses = std::collections::BTreeSet::new();
    for route in routes() {
        let path = route.path.replace("{code}", "wiki").replace(['{', '}'], "");
        for method in route.methods.split(", ").chain(["PATCH", "OPTIONS"]) {
            let method: Method = method.parse().unwrap();
            let request = || server.request(method.clone(), &path);
            for request in [request(), request().bearer_auth(OPERATOR)] {
                let answer = send(request).await;
                let hsts = answer.header("strict-transport-security");
                assert_eq!(hsts, "max-age=31536000", "{answer:?}");
                statuses.insert(answer.status.as_u16());
            }
        }
    }
    for status in [200, 302, 303, 400, 401, 403, 404, 405, 415] {
        assert!(statuses.contains(&status), "{status} of {statuses:?}");
    }
}

#[tokio::test]
async fn responses_without_a_handler_of_their_own_protect_browsers() {
    let server = TestServer::start().await;
    server
        .get("/no/such-path")
        .await
        .assert_error(404, "NOT_FOUND");
    server.browse("/no/such-path").await;
    let long = "x".repeat(1_000_000);
    let too_long = server.shorten_text(format!("\"{long}\"")).await;
    too_long.assert_error(413, "BODY_TOO_LARGE");
    let file = server.get("/static/app.css").await;
    let again = server.request(Method::GET, "/static/app.css");
    let again = send(again.header(IF_NONE_MATCH, file.header("etag"))).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    server.store.go_away();
    server
        .get("/unknown")
        .await
        .assert_error(503, "UNAVAILABLE");
}

#[tokio::test]
async fn the_metrics_with_their_own_address_are_open_and_protect_browsers() {
    let http = HttpSettings {
        metrics_listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()],
        ..settings()
    };
    let server = exposed(&http, ExposureSettings::default()).await;
    let own = server.server.metrics_addresses()[0]
        .socket_address()
        .unwrap();
    for (path, status) in [("/metrics", 200), ("/else", 404)] {
        let answer = Client::new()
            .get(format!("http://{own}{path}"))
            .send()
            .await;
        let answer = answer.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        // This listener has no TLS in front of it.
        let hsts = answer.headers().get("strict-transport-security");
        assert_eq!(hsts, None);
        assert_protected(answer.headers());
    }
}

#[tokio::test]
async fn the_metrics_on_the_main_address_are_for_admins_unless_they_are_public() {
    let server = TestServer::start().await;
    server
        .get("/metrics")
        .await
        .assert_error(401, "UNAUTHORIZED");
    let ada = server.member("ada").await;
    let of_member = server.request(Method::GET, "/metrics");
    let of_member = send(of_member.bearer_auth(&ada.token)).await;
    of_member.assert_error(403, "FORBIDDEN");
    assert_eq!(server.scrape().await.status, StatusCode::OK);
    // The operator's token needs no database.
    server.store.go_away();
    assert_eq!(server.scrape().await.status, StatusCode::OK);
    let public = ExposureSettings {
        metrics_public: true,
        ..ExposureSettings::default()
    };
    let server = exposed(&settings(), public).await;
    assert_eq!(server.get("/metrics").await.status, StatusCode::OK);
}

#[tokio::test]
async fn browsers_are_told_to_use_https_only_where_the_base_url_has_it() {
    let hsts = async |base_url: &str, seconds| {
        let http = HttpSettings {
            base_url: base_url.parse().unwrap(),
            ..settings()
        };
        let exposure = ExposureSettings {
            hsts: Duration::from_secs(seconds),
            ..ExposureSettings::default()
        };
        let server = exposed(&http, exposure).await;
        let answer = Client::new()
            .get(server.url("/health"))
            .send()
            .await
            .unwrap();
        let value = answer.headers().get("strict-transport-security");
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(hsts("https://go.example", 60).await.unwrap(), "max-age=60");
    assert_eq!(hsts("https://go.example", 0).await, None);
    assert_eq!(hsts("http://go.example", 60).await, None);
}

//! `GET /api/v1/explain`: explanations match what happens to visits.

use reqwest::Method;
use serde_json::Value;
use url::form_urlencoded::Serializer;
use waypost_core::{Link, LinkDetails, Visibility};
use waypost_store::LinkStore as _;
use waypost_store_testkit::routing::{CASES, Expected, LINKS};
use waypost_store_testkit::samples::{Samples, target};

use crate::setup::{Answer, OPERATOR, TestServer, send};

async fn ask(server: &TestServer, token: &str, query: &[(&str, &str)]) -> Answer {
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    let path = format!("/api/v1/explain?{query}");
    send(server.by(token, Method::GET, &path)).await
}

async fn explain(server: &TestServer, token: &str, query: &[(&str, &str)]) -> Value {
    let answer = ask(server, token, query).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn add_links(server: &TestServer) {
    let samples = Samples::new(1);
    for link in LINKS {
        let details = LinkDetails {
            forward_query: link.forward_query,
            ..LinkDetails::default()
        };
        let made = Link {
            target: target(link.target),
            is_keyword: link.is_keyword,
            ..samples.link_with(link.code, details)
        };
        server
            .store
            .memory()
            .insert_link(&made, None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_explanation_of_each_routing_case_is_what_the_table_says() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    for case in CASES {
        let url = match case.host {
            "go.example" | "" => case.request.to_owned(),
            host => format!("http://{host}{}", case.request),
        };
        let explained = explain(&server, OPERATOR, &[("url", &url)]).await;
        let expected = match case.expected {
            Expected::To(url, _) => (302, Value::from(url), true),
            _ => (404, Value::Null, false),
        };
        let found = (
            explained["status"].as_i64().unwrap(),
            explained["target"].clone(),
            explained["counted"].as_bool().unwrap(),
        );
        assert_eq!(found, expected, "{case:?}: {explained}");
        if let Expected::Unfilled(part) = case.expected {
            let message = explained["message"].as_str().unwrap();
            assert!(message.contains(part), "{case:?}: {message}");
        }
        let steps = explained["steps"].as_array().unwrap();
        let is_reserved = steps.iter().any(|step| step["what"] == "reserved");
        if case.expected == Expected::Reserved {
            assert!(is_reserved, "{case:?}: {explained}");
        }
    }
}

#[tokio::test]
async fn the_explanation_of_a_secure_link_reveals_no_more_than_a_visit() {
    let server = TestServer::closed().await;
    let (owner, stranger) = (
        server.member("owner").await,
        server.member("stranger").await,
    );
    let samples = Samples::new(1);
    let secure = samples.link_with(
        "secret",
        LinkDetails {
            visibility: Visibility::Secure,
            ..LinkDetails::default()
        },
    );
    let store = server.store.memory();
    store.insert_link(&secure, Some(owner.id)).await.unwrap();
    let seen = async |token: &str, query: &[(&str, &str)]| {
        let explained = explain(&server, token, query).await;
        (
            explained["status"].as_i64().unwrap(),
            explained["target"].is_null(),
        )
    };
    let as_oneself = [("url", "/secret")];
    assert_eq!(seen(&owner.token, &as_oneself).await, (302, false));
    assert_eq!(seen(&stranger.token, &as_oneself).await, (403, true));
    let as_nobody = [("url", "/secret"), ("user", "anonymous")];
    assert_eq!(seen(&owner.token, &as_nobody).await, (401, true));
    let as_owner = [("url", "/secret"), ("user", "owner@example.com")];
    assert_eq!(seen(OPERATOR, &as_owner).await, (302, false));
    let explained = explain(&server, OPERATOR, &as_owner).await;
    let because = explained["counted_because"].as_str().unwrap();
    assert!(because.contains("the user, if signed in"), "{because}");
    let refused = ask(&server, &stranger.token, &as_owner).await;
    refused.assert_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn explaining_counts_nothing_and_tells_the_client_address() {
    let server = TestServer::closed().await;
    add_links(&server).await;
    for _ in 0..3 {
        let explained = explain(&server, OPERATOR, &[("url", "/wiki"), ("ip", "192.0.2.7")]).await;
        assert_eq!(explained["client_address"], "192.0.2.7");
        let because = explained["client_address_because"].as_str().unwrap();
        assert!(because.contains("WAYPOST_TRUSTED_PROXIES"), "{because}");
        assert_eq!(explained["rule"], "code");
        assert_eq!(explained["cache_control"], "private, no-store");
    }
    let links = server
        .read(OPERATOR, "/api/v1/admin/links?q=wiki")
        .await
        .json();
    assert_eq!(links["links"][0]["clicks"], 0);
    for (query, message) in [
        ([("url", "")], "`url` must have"),
        ([("uri", "/wiki")], "unknown field"),
    ] {
        let refused = ask(&server, OPERATOR, &query).await;
        refused.assert_error(400, "BAD_REQUEST");
        assert!(refused.body.contains(message), "{}", refused.body);
    }
}

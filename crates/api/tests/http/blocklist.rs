//! Blocked addresses and networks, in every form of an address.

use reqwest::Method;
use serde_json::json;

use crate::setup::{OPERATOR, TestServer};

/// The forms of an address in the network 203.0.113.0/24.
const FORMS: [&str; 9] = [
    "203.0.113.9",
    "0xcb.0.0x71.9",
    "3405803785",
    "203.0.113.9.",
    "[::ffff:203.0.113.9]",
    "[64:ff9b::cb00:7109]",
    "[2002:cb00:7109::]",
    "[2001:0:c000:201:0:0:34ff:8ef6]",
    "[2001:db8::5efe:203.0.113.9]",
];

const LIST: &str = "/api/v1/admin/blocklist";

#[tokio::test]
async fn a_blocked_address_or_network_is_blocked_in_every_form() {
    let server = TestServer::closed().await;
    let tell = async |method, path: &str, body| server.tell(OPERATOR, method, path, &body).await;
    let link = async |host: &str| {
        let fields = json!({ "url": format!("http://{host}:8080/x") });
        tell(Method::POST, "/api/v1/links", fields).await
    };
    let existing = link(FORMS[4]).await.json();
    let path = format!("/{}", existing["code"].as_str().unwrap());
    for (pattern, in_path) in [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.0/24", "203.0.113.0%2F24"),
    ] {
        let blocked = tell(Method::POST, LIST, json!({ "pattern": pattern })).await;
        assert_eq!(blocked.status, 201, "{blocked:?}");
        for host in FORMS {
            link(host).await.assert_error(400, "TARGET_BLOCKED");
        }
        assert_eq!(link("203.0.114.9").await.status, 201);
        assert_eq!(server.get(&path).await.status, 410);
        let removed = tell(Method::DELETE, &format!("{LIST}/{in_path}"), json!({})).await;
        assert_eq!(removed.status, 204, "{removed:?}");
        assert_eq!(server.get(&path).await.status, 302);
    }
}

#[tokio::test]
async fn an_address_within_a_network_is_refused_with_the_network_that_was_meant() {
    let server = TestServer::closed().await;
    let fields = json!({ "pattern": "203.0.113.9/24" });
    let refused = server.tell(OPERATOR, Method::POST, LIST, &fields).await;
    refused.assert_error(400, "BAD_REQUEST");
    assert!(
        refused.body.contains("expected 203.0.113.0/24"),
        "{refused:?}"
    );
}

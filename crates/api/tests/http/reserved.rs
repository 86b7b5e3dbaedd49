//! Reserved words: a route whose first word is not reserved fails here.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::json;
use waypost_api::routes;
use waypost_store::LinkStore as _;
use waypost_store_testkit::samples::Samples;

use crate::people::LINKS;
use crate::setup::TestServer;

#[tokio::test]
async fn the_first_word_of_every_path_is_rejected_as_a_code() {
    let server = TestServer::start().await;
    let document = server.get("/api/openapi.json").await.json();
    let documented = document["paths"].as_object().unwrap().keys();
    let paths = documented
        .map(String::as_str)
        .chain(routes().map(|route| route.path));
    let words: BTreeSet<&str> = paths
        .filter_map(|path| path.split('/').nth(1))
        .filter(|word| !word.starts_with('{') && !word.contains('.'))
        .collect();
    assert!(words.len() >= 5, "{words:?}");
    for word in words {
        for spelling in [word.to_owned(), word.to_uppercase()] {
            let refused = server.shorten("https://example.com/", &spelling).await;
            refused.assert_error(400, "CODE_RESERVED");
            let message = refused.json()["message"].to_string();
            assert!(message.contains(word), "{message}");
        }
    }
    assert_eq!(server.stored_links().await, 0);
}

#[tokio::test]
async fn words_of_planned_pages_are_rejected_as_codes() {
    let server = TestServer::start().await;
    for word in [
        "auth",
        "setup",
        "dashboard",
        "links",
        "admin",
        "settings",
        "static",
        "assets",
        "oidc",
        "tokens",
        "users",
        "tags",
        "keywords",
        "login",
        "logout",
        "signin",
        "well-known",
        "favicon",
        "robots",
        "api",
        "health",
        "metrics",
    ] {
        let above = word.to_uppercase();
        for code in [word, &above, &format!("{above}/x/y")] {
            let refused = server.shorten("https://example.com/", code).await;
            refused.assert_error(400, "CODE_RESERVED");
            let message = refused.json()["message"].to_string();
            assert!(message.contains(&format!("`{word}`")), "{message}");
        }
    }
    let refused = server.shorten("https://example.com/", ".well-known").await;
    refused.assert_error(400, "CODE_INVALID");
    for code in ["logins", "x/login", "docs", "status", "help"] {
        server.link(code).await;
    }
}

#[tokio::test]
async fn a_link_that_had_a_word_before_it_was_reserved_keeps_working() {
    let server = TestServer::start().await;
    let ada = server.member("ada").await;
    let link = Samples::new(1).link("Login");
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();
    assert_eq!(server.get("/login").await.status, StatusCode::FOUND);
    let path = format!("{LINKS}/{}", link.id);
    let other = json!({ "title": "New", "code": "LOGIN" });
    let changed = server.tell(&ada.token, Method::PATCH, &path, &other).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let explained = server.read(&ada.token, "/api/v1/explain?url=/login").await;
    let explained = explained.json();
    assert_eq!(explained["status"], 302, "{explained}");
    let steps = explained["steps"].to_string();
    assert!(steps.contains("`login` is reserved"), "{steps}");
    // Once renamed, it does not get the word back, which still redirects.
    for (fields, status) in [(json!({ "code": "in" }), 200), (other, 400)] {
        let changed = server.tell(&ada.token, Method::PATCH, &path, &fields).await;
        assert_eq!(changed.status.as_u16(), status, "{changed:?}");
    }
    let restore = format!("{path}/restore");
    let first = json!({ "version": 1 });
    let refused = server
        .tell(&ada.token, Method::POST, &restore, &first)
        .await;
    refused.assert_error(400, "CODE_RESERVED");
    assert_eq!(server.get("/login").await.status, StatusCode::FOUND);
}

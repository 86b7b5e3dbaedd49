//! Reserved words: a route whose first word is not reserved fails here.

use std::collections::BTreeSet;

use waypost_api::routes;

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
    ] {
        let refused = server.shorten("https://example.com/", word).await;
        refused.assert_error(400, "CODE_RESERVED");
    }
}

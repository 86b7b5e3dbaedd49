//! Creating, listing, reading and deleting links.

use reqwest::StatusCode;
use serde_json::json;
use time::Duration;

use crate::setup::TestServer;

#[tokio::test]
async fn a_link_is_created_with_the_requested_code() {
    let server = TestServer::start().await;
    let made = server.shorten("https://example.com/a b", "Team-Wiki").await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(
        made.json(),
        json!({
            "shortCode": "Team-Wiki",
            "url": "https://example.com/a%20b",
            "template": false,
            "placeholders": [],
            "shortUrl": "https://go.example/Team-Wiki",
        })
    );
    // The created resource is the record (RFC 9110 §15.3.2), not the destination of the link.
    assert_eq!(
        made.header("location"),
        "https://go.example/urls/Team-Wiki/stats"
    );
}

#[tokio::test]
async fn a_link_without_a_code_gets_one_of_seven_characters() {
    let server = TestServer::start().await;
    for body in [
        r#"{"url":"https://example.com/"}"#,
        r#"{"url":"https://example.com/","code":null}"#,
    ] {
        let made = server.shorten_text(body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let code = made.json()["shortCode"].as_str().unwrap().to_owned();
        assert_eq!(code.len(), 7);
        let followed = server.get(&format!("/{code}")).await;
        assert_eq!(followed.header("location"), "https://example.com/");
    }
}

#[tokio::test]
async fn a_code_in_use_is_a_conflict_in_any_spelling() {
    let server = TestServer::start().await;
    server.link("CNN").await;
    let again = server.shorten("https://example.com/other", "cnn").await;
    again.assert_error(409, "CODE_TAKEN");
    assert_eq!(server.stored_links().await, 1);
}

#[tokio::test]
async fn the_list_is_newest_first_and_counts_all_links() {
    let server = TestServer::start().await;
    for code in ["first", "second", "third"] {
        server.link(code).await;
        server.clock.advance(Duration::seconds(1));
    }
    server.get("/second").await;
    let codes = |page: &serde_json::Value| -> Vec<String> {
        let links = page["data"].as_array().unwrap().iter();
        links
            .map(|link| link["shortCode"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = server.get("/urls").await.json();
    assert_eq!(codes(&all), ["third", "second", "first"]);
    assert_eq!((&all["page"], &all["limit"]), (&json!(1), &json!(20)));
    assert_eq!(all["total"], 3);
    assert_eq!(
        all["data"][1],
        json!({
            "shortCode": "second",
            "originalUrl": "https://example.com/target",
            "template": false,
            "placeholders": [],
            "clicks": 1,
            "createdAt": "2026-03-01T12:00:01.25Z",
            "shortUrl": "https://go.example/second",
        })
    );
    let second = server.get("/urls?page=2&limit=2").await.json();
    assert_eq!(codes(&second), ["first"]);
    assert_eq!(second["total"], 3);
    let behind = server.get("/urls?page=4294967295&limit=100").await.json();
    assert_eq!((codes(&behind).len(), &behind["total"]), (0, &json!(3)));
}

#[tokio::test]
async fn a_record_is_found_in_any_spelling_and_shows_the_owners() {
    let server = TestServer::start().await;
    server.link("CNN").await;
    let record = server.get("/urls/cnn/stats").await;
    assert_eq!(record.json()["shortCode"], "CNN");
    assert_eq!(record.json()["clicks"], 0);
    let missing = server.get("/urls/nbc/stats").await;
    missing.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_deleted_link_is_gone_at_once_and_its_code_stays_reserved() {
    let server = TestServer::start().await;
    server.link("gone").await;
    assert_eq!(server.get("/gone").await.status, StatusCode::FOUND);
    let deleted = server.delete("/urls/GONE").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(deleted.body, "");
    server.get("/gone").await.assert_error(404, "NOT_FOUND");
    let again = server.delete("/urls/gone").await;
    again.assert_error(404, "NOT_FOUND");
    let taken = server.shorten("https://example.com/", "gone").await;
    taken.assert_error(409, "CODE_TAKEN");
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let server = TestServer::start().await;
    server.link("wiki").await;
    for path in ["/urls/", "/urls/wiki/stats/", "/health/", "/health/ready/"] {
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
    }
    let followed = server.get("/wiki/").await;
    assert_eq!(followed.header("location"), "https://example.com/target");
    assert_eq!(server.clicks("wiki").await, 1);
    let deleted = server.delete("/urls/wiki/").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_code_of_several_segments_is_one_with_its_slashes_encoded() {
    let server = TestServer::start().await;
    let made = server.shorten("https://example.com/api", "Docs/API").await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["shortUrl"], "https://go.example/Docs/API");
    let location = made.header("location").to_owned();
    let path = location.strip_prefix("https://go.example").unwrap();
    let record = server.get(path).await;
    assert_eq!(record.json()["shortCode"], "Docs/API", "{path}: {record:?}");
    assert_eq!(server.get("/docs/api").await.status, 302);
    assert_eq!(server.get("/docs/api/more").await.status, 302);
    assert_eq!(server.get("/docs").await.status, 404);
    assert_eq!(server.delete("/urls/docs%2fapi").await.status, 204);
    assert_eq!(server.get("/docs/api").await.status, 404);
}

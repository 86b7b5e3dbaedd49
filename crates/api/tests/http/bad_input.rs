//! Invalid input: each has its error, and nothing is stored.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE};
use serde_json::json;

use crate::setup::{OPERATOR, TestServer, send};

#[tokio::test]
async fn an_unexpected_body_is_rejected() {
    let server = TestServer::start().await;
    let url = "https://example.com/";
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for body in [
        "",
        "nonsense",
        "url=https://example.com/",
        "{",
        "null",
        "1",
        "\"https://example.com/\"",
        "[]",
        &format!("[\"{url}\"]"),
        &format!("[\"{url}\", \"code\"]"),
        "{}",
        "{\"url\": null}",
        "{\"url\": 1}",
        "{\"url\": true}",
        "{\"url\": [\"https://example.com/\"]}",
        "{\"url\": {\"a\": 1}}",
        "{\"url\": 1e999}",
        &format!("{{\"url\": {}}}", "9".repeat(400)),
        &format!("{{\"url\": \"{url}\", \"code\": 1}}"),
        &format!("{{\"url\": \"{url}\", \"cdoe\": \"a\"}}"),
        &format!("{{\"url\": \"{url}\", \"url\": \"{url}\"}}"),
        &format!("{{\"url\": \"{url}\", \"code\": \"a\", \"code\": \"b\"}}"),
        &format!("{{\"url\": \"{url}\"}} {{}}"),
        &format!("{{\"url\": {deep}}}"),
        &deep,
    ] {
        let refused = server.shorten_text(body.to_owned()).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    let not_text = b"{\"url\": \"https://example.com/\xff\xfe\"}".to_vec();
    let refused = server.shorten_text(not_text).await;
    refused.assert_error(400, "BAD_REQUEST");
    assert_eq!(server.stored_links().await, 0);
}

#[tokio::test]
async fn the_message_says_what_is_wrong_with_the_body() {
    let server = TestServer::start().await;
    for (body, part) in [
        ("{\"url\": 1}", "expected a string"),
        ("{}", "missing field `url`"),
        ("{\"url\": \"a\", \"cdoe\": 1}", "unknown field `cdoe`"),
        ("[]", "expected a JSON object"),
    ] {
        let refused = server.shorten_text(body).await;
        let message = refused.json()["message"].to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn the_message_names_the_field_that_is_wrong() {
    let server = TestServer::start().await;
    let expiry = "`expires_at`: must be a time with a time zone, such as 2027-01-31T23:59:00Z";
    for (field, part) in [
        (json!({ "expires_at": 5 }), expiry),
        (json!({ "expires_at": "tomorrow" }), expiry),
        (json!({ "expires_at": "2027-01-01" }), expiry),
        (json!({ "expires_at": "2027-01-01T10:00:00" }), expiry),
        (json!({ "expires_at": {} }), expiry),
        (json!({ "tags": "x" }), "`tags`: "),
        (json!({ "tags": ["x", 1] }), "`tags[1]`: "),
        (json!({ "code": 5 }), "`code`: "),
        (json!({ "forward_query": "yes" }), "`forward_query`: "),
    ] {
        let mut body = field.clone();
        body["url"] = "https://example.com/".into();
        let request = server.request(Method::POST, "/api/v1/links");
        let refused = send(request.bearer_auth(OPERATOR).json(&body)).await;
        refused.assert_error(400, "BAD_REQUEST");
        let message = refused.json()["message"].to_string();
        assert!(message.contains(part), "{field}: {message}");
        assert!(!message.contains("OffsetDateTime"), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_rejected() {
    let server = TestServer::start().await;
    let body = json!({ "url": "https://example.com/" }).to_string();
    let request = || server.request(Method::POST, "/shorten").body(body.clone());
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "nonsense",
    ] {
        let refused = send(request().header(CONTENT_TYPE, media_type)).await;
        refused.assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    send(request())
        .await
        .assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(server.stored_links().await, 0);
    let charset = "application/json; charset=utf-8";
    let made = send(request().header(CONTENT_TYPE, charset)).await;
    assert_eq!(made.status, 201);
}

#[tokio::test]
async fn a_body_of_more_than_16_kib_is_refused() {
    let server = TestServer::start().await;
    let body = |length: usize| {
        let start = "{\"url\": \"https://example.com/\"";
        format!("{start}{}}}", " ".repeat(length - start.len() - 1))
    };
    for length in [16 * 1_024 + 1, 1_024 * 1_024] {
        let refused = server.shorten_text(body(length)).await;
        refused.assert_error(413, "BODY_TOO_LARGE");
    }
    assert_eq!(server.stored_links().await, 0);
    let longest = server.shorten_text(body(16 * 1_024)).await;
    assert_eq!(longest.status, 201, "{longest:?}");
}

#[tokio::test]
async fn an_invalid_destination_is_rejected() {
    let server = TestServer::start().await;
    let too_long = format!("https://example.com/{}", "x".repeat(2_048));
    for url in [
        "",
        "example.com",
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.com/",
        "https://",
        "https://example.com/\nSee also",
        "https://example.com/\nhttps://example.com/",
        "https://exam\tple.com/",
        "https://example.com/\0",
        "https://user:password@example.com/",
        "https://go.example/wiki",
        &too_long,
    ] {
        let refused = server.shorten(url, "code").await;
        refused.assert_error(400, "URL_INVALID");
    }
    assert_eq!(server.stored_links().await, 0);
}

#[tokio::test]
async fn an_invalid_code_is_rejected() {
    let server = TestServer::start().await;
    let too_long = "x".repeat(65);
    for code in [
        "", "a b", "a//b", "/a", "a/", "ä", "🎉", "a.b", "-a", "a_", "a\0", "a\n", "../a",
        &too_long,
    ] {
        let refused = server.shorten("https://example.com/", code).await;
        refused.assert_error(400, "CODE_INVALID");
    }
    assert_eq!(server.stored_links().await, 0);
}

#[tokio::test]
async fn an_invalid_page_number_is_rejected() {
    let server = TestServer::start().await;
    for query in [
        "page=0",
        "page=-1",
        "page=1.5",
        "page=",
        "page=one",
        "page=4294967296",
        "page=99999999999999999999999",
        "limit=0",
        "limit=101",
        "limit=-20",
        "limit=1e2",
        "page=1&page=2",
        "limt=20",
        "page=%00",
        "page=%ff",
        "page[]=1",
    ] {
        let refused = server.get(&format!("/urls?{query}")).await;
        refused.assert_error(400, "BAD_REQUEST");
    }
    assert_eq!(server.get("/urls?").await.status, 200);
}

#[tokio::test]
async fn an_unsupported_method_gets_the_list_of_allowed_ones() {
    let server = TestServer::start().await;
    for (method, path, allow) in [
        (Method::GET, "/shorten", "POST"),
        (Method::PUT, "/shorten", "POST"),
        (Method::POST, "/urls", "GET, HEAD"),
        (Method::GET, "/urls/code", "DELETE"),
        (Method::DELETE, "/urls/code/stats", "GET, HEAD"),
        (Method::POST, "/code", "GET, HEAD"),
        (Method::OPTIONS, "/code", "GET, HEAD"),
        (Method::PATCH, "/code/", "GET, HEAD"),
        (Method::POST, "/code/and/more", "GET, HEAD"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::POST, "/metrics", "GET, HEAD"),
        (Method::POST, "/api/openapi.json", "GET, HEAD"),
        (Method::POST, "/api/docs/", "GET, HEAD"),
    ] {
        let refused = send(server.request(method, path)).await;
        refused.assert_error(405, "METHOD_NOT_ALLOWED");
        assert_eq!(refused.headers[ALLOW], allow, "{path}");
    }
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_not_found_whatever_the_method() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/a/b",
        "/urls/a/b",
        "/api",
        "/api/v1/urls",
        "//",
        "/urls/%00/stats",
    ] {
        let missing = server.get(path).await;
        missing.assert_error(404, "NOT_FOUND");
    }
    let posted = send(server.request(Method::POST, "/api/b/c").body("x")).await;
    posted.assert_error(404, "NOT_FOUND");
    let deleted = server.delete("/urls/%ff").await;
    deleted.assert_error(404, "NOT_FOUND");
}

//! Redirects of links with further settings: renamed, disabled and expired links, links that
//! forward the visitor's query, and secure links.

use reqwest::header::{AUTHORIZATION, COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use crate::people::{LINKS, path_of};
use crate::setup::{Answer, OPERATOR, TestServer, send};

const TARGET: &str = "https://example.com/page";
/// A text that no other part of a response contains.
const SECRET: &str = "https://secret.example/hunter2";

async fn gone(server: &TestServer, path: &str) {
    let json = server.get(path).await;
    json.assert_error(410, "GONE");
    assert_eq!(json.header("vary"), "accept");
    let page = server.browse(path).await;
    assert_eq!(page.status, StatusCode::GONE, "{page:?}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.body.contains("<h1>This link does not work</h1>"),
        "{page:?}"
    );
    let head = server.head(path).await;
    assert_eq!(head.status, StatusCode::GONE);
    for answer in [json, page, head] {
        assert!(!answer.headers.contains_key("location"), "{answer:?}");
        assert!(!answer.body.contains("example.com"), "{answer:?}");
    }
}

async fn clicks(server: &TestServer, link: &Value) -> u64 {
    let link = server.read(OPERATOR, &path_of(link)).await.json();
    link["clicks"].as_u64().unwrap()
}

#[tokio::test]
async fn a_renamed_link_works_with_all_its_codes_and_counts_them_together() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    let link = server
        .made(&ada.token, &json!({ "url": TARGET, "code": "first" }))
        .await;
    server.get("/first").await;
    for code in ["second", "third", "Third"] {
        let changed = server
            .changed(&ada.token, &link, &json!({ "code": code }))
            .await;
        assert_eq!(changed["code"], code);
        assert_eq!(changed["short_url"], format!("https://go.example/{code}"));
    }
    for path in ["/first", "/SECOND", "/third"] {
        let followed = server.get(path).await;
        assert_eq!(followed.header("location"), TARGET, "{path}");
    }
    assert_eq!(clicks(&server, &link).await, 4);
    // Its former codes stay reserved, for every user and in every spelling.
    let other = server
        .made(&eve.token, &json!({ "url": TARGET, "code": "other" }))
        .await;
    for code in ["first", "SECOND", "third"] {
        let fields = json!({ "url": TARGET, "code": code });
        for token in [&ada.token, &eve.token] {
            let refused = server.tell(token, Method::POST, LINKS, &fields).await;
            refused.assert_error(409, "CODE_TAKEN");
        }
        for method in [Method::PATCH, Method::PUT] {
            let refused = server
                .tell(&eve.token, method, &path_of(&other), &fields)
                .await;
            refused.assert_error(409, "CODE_TAKEN");
        }
    }
    let back = server
        .changed(&ada.token, &link, &json!({ "code": "first" }))
        .await;
    assert_eq!(back["code"], "first");
    assert_eq!(server.get("/second").await.status, StatusCode::FOUND);
    // A change of the destination applies to each code.
    server
        .changed(
            &ada.token,
            &link,
            &json!({ "url": "https://example.com/new" }),
        )
        .await;
    for path in ["/first", "/second", "/third"] {
        let followed = server.get(path).await;
        assert_eq!(
            followed.header("location"),
            "https://example.com/new",
            "{path}"
        );
    }
    let deleted = server
        .ask(&ada.token, Method::DELETE, &path_of(&link))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    for path in ["/first", "/second", "/third"] {
        server.get(path).await.assert_error(404, "NOT_FOUND");
    }
    let fields = json!({ "url": TARGET, "code": "second" });
    let refused = server.tell(&eve.token, Method::POST, LINKS, &fields).await;
    refused.assert_error(409, "CODE_TAKEN");
}

#[tokio::test]
async fn a_disabled_link_is_gone_until_it_is_enabled_and_nothing_is_counted() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server
        .made(&ada.token, &json!({ "url": TARGET, "code": "wiki" }))
        .await;
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    server
        .changed(&ada.token, &link, &json!({ "disabled": true }))
        .await;
    gone(&server, "/wiki").await;
    assert_eq!(
        server.read(&ada.token, &path_of(&link)).await.status,
        StatusCode::OK
    );
    // As elsewhere, `HEAD` is not counted.
    let metric = server
        .metric("waypost_redirects_total{status=\"gone\"}")
        .await;
    assert_eq!(metric.to_string(), "2");
    server
        .changed(&ada.token, &link, &json!({ "disabled": false }))
        .await;
    assert_eq!(server.get("/wiki").await.header("location"), TARGET);
    assert_eq!(clicks(&server, &link).await, 2);
}

#[tokio::test]
async fn a_link_expires_to_the_microsecond_while_it_is_in_memory() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let fields = json!({
        "url": TARGET, "code": "wiki", "expires_at": "2026-03-01T12:00:01.25Z",
    });
    let link = server.made(&ada.token, &fields).await;
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    server
        .clock
        .advance(Duration::SECOND - Duration::MICROSECOND);
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    // This needs no database.
    server.store.go_away();
    server.clock.advance(Duration::MICROSECOND);
    gone(&server, "/wiki").await;
    server.store.come_back();
    assert_eq!(clicks(&server, &link).await, 2);
    let later = json!({ "expires_at": "2026-03-02T00:00:00Z" });
    server.changed(&ada.token, &link, &later).await;
    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    // A link created with an expiry in the past never works.
    let past = json!({ "url": TARGET, "code": "past", "expires_at": "2020-01-01T00:00:00Z" });
    server.made(&ada.token, &past).await;
    gone(&server, "/past").await;
}

#[tokio::test]
async fn the_visitors_query_is_forwarded_if_the_owner_enables_it() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let link = server
        .made(&ada.token, &json!({ "url": TARGET, "code": "wiki" }))
        .await;
    assert_eq!(server.get("/wiki?a=1").await.header("location"), TARGET);
    server
        .changed(&ada.token, &link, &json!({ "forward_query": true }))
        .await;
    for (target, query, expected) in [
        (TARGET, "", TARGET),
        (TARGET, "?", TARGET),
        (TARGET, "?a=1&b=%20x", "https://example.com/page?a=1&b=%20x"),
        (
            "https://example.com/?own=1",
            "?a=1",
            "https://example.com/?own=1&a=1",
        ),
        (
            "https://example.com/?own=1",
            "?own=2",
            "https://example.com/?own=1&own=2",
        ),
        (
            "https://example.com/?own=1#part",
            "?a=1",
            "https://example.com/?own=1&a=1#part",
        ),
        (
            "https://example.com/#part",
            "?a=1",
            "https://example.com/?a=1#part",
        ),
        ("https://example.com/#part", "", "https://example.com/#part"),
        (
            TARGET,
            "?next=https://evil.example/",
            "https://example.com/page?next=https://evil.example/",
        ),
        (
            TARGET,
            "?a=%0d%0aSet-Cookie:x",
            "https://example.com/page?a=%0d%0aSet-Cookie:x",
        ),
    ] {
        server
            .changed(&ada.token, &link, &json!({ "url": target }))
            .await;
        for path in [format!("/wiki{query}"), format!("/WIKI/{query}")] {
            let followed = server.get(&path).await;
            assert_eq!(followed.header("location"), expected, "{path}");
            let head = server.head(&path).await;
            assert_eq!(head.header("location"), expected, "{path}");
        }
    }
}

/// Asserts that no part of a response reveals the destination.
fn assert_reveals_nothing(answer: &Answer) {
    let all = format!("{answer:?}").to_lowercase();
    for part in ["secret.example", "hunter2"] {
        assert!(!all.contains(part), "{answer:?}");
    }
}

/// A browser without credentials is redirected to sign in.
#[track_caller]
fn assert_denied_browser(page: &Answer, token: &str, status: u16) {
    let found = page.status.as_u16();
    if token.is_empty() {
        let login = "/auth/login?redirect=%2Fplan";
        assert_eq!((found, page.header("location")), (303, login));
    } else {
        assert_eq!(found, status, "{page:?}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn a_secure_link_works_for_people_with_access_and_reveals_nothing_to_others() {
    let server = TestServer::closed().await;
    let (ada, eve) = (server.member("ada").await, server.member("eve").await);
    let bob = server.member("bob").await;
    let admin = server.admin("grace").await;
    let fields = json!({
        "url": SECRET, "code": "plan", "visibility": "secure", "title": "hunter2",
    });
    let link = server.made(&ada.token, &fields).await;
    let shares = format!("{}/shares", path_of(&link));
    let shared = json!({ "email": bob.email });
    server
        .tell(&ada.token, Method::POST, &shares, &shared)
        .await;
    let write_only = server.token(ada.id, "write").await;
    let accept = "text/html,application/xhtml+xml";
    let denied = [
        ("", 401, "UNAUTHORIZED"),
        ("garbage", 401, "UNAUTHORIZED"),
        ("wp_garbage", 401, "UNAUTHORIZED"),
        (eve.token.as_str(), 403, "FORBIDDEN"),
        (write_only.as_str(), 403, "SCOPE_MISSING"),
    ];
    let state = async |expected: u16| {
        for (token, status, code) in denied {
            let json = server.read(token, "/plan?a=1").await;
            json.assert_error(status, code);
            let challenge = json.header("www-authenticate");
            assert_eq!(
                status == 401 || code == "SCOPE_MISSING",
                !challenge.is_empty()
            );
            let page = send(
                server
                    .by(token, Method::GET, "/plan")
                    .header("Accept", accept),
            )
            .await;
            assert_denied_browser(&page, token, status);
            let head = server.ask(token, Method::HEAD, "/plan/").await;
            for answer in [&json, &head] {
                assert_eq!(answer.status.as_u16(), status, "{answer:?}");
            }
            for answer in [&json, &page, &head] {
                assert_reveals_nothing(answer);
            }
        }
        for token in [&ada.token, &bob.token, &admin.token, OPERATOR] {
            for method in [Method::GET, Method::HEAD] {
                let answer = server.ask(token, method, "/plan").await;
                assert_eq!(answer.status.as_u16(), expected, "{answer:?}");
                let location = if expected == 302 { SECRET } else { "" };
                assert_eq!(answer.header("location"), location);
            }
        }
    };
    state(302).await;
    let forbidden = server
        .metric("waypost_redirects_total{status=\"forbidden\"}")
        .await;
    assert_eq!(forbidden.to_string(), "10");
    assert_eq!(clicks(&server, &link).await, 4);
    // Users who may not follow the link do not learn whether it works.
    server
        .changed(&ada.token, &link, &json!({ "disabled": true }))
        .await;
    state(410).await;
    server
        .changed(&ada.token, &link, &json!({ "disabled": null }))
        .await;
    // A user it is no longer shared with is rejected at once.
    let unshare = format!("{shares}/{}", bob.email);
    server.ask(&ada.token, Method::DELETE, &unshare).await;
    server
        .read(&bob.token, "/plan")
        .await
        .assert_error(403, "FORBIDDEN");
    // A link that was public a moment ago is secure.
    for (visibility, status) in [
        ("public", 302),
        ("secure", 401),
        ("private", 302),
        ("secure", 401),
    ] {
        server
            .changed(&ada.token, &link, &json!({ "visibility": visibility }))
            .await;
        assert_eq!(
            server.get("/plan").await.status.as_u16(),
            status,
            "{visibility}"
        );
    }
    server.store.go_away();
    let away = server.read(&ada.token, "/plan").await;
    away.assert_error(503, "UNAVAILABLE");
    assert_reveals_nothing(&away);
    server.get("/plan").await.assert_error(503, "UNAVAILABLE");
}

#[tokio::test]
async fn a_link_that_is_not_secure_needs_no_database_for_any_credentials() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    for visibility in ["public", "private"] {
        let fields = json!({ "url": TARGET, "code": visibility, "visibility": visibility });
        server.made(&ada.token, &fields).await;
        assert_eq!(
            server.get(&format!("/{visibility}")).await.status,
            StatusCode::FOUND
        );
    }
    server.store.fall_silent();
    for path in ["/public", "/private"] {
        for credentials in [
            "Bearer garbage",
            "Bearer wp_garbage",
            &format!("Bearer {}", ada.token),
            "Basic YTpi",
            "Bearer",
            "",
            "ä",
        ] {
            let request = server
                .request(Method::GET, path)
                .header(AUTHORIZATION, credentials)
                .header(COOKIE, "session=garbage")
                .header("X-Api-Key", "garbage");
            let answer = tokio::time::timeout(std::time::Duration::from_secs(5), send(request));
            let answer = answer.await.unwrap();
            assert_eq!(answer.header("location"), TARGET, "{credentials}");
        }
    }
    server.store.go_away();
    let followed = server.read("wp_garbage", "/public").await;
    assert_eq!(followed.header("location"), TARGET);
}

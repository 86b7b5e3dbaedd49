//! A disk that is almost full: changes that add data are refused, everything else works.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::{add, signed_in};
use crate::people::{LINKS, path_of};
use crate::setup::{OPERATOR, TestServer, send};

#[tokio::test]
async fn changes_are_refused_and_clicks_are_counted_while_the_disk_is_almost_full() {
    let server = TestServer::start().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let fields = json!({ "url": "https://example.com/", "code": "wiki" });
    let link = server.made(OPERATOR, &fields).await;
    server.fill_disk();

    let other = json!({ "url": "https://example.com/", "code": "docs" });
    let made = server.tell(OPERATOR, Method::POST, LINKS, &other).await;
    made.assert_error(507, "DISK_FULL");
    let path = path_of(&link);
    let title = json!({ "title": "Wiki" });
    let changed = server.tell(OPERATOR, Method::PATCH, &path, &title).await;
    changed.assert_error(507, "DISK_FULL");
    let simple = server.shorten("https://example.com/", "simple").await;
    simple.assert_error(507, "DISK_FULL");
    let page = [("target", "https://example.com/"), ("code", "page")];
    let page = browser.fill("/dashboard", &page).await;
    assert_eq!(page.status.as_u16(), 507);
    assert!(page.body.contains("too little free disk space"), "{page:?}");
    // A caller without rights does not learn about the disk.
    let refused = send(server.request(Method::POST, LINKS).json(&other)).await;
    refused.assert_error(401, "UNAUTHORIZED");

    assert_eq!(server.get("/wiki").await.status, StatusCode::FOUND);
    assert_eq!(server.clicks("wiki").await, 1);
    let ready = server.get("/health/ready").await.json();
    assert_eq!(ready["status"], "ok");
    assert_eq!(ready["details"][0]["code"], "DISK_FULL");
    let deleted = server.ask(OPERATOR, Method::DELETE, &path).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let blocked = json!({ "pattern": "evil.example" });
    let list = "/api/v1/admin/blocklist";
    let blocked = server.tell(OPERATOR, Method::POST, list, &blocked).await;
    assert_eq!(blocked.status, StatusCode::CREATED);
}

//! The address bar, the bookmark and the share menu of a phone as ways to Waypost, and
//! `robots.txt`.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::browser::{Browser, add, signed_in};
use crate::pages::POLICY;
use crate::setup::{TestServer, send};

#[tokio::test]
async fn the_address_bar_opens_links() {
    let server = TestServer::closed().await;
    let user = add(&server, "ada").await;
    let token = server.token(user.id, "read,write").await;
    let file = server.get("/opensearch.xml").await;
    assert_eq!(file.status, StatusCode::OK);
    let media_type = "application/opensearchdescription+xml";
    assert_eq!(file.header("content-type"), media_type);
    let go = "template=\"https://go.example/dashboard/go?q={searchTerms}\"";
    let suggest = "template=\"https://go.example/dashboard/suggest?q={searchTerms}\"";
    assert!(
        file.body.contains(go) && file.body.contains(suggest),
        "{file:?}"
    );
    for (typed, location) in [
        ("wiki", "/wiki"),
        ("%20wiki+", "/wiki"),
        ("gh/org/repo", "/gh/org/repo"),
        ("gh%2Forg", "/gh/org"),
        ("a+b", "/a%20b"),
        ("wiki%2B", "/wiki+"),
        ("100%25", "/100%25"),
        ("", "/dashboard"),
        ("%2F%2Fevil.example", "/evil.example"),
        ("%5Cevil.example", "/%5Cevil.example"),
        ("https:%2F%2Fevil.example", "/https://evil.example"),
        ("%0D%0ASet-Cookie:%20a=b", "/Set-Cookie:%20a=b"),
    ] {
        let sent = server.browse(&format!("/dashboard/go?q={typed}")).await;
        let answer = (sent.status.as_u16(), sent.header("location"));
        assert_eq!(answer, (303, location), "{typed}");
    }
    server
        .made(
            &token,
            &json!({ "url": "https://example.com/", "code": "Team-Wiki", "title": "<b>" }),
        )
        .await;
    let suggested = signed_in(&server)
        .await
        .get("/dashboard/suggest?q=wik")
        .await;
    let media_type = "application/x-suggestions+json";
    assert_eq!(suggested.header("content-type"), media_type);
    let expected = r#"["wik",["Team-Wiki"],["<b>"],["https://go.example/Team-Wiki"]]"#;
    assert_eq!(suggested.body, expected);
    let nobody = server.browse("/dashboard/suggest?q=wik").await;
    assert_eq!(nobody.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_root_redirects_browsers_to_the_dashboard() {
    let server = TestServer::closed().await;
    let page = server.browse("/").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("href=\"/dashboard\""), "{page:?}");
    let page = server.browse("/unknown/path").await;
    assert!(!page.body.contains("href=\"/dashboard\""), "{page:?}");
}

#[tokio::test]
async fn it_can_be_installed_and_receives_shared_pages() {
    let server = TestServer::closed().await;
    let file = server.get("/manifest.webmanifest").await;
    assert_eq!(file.header("content-type"), "application/manifest+json");
    let manifest: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    let target = &manifest["share_target"];
    assert_eq!(
        (&target["action"], &target["method"]),
        (&json!("/dashboard"), &json!("GET"))
    );
    // Browsers warn if it is missing.
    assert_eq!(target["enctype"], "application/x-www-form-urlencoded");
    let params = json!({ "title": "title", "text": "text", "url": "target" });
    assert_eq!(target["params"], params);
    for icon in manifest["icons"].as_array().unwrap() {
        let image = server.request(Method::GET, icon["src"].as_str().unwrap());
        let image = image.send().await.unwrap();
        assert_eq!(image.status(), StatusCode::OK, "{icon}");
        let media_type = image.headers()["content-type"].to_str().unwrap();
        assert_eq!(media_type, icon["type"].as_str().unwrap());
        let bytes = image.bytes().await.unwrap();
        assert!(bytes.len() < 10_000, "{icon}");
        if let Some(sizes) = icon["sizes"].as_str().filter(|sizes| *sizes != "any") {
            let size = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(format!("{}x{}", size(16), size(20)), sizes);
        }
    }
    let page = server.browse("/auth/login").await.body;
    assert!(page.contains("<link rel=\"manifest\" href=\"/manifest.webmanifest\">"));
    assert!(page.contains("title=\"Waypost\" href=\"/opensearch.xml\">"));
}

#[tokio::test]
async fn crawlers_are_kept_out_of_pages_for_users() {
    let server = TestServer::closed().await;
    let file = server.get("/robots.txt").await;
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    for path in [
        "/dashboard$",
        "/dashboard/",
        "/settings?",
        "/admin/",
        "/auth/",
        "/api/",
        "/*+$",
    ] {
        assert!(
            file.body.contains(&format!("Disallow: {path}\n")),
            "{file:?}"
        );
    }
    // None of them is recorded as an orphan path.
    let not_found = server.metric("waypost_redirects_total{status=\"not_found\"}");
    assert!(not_found.await.abs() < 0.1);
    let head = server.head("/robots.txt").await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn the_bookmark_opens_the_form_for_a_new_link() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let page = signed_in(&server).await.get("/dashboard/tools").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let bookmark = "href=\"javascript:void(location.href=&#34;https://go.example/dashboard?target=&#34;+\
        encodeURIComponent(location.href)+&#34;&#38;title=&#34;+encodeURIComponent(document.title))\"";
    assert!(page.body.contains(bookmark), "{page:?}");
    // It is the only `javascript:` link, and the policy of every page forbids it.
    assert_eq!(page.body.matches("href=\"javascript:").count(), 1);
    assert_eq!(page.header("content-security-policy"), POLICY);
}

#[tokio::test]
async fn every_public_page_forbids_what_it_does_not_need() {
    let server = TestServer::closed().await;
    let user = add(&server, "ada").await;
    let token = server.token(user.id, "read,write").await;
    let link = |code: &str, more: serde_json::Value| {
        let mut fields = json!({ "url": "https://example.com/", "code": code });
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (server, token) = (&server, &token);
        async move { server.made(token, &fields).await }
    };
    link("wiki", json!({})).await;
    link("off", json!({ "disabled": true })).await;
    add(&server, "eve").await;
    let strangers = Browser::of(&server);
    let browser = signed_in(&server).await;
    for (browser, path, status) in [
        (&browser, "/links", 200),
        (&browser, "/links?cursor=x", 400),
        (&browser, "/dashboard/tools", 200),
        (&browser, "/wiki+", 200),
        (&browser, "/wik", 404),
        (&browser, "/off", 410),
        (&browser, "/off+", 410),
        (&strangers, "/wiki+", 200),
        (&strangers, "/wik", 404),
        (&strangers, "/wik+", 404),
        (&strangers, "/off", 410),
        (&strangers, "/nothing.php", 404),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {page:?}");
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert!(!POLICY.contains("unsafe"));
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.body.matches("<h1>").count(), 1, "{path}");
        for forbidden in [" style=", "<style", "<script>", " onclick", " onerror"] {
            assert!(!page.body.contains(forbidden), "{path}: {page:?}");
        }
        if status >= 400 {
            let id = format!("Request {}<", page.header("x-request-id"));
            assert!(page.body.contains(&id), "{path}: {page:?}");
        }
    }
}

#[tokio::test]
async fn hostile_urls_names_and_headers_are_escaped() {
    let server = TestServer::closed().await;
    let user = add(&server, "ada").await;
    let token = server.token(user.id, "read,write").await;
    let hostile = "\"><script>alert(1)</script>";
    let named = server
        .tell(
            &token,
            Method::PATCH,
            "/api/v1/users/me",
            &json!({ "display_name": hostile }),
        )
        .await;
    assert_eq!(named.status, StatusCode::OK, "{named:?}");
    let fields = json!({
        "url": "https://example.com/\"><script>alert(1)</script>?a='onload='x",
        "code": "odd",
        "title": hostile,
        "description": hostile,
    });
    server.made(&token, &fields).await;
    let browser = signed_in(&server).await;
    for path in [
        "/odd+",
        "/odd+?%22%3E%3Cscript%3E",
        "/links",
        "/links?q=odd%22%3E%3Cscript%3E",
        "/links?tag=%3Cscript%3E",
        "/od",
        "/od?%22%3E%3Cscript%3Ealert(1)",
        "/od%22%3E%3Cscript%3Ealert(1)",
        "/dashboard/tools?%22%3E%3Cscript%3E",
    ] {
        let request = browser.request(Method::GET, path);
        let request = request
            .header(
                "Referer",
                "https://evil.example/\"><script>alert(1)</script>",
            )
            .header("User-Agent", hostile)
            .header("X-Request-Id", hostile.replace(' ', ""));
        let page = send(request).await;
        let tags = page.body.matches("<script").count();
        let own = page.body.matches("<script src=\"/static/").count();
        assert_eq!(tags, own, "{path}: {page:?}");
        assert!(!page.body.contains("\"><script"), "{path}: {page:?}");
        let links = page.body.matches("href=\"javascript:").count();
        assert_eq!(
            links,
            usize::from(path.starts_with("/dashboard/tools")),
            "{path}"
        );
    }
}

//! Public pages: errors of links, previews, and the list of public links.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_api::LimitSettings;

use crate::browser::{Browser, PASSWORD, add};
use crate::people::{Somebody, path_of};
use crate::setup::{Answer, TestServer, send};

/// A title that pages must escape, and its escaped form.
const HOSTILE: &str = "\"><script>alert(1)</script>";
const ESCAPED: &str = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";

/// Returns a browser in which a user is signed in.
async fn browser_of<'a>(server: &'a TestServer, name: &str) -> Browser<'a> {
    let browser = Browser::of(server);
    let answer = browser
        .sign_in(&format!("{name}@example.com"), PASSWORD, "")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    browser
}

/// Adds a user with a password and a token.
async fn person(server: &TestServer, name: &str) -> Somebody {
    let user = add(server, name).await;
    Somebody {
        id: user.id,
        email: format!("{name}@example.com"),
        token: server.token(user.id, "read,write").await,
    }
}

/// Creates a link.
async fn link(server: &TestServer, whose: &Somebody, code: &str, more: Value) -> Value {
    let mut fields = json!({ "url": format!("https://example.com/{code}"), "code": code });
    fields
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    server.made(&whose.token, &fields).await
}

/// Returns the codes that a page suggests.
fn suggested(page: &Answer) -> Vec<&str> {
    let Some((_, list)) = page.body.split_once("<ul class=\"near\">") else {
        return Vec::new();
    };
    let (list, _) = list.split_once("</ul>").unwrap();
    let links = list.split("<a href=\"/").skip(1);
    links.map(|link| link.split('"').next().unwrap()).collect()
}

#[track_caller]
fn has(page: &Answer, text: &str) {
    assert!(page.body.contains(text), "no {text:?} in {page:?}");
}

#[track_caller]
fn lacks(page: &Answer, text: &str) {
    assert!(!page.body.contains(text), "{text:?} in {page:?}");
}

#[tokio::test]
async fn a_typo_finds_similar_links_that_the_user_can_see() {
    let server = TestServer::closed().await;
    let (ada, eve) = (person(&server, "ada").await, person(&server, "eve").await);
    link(&server, &eve, "Wiki", json!({ "title": HOSTILE })).await;
    link(&server, &eve, "wiky", json!({ "visibility": "private" })).await;
    link(&server, &eve, "wikj", json!({ "visibility": "secure" })).await;
    link(&server, &eve, "wikd", json!({ "disabled": true })).await;
    link(
        &server,
        &eve,
        "wike",
        json!({ "expires_at": "2026-03-02T00:00:00Z" }),
    )
    .await;
    link(&server, &ada, "wik-i", json!({ "visibility": "private" })).await;
    let gone = link(&server, &ada, "wikx", json!({})).await;
    let deleted = server
        .ask(&ada.token, Method::DELETE, &path_of(&gone))
        .await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    server.clock.advance(time::Duration::DAY);
    let browser = browser_of(&server, "ada").await;
    let page = browser.get("/wik").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(suggested(&page), ["Wiki", "wik-i"]);
    has(&page, ESCAPED);
    lacks(&page, "<script>");
    has(&page, "href=\"/dashboard?code=wik\">Create this link</a>");
    assert_eq!(page.header("vary"), "accept");
    has(&page, &format!("Request {}<", page.header("x-request-id")));
    assert_eq!(
        suggested(&browser.get("/wiki/").await),
        [""; 0],
        "it exists"
    );
    // The suggested code is the requested one.
    let page = browser.get("/docs/nothing").await;
    has(&page, "href=\"/dashboard?code=docs%2Fnothing\"");
    let error = server.get("/wik").await;
    error.assert_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn visitors_without_a_session_see_no_links_and_can_sign_in() {
    let server = TestServer::closed().await;
    let eve = person(&server, "eve").await;
    link(&server, &eve, "wiki", json!({})).await;
    let page = server.browse("/wik?a=b").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(suggested(&page), [""; 0]);
    lacks(&page, "wiki");
    has(
        &page,
        "href=\"/auth/login?redirect=%2Fwik%3Fa%3Db\">Sign in</a>",
    );
    lacks(&page, "/dashboard?code=");
    assert_eq!(page.header("set-cookie"), "");
    // An invalid session is ignored.
    let browser = Browser::of(&server);
    browser.plant("__Host-waypost_session", "wps_guess");
    let page = browser.get("/wik").await;
    assert_eq!((page.status.as_u16(), suggested(&page)), (404, vec![]));
    // A token gives no access to pages.
    let request = browser.request(Method::GET, "/wik");
    let page = send(request.header("Authorization", format!("Bearer {}", eve.token))).await;
    assert_eq!((page.status.as_u16(), suggested(&page)), (404, vec![]));
}

#[tokio::test]
async fn with_anonymous_links_everyone_sees_only_links_without_an_owner() {
    let server = TestServer::start().await;
    let eve = person(&server, "eve").await;
    link(&server, &eve, "wiki-of-eve", json!({})).await;
    server.link("wiki-of-all").await;
    let page = server.browse("/wiki-of-al").await;
    assert_eq!(suggested(&page), ["wiki-of-all"]);
    lacks(&page, "wiki-of-eve");
    has(&page, "href=\"/links\">Public links</a>");
    let page = server.browse("/links").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    has(&page, "href=\"/wiki-of-all\"");
    lacks(&page, "wiki-of-eve");
    lacks(&page, "role=\"search\"");
    lacks(&page, "@example.com");
}

#[tokio::test]
async fn scanners_get_a_page_without_suggestions() {
    let server = TestServer::start().await;
    add(&server, "ada").await;
    server.link("wiki").await;
    let browser = browser_of(&server, "ada").await;
    for path in [
        "/wiki.php",
        "/.env",
        "/wp-admin/x.php",
        "/%77iki%2520",
        "/wiki%",
        "/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
        assert_eq!(suggested(&page), [""; 0], "{path}");
        lacks(&page, "class=\"button");
        lacks(&page, "<script>");
    }
}

#[tokio::test]
async fn a_client_that_tries_many_codes_gets_no_more_suggestions() {
    let limits = LimitSettings {
        requests_per_minute: 1_000,
        ..LimitSettings::NONE
    };
    let server = TestServer::limited(true, limits).await;
    server.link("wiki").await;
    let mut found = 0;
    for _ in 0..40 {
        let page = server.browse("/wikj").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        found += suggested(&page).len();
    }
    assert_eq!(found, 30);
    server.clock.advance(time::Duration::seconds(2));
    assert_eq!(suggested(&server.browse("/wikj").await), ["wiki"]);
    assert_eq!(server.browse("/wiki").await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_link_that_does_not_work_says_why_and_offers_its_page_to_the_owner() {
    let server = TestServer::closed().await;
    let (ada, _) = (person(&server, "ada").await, person(&server, "eve").await);
    let off = link(&server, &ada, "off", json!({ "disabled": true })).await;
    link(
        &server,
        &ada,
        "old",
        json!({ "expires_at": "2026-03-02T00:00:00Z" }),
    )
    .await;
    server.clock.advance(time::Duration::days(2));
    let page = server.browse("/off").await;
    assert_eq!(page.status, StatusCode::GONE);
    has(&page, "This link is disabled");
    lacks(&page, "/dashboard/links/");
    has(&server.browse("/old").await, "This link has expired");
    let own = format!("href=\"/dashboard/links/{}\"", off["id"].as_str().unwrap());
    has(&browser_of(&server, "ada").await.get("/off").await, &own);
    let other = browser_of(&server, "eve").await;
    for path in ["/off", "/off+"] {
        let page = other.get(path).await;
        assert_eq!(page.status, StatusCode::GONE, "{page:?}");
        lacks(&page, "/dashboard/links/");
    }
}

#[tokio::test]
async fn a_secure_link_says_to_ask_an_owner_without_naming_one() {
    let server = TestServer::closed().await;
    let (ada, _) = (person(&server, "ada").await, person(&server, "eve").await);
    let secure = json!({ "visibility": "secure", "title": "Payroll" });
    link(&server, &ada, "pay", secure).await;
    let eve = browser_of(&server, "eve").await;
    for path in ["/pay", "/pay+"] {
        let page = eve.get(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
        has(&page, "You are signed in as eve@example.com.");
        let back = path.replace('/', "%2F").replace('+', "%2B");
        let href = format!("href=\"/auth/logout?redirect={back}\">Use another account</a>");
        has(&page, &href);
        for secret in ["ada@", "Payroll", "https://example.com"] {
            lacks(&page, secret);
        }
    }
    let sent = server.browse("/pay+").await;
    let location = sent.header("location");
    assert_eq!(
        (sent.status.as_u16(), location),
        (303, "/auth/login?redirect=%2Fpay%2B")
    );
    server.get("/pay+").await.assert_error(401, "UNAUTHORIZED");
    let page = browser_of(&server, "ada").await.get("/pay+").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    has(&page, "https://example.com/pay");
}

#[tokio::test]
async fn a_preview_shows_the_destination_and_is_not_counted() {
    let server = TestServer::closed().await;
    let (ada, _) = (person(&server, "ada").await, person(&server, "eve").await);
    let details = json!({
        "url": "https://example.com/?q=%3Cscript%3E'&a=<b>",
        "title": HOSTILE,
        "description": HOSTILE,
        "tags": ["docs"],
    });
    link(&server, &ada, "Wiki", details).await;
    let page = server.browse("/wiki+").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(page.header("vary"), "accept");
    assert_eq!(page.header("location"), "");
    has(&page, "https://example.com/?q=%3Cscript%3E");
    has(
        &page,
        "href=\"/wiki\" rel=\"nofollow noreferrer\">Open destination</a>",
    );
    for detail in ["alert(1)", "ada@example.com", "docs", "Clicks"] {
        lacks(&page, &format!("{detail}</"));
    }
    let page = browser_of(&server, "eve").await.get("/WIKI+").await;
    has(&page, ESCAPED);
    has(&page, "<dd>ada@example.com</dd>");
    has(&page, "href=\"/links?tag=docs\"");
    lacks(&page, "<dt>Clicks</dt>");
    lacks(&page, "<script>");
    let browser = browser_of(&server, "ada").await;
    has(&browser.get("/wiki+").await, "<dd class=\"number\">0</dd>");
    assert_eq!(browser.get("/wiki").await.status, StatusCode::FOUND);
    has(&browser.get("/wiki+").await, "<dd class=\"number\">1</dd>");
    for (status, count) in [("found", 1.0), ("not_found", 0.0)] {
        let series = format!("waypost_redirects_total{{status=\"{status}\"}}");
        let counted: f64 = server.metric(&series).await;
        assert!((counted - count).abs() < 0.1, "{status}: {counted}");
    }
}

#[tokio::test]
async fn a_preview_of_a_longer_code_does_not_follow_a_shorter_one() {
    let server = TestServer::closed().await;
    let ada = person(&server, "ada").await;
    for code in ["wiki", "wiki/onboarding"] {
        link(&server, &ada, code, json!({})).await;
    }
    for path in [
        "/wiki/onboarding+",
        "/wiki/onboarding%2B",
        "/wiki/onboarding.+",
        "/wiki/onboarding+.",
        "/wiki+/onboarding",
        "/WIKI/Onboarding+)",
    ] {
        let preview = server.get(path).await;
        assert_eq!(preview.status, StatusCode::OK, "{path}: {preview:?}");
        let preview = preview.json();
        let expected = "https://go.example/wiki/onboarding";
        assert_eq!(preview["short_url"], expected, "{path}");
        assert_eq!(preview["target"], "https://example.com/wiki/onboarding");
    }
    // Nor a longer path, of which the link drops the rest.
    let rest = server.get("/wiki/nothing+").await.json();
    assert_eq!(rest["target"], "https://example.com/wiki");
    let found = "waypost_redirects_total{status=\"found\"}";
    assert!(server.metric(found).await.abs() < 0.1);
}

#[tokio::test]
async fn a_preview_in_json_has_the_link_for_users_who_can_see_it() {
    let server = TestServer::closed().await;
    let (ada, eve) = (person(&server, "ada").await, person(&server, "eve").await);
    link(&server, &ada, "wiki", json!({})).await;
    link(
        &server,
        &ada,
        "own",
        json!({ "visibility": "private", "title": "Own" }),
    )
    .await;
    let preview = server.get("/wiki+").await.json();
    let expected = json!({
        "short_url": "https://go.example/wiki",
        "target": "https://example.com/wiki",
        "incomplete": null,
        "link": null,
    });
    assert_eq!(preview, expected);
    let preview = server.read(&eve.token, "/wiki+").await.json();
    assert_eq!(preview["link"]["code"], "wiki");
    assert_eq!(preview["link"]["clicks"], Value::Null);
    assert_eq!(
        server.read(&eve.token, "/own+").await.json()["link"],
        Value::Null
    );
    let own = server.read(&ada.token, "/own+").await.json();
    assert_eq!(
        (&own["link"]["title"], &own["link"]["clicks"]),
        (&json!("Own"), &json!(0))
    );
    let head = server.head("/wiki+").await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    server.get("/nothing+").await.assert_error(404, "NOT_FOUND");
    server.get("/+").await.assert_error(404, "NOT_FOUND");
    // The rest of the path fills keywords and placeholders.
    let admin = server.admin("admin").await;
    let keyword = json!({ "keyword": "gh", "url": "https://code.example/{slug}" });
    let made = server.tell(&admin.token, Method::POST, "/api/v1/keywords", &keyword);
    assert_eq!(made.await.status, StatusCode::CREATED);
    let filled = server.get("/gh+/org/repo").await.json();
    assert_eq!(filled["target"], "https://code.example/org/repo");
    assert_eq!(filled["short_url"], "https://go.example/gh/org/repo");
    // After a keyword a plus sign belongs to the rest of the path.
    let sent = server.get("/gh/c++").await;
    assert_eq!(sent.header("location"), "https://code.example/c++");
    let template = json!({ "url": "https://jira.example/browse/$ticket", "template": true });
    link(&server, &ada, "jira", template).await;
    let open = server.get("/jira+").await.json();
    assert_eq!(open["target"], "https://jira.example/browse/$ticket");
    assert!(open["incomplete"].is_string(), "{open}");
    let filled = server.get("/jira+/ABC-1").await.json();
    assert_eq!(filled["target"], "https://jira.example/browse/ABC-1");
    let page = server.browse("/jira+").await;
    lacks(&page, "Open destination");
}

#[tokio::test]
async fn signed_in_users_list_and_find_public_links() {
    let server = TestServer::closed().await;
    let (ada, eve) = (person(&server, "ada").await, person(&server, "eve").await);
    for number in 0..55 {
        let code = format!("public-{number:02}");
        link(&server, &eve, &code, json!({ "tags": ["all"] })).await;
        server.clock.advance(time::Duration::SECOND);
    }
    let hostile = json!({ "title": HOSTILE, "tags": ["odd"] });
    link(&server, &eve, "docs/api", hostile).await;
    link(&server, &ada, "own", json!({ "visibility": "private" })).await;
    let sent = server.browse("/links?q=x").await;
    assert_eq!(
        sent.header("location"),
        "/auth/login?redirect=%2Flinks%3Fq%3Dx"
    );
    let browser = browser_of(&server, "ada").await;
    let page = browser.get("/links").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    has(&page, ESCAPED);
    has(&page, "href=\"/docs/api\"");
    has(&page, "href=\"/docs+/api\"");
    has(&page, "eve@example.com");
    lacks(&page, ">own<");
    lacks(&page, "<small>clicks</small>");
    assert_eq!(page.body.matches("<li class=\"row\">").count(), 50);
    let (_, next) = page.body.split_once("href=\"/links?cursor=").unwrap();
    let (cursor, _) = next.split_once('"').unwrap();
    let next = browser.get(&format!("/links?cursor={cursor}")).await;
    assert_eq!(next.body.matches("<li class=\"row\">").count(), 6);
    let found = browser.get("/links?q=docs&sort=code").await;
    assert_eq!(found.body.matches("<li class=\"row\">").count(), 1);
    has(&found, "value=\"docs\"");
    let tagged = browser.get("/links?tag=all&sort=code").await;
    has(&tagged, "href=\"/links?tag=all&#38;sort=code&amp;cursor=");
    let none = browser.get("/links?q=%22%3E%3Cnothing%3E").await;
    has(&none, "value=\"&#34;&#62;&#60;nothing&#62;\"");
    has(&none, "No public links match");
    let part = browser.request(Method::GET, "/links?q=docs");
    let part = browser.send(part.header("HX-Request", "true")).await;
    assert!(part.body.starts_with("<div id=\"links\">"), "{part:?}");
    for bad in ["/links?cursor=x", "/links?tag=a%20b%2C"] {
        let page = browser.get(bad).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{page:?}");
    }
}

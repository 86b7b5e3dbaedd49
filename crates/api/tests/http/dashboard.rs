//! The dashboard: creating and finding links.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;
use waypost_core::{LinkDetails, Visibility};
use waypost_store::{LinkEdit, LinkStore as _, LinkUpdate, Updated};
use waypost_store_testkit::samples::{Samples, tags};

use crate::browser::{Browser, PASSWORD, add, signed_in};
use crate::setup::{Answer, TestServer, send};

/// Creates a link through the API with the session of a browser, and returns it.
async fn make(browser: &Browser<'_>, link: Value) -> Value {
    let request = browser.request(Method::POST, "/api/v1/links");
    let request = request.header("Sec-Fetch-Site", "same-origin");
    let made = browser.send(request.json(&link)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.json()
}

/// Returns the codes of the links on a page, in order.
fn codes(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let rows = page.body.split("class=\"row-name\"").skip(1);
    let codes = rows.map(|row| {
        let (_, code) = row.split_once("</span>").unwrap();
        code.split_once('<').unwrap().0.to_owned()
    });
    codes.collect()
}

/// Returns the path of a link to another page of the list.
fn to_page(page: &Answer, label: &str) -> Option<String> {
    let (before, _) = page.body.split_once(&format!("\">{label}</a>"))?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.replace("&#38;", "&").replace("&amp;", "&"))
}

#[tokio::test]
async fn a_created_link_is_shown_with_its_qr_code() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    assert!(
        browser
            .get("/dashboard")
            .await
            .body
            .contains("No links yet.")
    );
    let made = browser
        .fill(
            "/dashboard",
            &[
                ("target", " https://example.com/a?b=1&c "),
                ("code", "Wiki"),
            ],
        )
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{made:?}");
    let path = made.header("location").to_owned();
    let (_, id) = path.split_once("/dashboard?created=").unwrap();
    let page = browser.get(&path).await;
    assert!(
        page.body.contains("data-copy=\"https://go.example/Wiki\""),
        "{page:?}"
    );
    assert!(
        page.body
            .contains("goes to https://example.com/a?b=1&#38;c"),
        "{page:?}"
    );
    let image = format!("<img class=\"qr\" src=\"/dashboard/links/{id}/qr.svg?size=160\"");
    assert!(page.body.contains(&image), "{page:?}");
    assert_eq!(codes(&page), ["Wiki"]);
    // A link of another user is not shown; an ID without a link is ignored.
    add(&server, "eve").await;
    let eve = Browser::of(&server);
    eve.sign_in("eve@example.com", PASSWORD, "").await;
    for other in ["x", "", "00000000-0000-0000-0000-000000000000"] {
        let page = browser.get(&format!("/dashboard?created={other}")).await;
        assert!(!page.body.contains("Link created"), "{page:?}");
    }
    server.clock.advance(Duration::SECOND);
    let drawn = browser
        .fill("/dashboard", &[("target", "https://example.com/")])
        .await;
    let page = browser.get(drawn.header("location")).await;
    assert_eq!(codes(&page)[0].len(), 7, "{page:?}");
    assert_eq!(codes(&eve.get("/dashboard").await), [""; 0]);
}

#[tokio::test]
async fn a_code_in_use_is_reported_beside_its_field() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let fields = [("target", "https://example.com/"), ("code", "wiki")];
    assert_eq!(browser.fill("/dashboard", &fields).await.status, 303);
    let taken = browser.fill("/dashboard", &fields).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The field is visible, and the message is the one of the API.
    assert!(
        taken.body.contains("<details class=\"more\" open>"),
        "{taken:?}"
    );
    let refused = browser.request(Method::POST, "/api/v1/links");
    let refused = refused.header("Sec-Fetch-Site", "same-origin");
    let link = json!({"url": "https://example.com/", "code": "wiki"});
    let refused = browser.send(refused.json(&link)).await.json();
    let message = refused["message"].as_str().unwrap().get(1..).unwrap();
    assert!(taken.body.contains(message), "{message} in {taken:?}");
}

#[tokio::test]
async fn the_list_has_own_and_shared_links_only() {
    let server = TestServer::closed().await;
    let (ada, eve) = (add(&server, "ada").await, add(&server, "eve").await);
    let samples = Samples::new(1);
    let store = server.store.memory();
    for (code, owner, visibility, shared) in [
        ("own", Some(ada.id), Visibility::Private, false),
        ("shared", Some(eve.id), Visibility::Secure, true),
        ("public", Some(eve.id), Visibility::Public, false),
        ("nobodys", None, Visibility::Public, false),
    ] {
        let details = LinkDetails {
            visibility,
            ..LinkDetails::default()
        };
        let link = samples.link_with(code, details);
        store.insert_link(&link, owner).await.unwrap();
        if shared {
            let update = LinkUpdate {
                link: link.id,
                version: link.version,
                by: None,
                at: link.created_at + Duration::SECOND,
                edit: LinkEdit::Share(ada.id),
            };
            let shared = store.update_link(&update).await.unwrap();
            assert!(matches!(shared, Updated::Done(_)));
        }
    }
    let page = signed_in(&server).await.get("/dashboard?sort=code").await;
    assert_eq!(codes(&page), ["own", "shared"]);
    assert_eq!(
        page.body.matches(">shared with you<").count(),
        1,
        "{page:?}"
    );
    // Only owners see clicks.
    assert_eq!(
        page.body.matches("0 <small>clicks</small>").count(),
        1,
        "{page:?}"
    );
    // The other link is in the navigation.
    assert_eq!(page.body.matches("/stats\"").count(), 2, "{page:?}");
}

#[tokio::test]
async fn the_list_is_searched_filtered_and_sorted() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    for (code, title, tags) in [
        ("b-wiki", "The wiki", vec!["docs", "c++"]),
        ("a-plan", "Plan & wiki", vec!["docs"]),
        ("c-food", "Menu", vec![]),
    ] {
        let link =
            json!({"url": "https://example.com/", "code": code, "title": title, "tags": tags});
        make(&browser, link).await;
        server.clock.advance(Duration::SECOND);
    }
    for (query, expected) in [
        ("", vec!["c-food", "a-plan", "b-wiki"]),
        ("?q=wik&sort=code", vec!["a-plan", "b-wiki"]),
        ("?q=wik+plan&tag=&sort=&cursor=", vec!["a-plan"]),
        ("?q=nothing", vec![]),
        ("?q=%2B", vec![]),
        ("?tag=docs", vec!["a-plan", "b-wiki"]),
        ("?tag=c%2B%2B", vec!["b-wiki"]),
        ("?sort=-code", vec!["c-food", "b-wiki", "a-plan"]),
        (
            "?sort=created_at&unknown=x",
            vec!["b-wiki", "a-plan", "c-food"],
        ),
    ] {
        let page = browser.get(&format!("/dashboard{query}")).await;
        assert_eq!(codes(&page), expected, "{query}");
    }
    let page = browser.get("/dashboard").await;
    assert!(
        page.body.contains("href=\"/dashboard?tag=c%2B%2B\""),
        "{page:?}"
    );
    for query in [
        "?sort=clicks",
        "?cursor=x",
        "?tag=a%20b",
        &format!("?q={}", "x".repeat(201)),
    ] {
        let refused = browser.get(&format!("/dashboard{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.body.starts_with("<!doctype html>"), "{query}");
    }
    // During a search htmx requests only the list, and the URL follows.
    let part = browser.request(Method::GET, "/dashboard?q=plan&sort=-created_at");
    let part = browser.send(part.header("HX-Request", "true")).await;
    assert_eq!(codes(&part), ["a-plan"]);
    assert!(
        part.body.trim_start().starts_with("<div id=\"links\""),
        "{part:?}"
    );
    assert_eq!(
        part.header("hx-replace-url"),
        "/dashboard?q=plan&sort=-created_at"
    );
    let part = browser.request(Method::GET, "/dashboard?sort=clicks");
    let part = browser.send(part.header("HX-Request", "true")).await;
    assert_eq!(part.status, StatusCode::BAD_REQUEST);
    assert_eq!(part.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn pages_of_the_list_have_every_link_once() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    let samples = Samples::new(1);
    for number in 0..60 {
        let details = LinkDetails {
            tags: tags(&["many"]),
            ..LinkDetails::default()
        };
        let link = samples.link_with(&format!("n-{number:02}"), details);
        let store = server.store.memory();
        store.insert_link(&link, Some(ada.id)).await.unwrap();
    }
    let browser = signed_in(&server).await;
    for first in [
        "/dashboard",
        "/dashboard?tag=many&sort=-code",
        "/dashboard?q=n&sort=code",
    ] {
        let mut page = browser.get(first).await;
        assert_eq!(to_page(&page, "First page"), None);
        let (mut seen, mut pages) = (codes(&page), 1);
        while let Some(next) = to_page(&page, "Next page") {
            page = browser.get(&next).await;
            assert_eq!(to_page(&page, "First page").as_deref(), Some(first));
            seen.extend(codes(&page));
            pages += 1;
        }
        assert_eq!((pages, seen.len()), (3, 60), "{first}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 60);
    }
}

#[tokio::test]
async fn clicks_are_in_the_list_with_a_chart_of_30_days_in_words() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    make(
        &browser,
        json!({"url": "https://example.com/", "code": "wiki"}),
    )
    .await;
    make(
        &browser,
        json!({"url": "https://example.com/", "code": "quiet"}),
    )
    .await;
    for _ in 0..3 {
        let visit = server.request(Method::GET, "/wiki");
        let followed = send(visit.header(
            "User-Agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ))
        .await;
        assert_eq!(followed.status, StatusCode::FOUND);
    }
    let page = browser.get("/dashboard?sort=-code").await;
    assert_eq!(codes(&page), ["wiki", "quiet"]);
    let body = &page.body;
    assert!(
        body.contains("3 <small>clicks</small><small>3 by people</small>"),
        "{body}"
    );
    let words = "3 clicks in the last 30 days; highest: 1 March, 3";
    assert!(
        body.contains(&format!("role=\"img\" aria-label=\"{words}\"")),
        "{body}"
    );
    assert!(body.contains("No clicks in the last 30 days"), "{body}");
}

#[tokio::test]
async fn a_qr_code_is_an_image_of_the_requested_size() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let link = make(
        &browser,
        json!({"url": "https://example.com/", "code": "wiki"}),
    )
    .await;
    let path = format!("/dashboard/links/{}/qr", link["id"].as_str().unwrap());
    let svg = browser.get(&format!("{path}.svg?size=200")).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(
        svg.body
            .starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"200\"")
    );
    let png = browser.get(&format!("{path}.png")).await;
    assert_eq!(png.status, StatusCode::OK);
    assert_eq!(png.header("content-type"), "image/png");
    for image in [&svg, &png] {
        assert_eq!(image.header("x-content-type-options"), "nosniff");
        assert!(
            image
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
    }
    for size in ["31", "2049", "-1", "", "large", "100.5", "99999999999"] {
        for kind in ["svg", "png"] {
            let refused = browser.get(&format!("{path}.{kind}?size={size}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{size}");
            assert!(refused.body.contains("from 32 to 2048"), "{refused:?}");
        }
    }
    assert_eq!(browser.get("/dashboard/links/x/qr.svg").await.status, 404);
}

#[tokio::test]
async fn the_page_says_when_the_database_is_unavailable() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    server.store.go_away();
    let away = browser.get("/dashboard").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        away.body.contains("The database is unavailable"),
        "{away:?}"
    );
}

#[tokio::test]
async fn the_query_of_the_page_fills_in_the_form() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for (query, target, code, title) in [
        (
            "target=https://a.example/&title=The+page",
            "https://a.example/",
            "",
            "The page",
        ),
        ("code=wiki&from=orphan", "", "wiki", ""),
        (
            "title=A&text=see+https://b.example/x+there",
            "https://b.example/x",
            "",
            "A",
        ),
        ("text=nothing+here", "", "", ""),
    ] {
        let page = browser.get(&format!("/dashboard?{query}")).await;
        let value = |name: &str| {
            let input = page.body.split(&format!("name=\"{name}\"")).nth(1).unwrap();
            let input = input.split_once('>').unwrap().0;
            let value = input.split_once("value=\"").map_or("", |(_, value)| value);
            value
                .split_once('"')
                .map_or("", |(value, _)| value)
                .to_owned()
        };
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(value("target"), target, "{query}");
        assert_eq!(value("code"), code, "{query}");
        assert_eq!(value("title"), title, "{query}");
    }
    let query = format!("target={hostile}&code={hostile}&title={hostile}&text={hostile}");
    let page = browser.get(&format!("/dashboard?{query}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script>alert"), "{page:?}");
    let long = "x".repeat(300);
    let page = browser.get(&format!("/dashboard?title={long}")).await;
    assert!(page.body.contains(&"x".repeat(200)) && !page.body.contains(&"x".repeat(201)));
}

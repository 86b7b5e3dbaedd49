//! Statistics pages: what changes while a page is open.

use reqwest::{Method, StatusCode};
use serde_json::json;
use time::Duration;

use crate::browser::{add, signed_in};
use crate::page_statistics::{FIREFOX, HOSTILE, known, page_of, rows, shown, tell, visit};
use crate::people::{LINKS, text};
use crate::setup::TestServer;

#[tokio::test]
async fn updates_are_fetched_in_parts() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    let link = &truth.links[0];
    let part = async |target: &str| {
        let request = browser.request(Method::GET, &page_of(link, "?days=7"));
        let request = request
            .header("HX-Request", "true")
            .header("HX-Target", target);
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(
            !answer.body.contains("<html") && !answer.body.contains("<h1"),
            "{answer:?}"
        );
        answer.body
    };
    let live = part("live").await;
    let total = truth.total(link.id);
    assert!(
        live.contains(&format!("data-total=\"{}\"", total.clicks)),
        "{live}"
    );
    let said = format!(
        "data-said=\"{} clicks in total, {} by people\"",
        total.clicks, total.humans
    );
    assert!(live.contains(&said), "{live}");
    assert_eq!(rows(&live, "id=\"chart-table\"").len(), 7);
    assert_eq!(rows(&live, "id=\"clicks-title\"").len(), 50);
    assert!(
        live.contains("<div id=\"clicks\" hx-swap-oob=\"innerHTML\">"),
        "{live}"
    );
    assert!(!live.contains("<b>Referrers</b>"), "{live}");
    let breakdowns = part("breakdowns").await;
    assert!(breakdowns.contains("<b>Referrers</b>"), "{breakdowns}");
    assert!(!breakdowns.contains("data-total"), "{breakdowns}");
    // The page names its live stream, which is open to everyone who can see the page.
    let page = shown(&browser, &page_of(link, "")).await;
    let events = format!("{LINKS}/{}/live", link.id);
    assert!(
        page.contains(&format!("<div id=\"live\" data-events=\"{events}\">")),
        "{page}"
    );
    let head = browser.send(browser.request(Method::HEAD, &events)).await;
    assert_eq!(head.header("content-type"), "text/event-stream");
    for file in ["csv", "ndjson"] {
        let address = format!("{LINKS}/{}/clicks.{file}", link.id);
        assert!(
            page.contains(&format!("href=\"{address}\" download")),
            "{page}"
        );
        assert_eq!(browser.get(&address).await.status, StatusCode::OK);
    }
    let files = page.matches("/static/").count();
    assert!(files <= 6, "{files}");
}

#[tokio::test]
async fn a_click_and_a_new_destination_are_on_the_page_at_once_and_escaped() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let me = json!({ "display_name": format!("Ada {HOSTILE}") });
    tell(&browser, Method::PATCH, "/api/v1/users/me", &me).await;
    let fields = json!({ "url": "https://example.com/?a=<b>", "code": "wiki", "title": HOSTILE });
    let link = tell(&browser, Method::POST, LINKS, &fields).await.json();
    let page = format!("/dashboard/links/{}/stats", text(&link["id"]));
    let empty = shown(&browser, &page).await;
    assert!(empty.contains("No clicks yet."), "{empty}");
    assert!(
        empty.contains("data-copy=\"https://go.example/wiki\""),
        "{empty}"
    );
    assert!(!empty.contains("id=\"chart-table\""), "{empty}");

    visit(
        &server,
        "wiki",
        FIREFOX,
        "https://news.example/%22%3E<script>?q=secret",
    )
    .await;
    visit(
        &server,
        "wiki",
        &format!("curl/8 {HOSTILE}"),
        "javascript:alert(1)",
    )
    .await;
    // A visit of the signed-in owner.
    let own = browser
        .request(Method::GET, "/wiki")
        .header("user-agent", FIREFOX);
    assert_eq!(browser.send(own).await.status, StatusCode::FOUND);
    server.clock.advance(Duration::DAY);
    let target = json!({ "url": format!("https://example.org/{HOSTILE}") });
    tell(
        &browser,
        Method::PATCH,
        &format!("{LINKS}/{}", text(&link["id"])),
        &target,
    )
    .await;
    let mut body = shown(&browser, &page).await;
    while !body.contains("<b>3</b><span>clicks in total</span><small>1 by people") {
        body = shown(&browser, &page).await;
    }
    let clicks = rows(&body, "id=\"clicks-title\"");
    let cells: Vec<_> = clicks
        .iter()
        .map(|row| (row[1].as_str(), row[2].as_str(), row[5].as_str()))
        .collect();
    assert!(
        cells.contains(&("direct or unknown", "Firefox on Windows", "Owners")),
        "{cells:?}"
    );
    assert!(
        cells
            .iter()
            .any(|(from, _, class)| from.starts_with("news.example/") && *class == "People"),
        "{cells:?}"
    );
    assert!(
        cells.iter().any(|(_, _, class)| *class == "Bots"),
        "{cells:?}"
    );
    let (_, marked) = body
        .split_once("<g><title>Mon 2 Mar 2026: destination changed to https://example.org/")
        .unwrap();
    assert!(marked.contains("class=\"marker\""), "{body}");
    assert!(body.contains("Changes of the destination: 1"), "{body}");
    for raw in [
        "<script>alert",
        "secret",
        "javascript:",
        " onclick",
        " style=",
    ] {
        assert!(!body.contains(raw), "{raw}: {body}");
    }
    assert!(body.contains("Ada &#34;&#62;&#60;script&#62;"), "{body}");
}

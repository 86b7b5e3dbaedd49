//! Statistics pages: of one link, and of all links of a user.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_core::{Link, Role, User, VisitClass};
use waypost_store::UserChange;
use waypost_store::UserStore as _;
use waypost_store_testkit::truth::Truth;

use crate::browser::{Browser, PASSWORD, add, signed_in};
use crate::people::{LINKS, text};
use crate::setup::{Answer, TestServer, send};
use crate::statistics::plan;

/// The user agent of a person with Firefox.
pub(crate) const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// A text that pages must escape.
pub(crate) const HOSTILE: &str = "\"><script>alert(1)</script>";

/// Links of Ada with known clicks.
pub(crate) async fn known(server: &TestServer) -> (User, Truth) {
    let ada = add(server, "ada").await;
    let truth = Truth::generate(plan(vec![ada.id]));
    let store = server.store.memory();
    truth.insert_links(store, Some(ada.id)).await;
    truth.record(store).await;
    (ada, truth)
}

pub(crate) fn page_of(link: &Link, query: &str) -> String {
    format!("/dashboard/links/{}/stats{query}", link.id)
}

pub(crate) async fn json_of(browser: &Browser<'_>, path: &str) -> Value {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

pub(crate) async fn shown(browser: &Browser<'_>, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.body
}

/// Returns the cells of the first table body after a text, without markup.
#[track_caller]
pub(crate) fn rows(page: &str, behind: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(behind).unwrap_or_else(|| panic!("{page}"));
    let (_, rest) = rest.split_once("<tbody>").unwrap();
    let (body, _) = rest.split_once("</tbody>").unwrap();
    let body = body.replace("</th>", "</td>");
    let cells = |row: &str| {
        let (cells, _) = row.rsplit_once("</td>").unwrap();
        cells.split("</td>").map(plain).collect()
    };
    body.split("<tr>").skip(1).map(cells).collect()
}

/// Removes markup from a text.
pub(crate) fn plain(html: &str) -> String {
    let parts = html.split('<').map(|part| {
        let behind = part.split_once('>').map(|(_, text)| text);
        behind.unwrap_or(part)
    });
    let words = parts.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

pub(crate) fn number(text: &str) -> u64 {
    text.replace(',', "").parse().unwrap()
}

/// Returns the markup of a figure, with the singular of its noun for 1.
pub(crate) fn figure(number: &Value, what: &str) -> String {
    let what = if number == 1 {
        what.replacen("s ", " ", 1)
    } else {
        what.to_owned()
    };
    format!("<b>{number}</b><span>{what}</span>")
}

/// Returns a browser in which a user is signed in.
pub(crate) async fn browser_of<'a>(server: &'a TestServer, name: &str) -> Browser<'a> {
    let browser = Browser::of(server);
    let email = format!("{name}@example.com");
    let answer = browser.sign_in(&email, PASSWORD, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    browser
}

/// Sends JSON as a page of this server does.
pub(crate) async fn tell(
    browser: &Browser<'_>,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let request = browser.request(method, path);
    let request = request.header("Sec-Fetch-Site", "same-origin");
    let answer = browser.send(request.json(body)).await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer
}

pub(crate) async fn visit(server: &TestServer, code: &str, agent: &str, referrer: &str) {
    let request = server.request(Method::GET, &format!("/{code}"));
    let request = request
        .header("user-agent", agent)
        .header("referer", referrer);
    assert_eq!(send(request).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn the_page_shows_the_numbers_of_the_api() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    for link in &truth.links {
        let api = json_of(&browser, &format!("{LINKS}/{}/stats", link.id)).await;
        let page = shown(&browser, &page_of(link, "")).await;
        for (field, what) in [
            ("total", "clicks in total"),
            ("last_7d", "clicks in the last 7 days"),
            ("last_30d", "clicks in the last 30 days"),
            ("visitors_today", "unique visitors today"),
        ] {
            let figure = figure(&api[field], what);
            assert!(page.contains(&figure), "{figure}: {page}");
        }
        let people = format!("clicks in total</span><small>{} by people", api["humans"]);
        assert!(page.contains(&people), "{people}: {page}");
        for field in [
            "first_click_at",
            "last_click_at",
            "clicks_since",
            "complete_until",
        ] {
            let time = format!("<time datetime=\"{}\" data-local>", text(&api[field]));
            assert!(page.contains(&time), "{field}: {page}");
        }
        assert!(page.contains("Days start at midnight, UTC."), "{page}");
        // Each day with all clicks, clicks by people, and unique visitors.
        let table = rows(&page, "id=\"chart-table\"");
        let daily = api["daily"].as_array().unwrap();
        assert_eq!(table.len(), daily.len());
        for (row, day) in table.iter().zip(daily) {
            let numbers: Vec<u64> = row[1..].iter().map(|cell| number(cell)).collect();
            let expected = ["clicks", "humans", "visitors"].map(|field| day[field].as_u64());
            assert_eq!(numbers, expected.map(Option::unwrap), "{row:?}");
        }
        assert_eq!(page.matches("class=\"place\"").count(), 30);
        assert!(page.contains("1 Mar 2026: "), "{page}");
    }
}

#[tokio::test]
async fn clicks_without_a_record_are_told() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    let link = &truth.links[0];
    let at = format!("{LINKS}/{}/stats", link.id);
    let before = json_of(&browser, &at).await;
    assert_eq!(before["clicks_without_record"], 0);
    let told = "<dt>Clicks without a record</dt>";
    let page = shown(&browser, &page_of(link, "")).await;
    assert!(!page.contains(told), "{page}");
    let scope = waypost_store::PurgeScope {
        before: time::macros::datetime!(2100-01-01 00:00 UTC),
        link: Some(link.id),
    };
    let store = server.store.memory();
    let purged = waypost_store::ClickStore::purge_clicks(store, scope, 3).await;
    assert_eq!(purged.unwrap(), 3);
    let after = json_of(&browser, &at).await;
    assert_eq!(after["clicks_without_record"], 3);
    assert_eq!(after["total"], before["total"]);
    let page = shown(&browser, &page_of(link, "")).await;
    assert!(page.contains(&format!("{told}<dd>3, ")), "{page}");
}

#[tokio::test]
async fn the_query_selects_days_and_click_types() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    let link = &truth.links[0];
    for (query, from, to, rows_shown) in [
        ("?days=7", "2026-02-23", "2026-03-01", 7),
        ("?days=90", "2025-12-02", "2026-03-01", 90),
        // Weeks.
        ("?days=365", "2025-03-02", "2026-03-01", 53),
        (
            "?from=2026-02-01&to=2026-02-03",
            "2026-02-01",
            "2026-02-03",
            3,
        ),
        ("?from=2026-02-27&to=&class=", "2026-02-27", "2026-03-01", 3),
        ("?from=2026-03-01", "2026-03-01", "2026-03-01", 1),
        // Months.
        ("?days=3660", "2016-02-23", "2026-03-01", 122),
    ] {
        for class in std::iter::once(None).chain(VisitClass::ALL.map(Some)) {
            let of_class = class.map_or_else(String::new, |class| format!("&class={class}"));
            let at = format!("{LINKS}/{}/stats?from={from}&to={to}{of_class}", link.id);
            let api = json_of(&browser, &at).await;
            let daily = api["daily"].as_array().unwrap().iter();
            let expected: u64 = daily.map(|day| day["clicks"].as_u64().unwrap()).sum();
            let query = format!("{query}{of_class}").replace("&class=&", "&");
            let page = shown(&browser, &page_of(link, &query)).await;
            let table = rows(&page, "id=\"chart-table\"");
            assert_eq!(table.len(), rows_shown, "{query}");
            let shown: u64 = table.iter().map(|row| number(&row[1])).sum();
            assert_eq!(shown, expected, "{query}");
            // Clicks of one type are not split, and unique visitors are only known per day.
            let is_split = class.is_none();
            let is_daily = table.len() == api["daily"].as_array().unwrap().len();
            let columns = [">By people</th><th scope=", ">Unique visitors</th>"];
            let columns = columns.map(|column| page.contains(column));
            assert_eq!(columns, [is_split && is_daily; 2], "{query}");
            let days = api["daily"].as_array().unwrap();
            let others = days.iter().any(|day| day["clicks"] != day["humans"]);
            let has_others = page.contains("class=\"others\" x=");
            assert_eq!(has_others, is_split && others, "{query}");
            assert!(page.len() < 80_000, "{}", page.len());
        }
    }
    // The list of clicks is filtered as well.
    let page = shown(&browser, &page_of(link, "?class=preview")).await;
    let clicks = rows(&page, "id=\"clicks-title\"");
    let previews = truth
        .clicks
        .iter()
        .filter(|click| click.link_id == link.id && click.facts.class == Some(VisitClass::Preview));
    assert_eq!(clicks.len(), previews.count().min(50));
    assert!(clicks.iter().all(|row| row[5] == "Previews"), "{clicks:?}");
    let here = page.matches("<a class=\"chip on\"").count();
    assert_eq!(here, 2, "{page}");
}

#[tokio::test]
async fn breakdowns_add_up_to_the_clicks_of_their_days() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    let link = &truth.links[1];
    let page = shown(&browser, &page_of(link, "?from=2026-01-10&to=2026-03-01")).await;
    let all = truth.total(link.id);
    for title in [
        "Referrers",
        "Browsers",
        "Systems",
        "Devices",
        "Countries",
        "Click types",
    ] {
        let table = rows(&page, &format!("<caption><b>{title}</b></caption>"));
        assert!((2..=12).contains(&table.len()), "{title}: {table:?}");
        let clicks = table.iter().map(|row| {
            let (clicks, share) = row[1].split_once(' ').unwrap();
            assert!(share.ends_with('%'), "{row:?}");
            number(clicks)
        });
        assert_eq!(clicks.sum::<u64>(), all.clicks, "{title}: {table:?}");
    }
    let referrers = rows(&page, "<caption><b>Referrers</b></caption>");
    assert_eq!(referrers.len(), 12, "{referrers:?}");
    assert_eq!(referrers[10][0], "Other");
    assert_eq!(referrers[11][0], "Direct or unknown");
    let people: u64 = referrers.iter().map(|row| number(&row[2])).sum();
    assert_eq!(people, all.humans);
    // A range without clicks says so.
    let none = shown(&browser, &page_of(link, "?from=2025-01-01&to=2025-01-02")).await;
    assert!(
        none.contains("No clicks in this period (Wed 1 Jan 2025 to Thu 2 Jan 2025)."),
        "{none}"
    );
}

#[tokio::test]
async fn the_page_of_a_link_is_for_its_owners_and_admins() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let ada = signed_in(&server).await;
    let admin = add(&server, "root").await;
    let promoted = UserChange {
        role: Some(Role::Admin),
        ..UserChange::default()
    };
    server
        .store
        .memory()
        .change_user(admin.id, &promoted)
        .await
        .unwrap();
    for name in ["bob", "eve", "stranger"] {
        add(&server, name).await;
    }
    let made = async |visibility: &str| {
        let fields = json!({ "url": "https://example.com/", "visibility": visibility });
        let link = tell(&ada, Method::POST, LINKS, &fields).await.json();
        let id = text(&link["id"]).to_owned();
        server.own(&link, "bob@example.com").await;
        let body = json!({ "email": "eve@example.com" });
        tell(&ada, Method::POST, &format!("{LINKS}/{id}/shares"), &body).await;
        format!("/dashboard/links/{id}/stats")
    };
    let (public, secure) = (made("public").await, made("secure").await);
    for (name, of_public, of_secure) in [
        ("ada", 200, 200),
        ("bob", 200, 200),
        ("root", 200, 200),
        ("eve", 403, 403),
        ("stranger", 403, 404),
    ] {
        let browser = browser_of(&server, name).await;
        for (path, status) in [(&public, of_public), (&secure, of_secure)] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status.as_u16(), status, "{name} {path}: {answer:?}");
            assert!(answer.header("content-type").starts_with("text/html"));
            assert_eq!(answer.body.contains("clicks in total"), status == 200);
        }
    }
    for path in [
        "/dashboard/links/x/stats",
        "/dashboard/links/00000000-0000-7000-8000-000000000000/stats",
    ] {
        assert_eq!(ada.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // A deleted link keeps its statistics.
    let gone = public
        .replace("/dashboard/links", LINKS)
        .replace("/stats", "");
    tell(&ada, Method::DELETE, &gone, &json!({})).await;
    let page = shown(&ada, &public).await;
    assert!(page.contains("This link is deleted"), "{page}");
}

#[tokio::test]
async fn an_invalid_range_is_reported_beside_its_field() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    let browser = signed_in(&server).await;
    let of_link = page_of(&truth.links[0], "");
    for (query, field, message) in [
        (
            "from=yesterday%22%3E",
            "from",
            "Enter a date such as 2026-03-01.",
        ),
        ("to=2026-02-30", "to", "Enter a date such as 2026-03-01."),
        (
            "from=2026-03-02",
            "from",
            "The first day must not be after the last day.",
        ),
        (
            "from=1999-01-01",
            "from",
            "Choose a later day; at most 3,660 days are shown.",
        ),
    ] {
        for path in [of_link.as_str(), "/dashboard/stats"] {
            let answer = browser.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            let page = answer.body;
            let error = format!("<div id=\"{field}-about\"><p class=\"error\">{message}</p></div>");
            assert!(page.contains(&error), "{query}: {page}");
            assert!(page.contains("<details class=\"more\" open>"), "{page}");
            assert!(!page.contains("yesterday\">"), "{page}");
            assert_eq!(rows(&page, "id=\"chart-table\"").len(), 30);
        }
    }
    for (query, message) in [
        ("days=0", "The number of days must be from 1 to 3,660."),
        ("days=week", "The number of days must be from 1 to 3,660."),
        ("class=robot", "Unknown click type; choose one above."),
    ] {
        let answer = browser.get(&format!("{of_link}?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(
            answer.body.contains("role=\"alert\"") && answer.body.contains(message),
            "{answer:?}"
        );
    }
    // The first one of several values counts.
    let twice = browser.get(&format!("{of_link}?days=7&days=week")).await;
    assert_eq!(twice.status, StatusCode::OK);
}

#[tokio::test]
async fn the_statistics_of_all_owned_links_are_on_a_page() {
    let server = TestServer::closed().await;
    let (_, truth) = known(&server).await;
    add(&server, "eve").await;
    let browser = signed_in(&server).await;
    for (query, of_api) in [
        ("", ""),
        (
            "?from=2026-02-01&to=2026-02-10",
            "?from=2026-02-01&to=2026-02-10",
        ),
    ] {
        let api = json_of(&browser, &format!("/api/v1/stats{of_api}")).await;
        let page = shown(&browser, &format!("/dashboard/stats{query}")).await;
        for (field, what) in [
            ("links", "links"),
            ("total", "clicks in total"),
            ("last_7d", "clicks in the last 7 days"),
            ("last_30d", "clicks in the last 30 days"),
        ] {
            let figure = figure(&api[field], what);
            assert!(page.contains(&figure), "{figure}: {page}");
        }
        let table = rows(&page, "id=\"chart-table\"");
        let daily = api["daily"].as_array().unwrap();
        assert_eq!(table.len(), daily.len());
        for (row, day) in table.iter().zip(daily) {
            assert_eq!(number(&row[1]), day["clicks"].as_u64().unwrap());
            assert_eq!(number(&row[2]), day["humans"].as_u64().unwrap());
        }
        let mut places = api["top"].as_array().unwrap().iter().map(|link| {
            let address = format!("/dashboard/links/{}/stats", text(&link["link_id"]));
            page.find(&address)
                .unwrap_or_else(|| panic!("{address}: {page}"))
        });
        let first = places.next().unwrap();
        assert!(places.clone().all(|place| place > first));
        assert_eq!(places.count(), truth.links.len() - 1);
        // If two sections contain a path, the inner one is marked.
        assert_eq!(page.matches("aria-current=\"page\"").count(), 1, "{page}");
        assert!(
            page.contains("<a href=\"/dashboard/stats\" aria-current=\"page\">Statistics</a>"),
            "{page}"
        );
    }
    let of_link = shown(&browser, &page_of(&truth.links[0], "")).await;
    assert!(
        of_link.contains("<a href=\"/dashboard\" aria-current=\"true\">Links</a>"),
        "{of_link}"
    );
    assert!(
        of_link.contains("<a href=\"/dashboard/stats\">Statistics</a>"),
        "{of_link}"
    );
    let eve = browser_of(&server, "eve").await;
    let none = shown(&eve, "/dashboard/stats").await;
    assert!(none.contains("No links yet"), "{none}");
}

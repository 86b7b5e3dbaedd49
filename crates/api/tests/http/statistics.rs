//! Statistics of a link, breakdowns, and statistics of all links of a user. Lists of clicks and
//! exports are in `clicks.rs`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::{date, datetime};
use time::{Date, Duration, OffsetDateTime};
use waypost_core::{Link, UserId, VisitClass, Zone};
use waypost_store_testkit::truth::{ALL_BY, Truth, TruthPlan};

use crate::people::{LINKS, Somebody, path_of, text};
use crate::setup::{OPERATOR, TestServer, send};

/// Returns the day of the server's clock.
pub(crate) const TODAY: Date = date!(2026 - 03 - 01);

/// Returns clicks of the last seven weeks, some of them by users.
pub(crate) fn plan(users: Vec<UserId>) -> TruthPlan {
    TruthPlan {
        seed: 1,
        links: 5,
        clicks: 700,
        first: datetime!(2026-01-10 07:00 UTC),
        last: datetime!(2026-03-01 12:00 UTC),
        instants: vec![
            datetime!(2026-03-01 00:00 UTC),
            datetime!(2026-02-23 00:00 UTC),
            datetime!(2026-02-22 23:59:59.999_999 UTC),
            datetime!(2026-01-31 00:00 UTC),
            datetime!(2026-01-30 23:59:59.999_999 UTC),
        ],
        zone: Zone::utc(),
        referrers: 60,
        visitors: 30,
        users,
    }
}

/// Links of Ada with known clicks.
pub(crate) async fn known(server: &TestServer) -> (Somebody, Truth) {
    let ada = server.member("ada").await;
    let truth = Truth::generate(plan(vec![ada.id]));
    let store = server.store.memory();
    truth.insert_links(store, Some(ada.id)).await;
    truth.record(store).await;
    (ada, truth)
}

pub(crate) fn path(link: &Link, what: &str) -> String {
    format!("{LINKS}/{}/{what}", link.id)
}

pub(crate) fn time(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text(value), &Rfc3339).unwrap()
}

async fn read(server: &TestServer, token: &str, path: &str) -> Value {
    let answer = server.read(token, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

/// Returns a response without `complete_until`, which is now.
async fn shown(server: &TestServer, token: &str, path: &str) -> Value {
    let mut answer = read(server, token, path).await;
    let until = answer.as_object_mut().unwrap().remove("complete_until");
    assert_eq!(until, Some(json!("2026-03-01T12:00:00.25Z")));
    answer
}

#[tokio::test]
async fn the_statistics_of_a_link_match_its_clicks() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    for link in &truth.links {
        let stats = shown(&server, &ada.token, &path(link, "stats")).await;
        let first = TODAY - Duration::days(29);
        assert_eq!(stats, truth.stats_json(link.id, first, TODAY, TODAY));
    }
}

#[tokio::test]
async fn each_requested_day_is_shown() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    let link = &truth.links[0];
    for (query, from, to) in [
        ("from=2026-02-27", date!(2026 - 02 - 27), TODAY),
        (
            "from=2025-12-30&to=2026-01-12",
            date!(2025 - 12 - 30),
            date!(2026 - 01 - 12),
        ),
        (
            "to=2026-02-01",
            date!(2026 - 01 - 03),
            date!(2026 - 02 - 01),
        ),
        ("from=2026-03-01&to=2026-03-01", TODAY, TODAY),
        (
            "from=2026-02-28&to=2026-03-05",
            date!(2026 - 02 - 28),
            date!(2026 - 03 - 05),
        ),
        (
            "from=2024-02-28&to=2024-03-01",
            date!(2024 - 02 - 28),
            date!(2024 - 03 - 01),
        ),
    ] {
        let at = path(link, &format!("stats?{query}"));
        let stats = shown(&server, &ada.token, &at).await;
        // Totals and the numbers of the last days do not depend on the range.
        let expected = truth.stats_json(link.id, from, to, TODAY);
        assert_eq!(stats, expected, "{query}");
    }
    let (from, to) = (date!(2026 - 01 - 10), TODAY);
    for class in VisitClass::ALL {
        let at = path(link, &format!("stats?from={from}&to={to}&class={class}"));
        let stats = shown(&server, &ada.token, &at).await;
        let mut expected = truth.stats_json(link.id, from, to, TODAY);
        expected["daily"] = truth.daily_of_class_json(link.id, class, from, to);
        assert_eq!(stats, expected, "{class}");
    }
}

#[tokio::test]
async fn a_breakdown_adds_up_to_all_clicks_of_its_days() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    for link in &truth.links[..2] {
        for by in ALL_BY {
            for (from, to) in [
                (date!(2026 - 01 - 10), TODAY),
                (date!(2026 - 02 - 14), date!(2026 - 02 - 14)),
                (date!(2025 - 01 - 01), date!(2025 - 01 - 02)),
            ] {
                let at = path(link, &format!("breakdown?by={by}&from={from}&to={to}"));
                let breakdown = read(&server, &ada.token, &at).await;
                let expected = truth.breakdown_json(link.id, by, from, to);
                assert_eq!(breakdown, expected, "{by}");
            }
        }
        let at = path(link, "breakdown?by=country");
        let lately = read(&server, &ada.token, &at).await;
        assert_eq!(lately["from"], "2026-01-31");
        assert_eq!(lately["to"], "2026-03-01");
    }
    let at = path(&truth.links[1], "breakdown?by=referrer&from=2026-01-10");
    let all = read(&server, &ada.token, &at).await;
    assert!(all["rows"].to_string().contains("\"value\":\"other\""));
}

#[tokio::test]
async fn the_links_of_a_user_are_added_up_and_sorted_by_clicks() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    let eve = server.member("eve").await;
    let (from, to) = (date!(2026 - 02 - 01), date!(2026 - 02 - 10));
    let at = format!("/api/v1/stats?from={from}&to={to}");
    let stats = shown(&server, &ada.token, &at).await;
    assert_eq!(
        stats,
        truth.own_json("https://go.example/", from, to, TODAY)
    );

    // Each day has zero clicks.
    let none = read(&server, &eve.token, &at).await;
    assert_eq!((&none["links"], &none["total"]), (&json!(0), &json!(0)));
    assert_eq!(none["daily"].as_array().unwrap().len(), 10);
    assert_eq!(none["top"], json!([]));
    let operators = read(&server, OPERATOR, &at).await;
    assert_eq!(operators, none);
    // Deleted links are left out.
    let gone = path(&truth.links[0], "");
    let gone = gone.trim_end_matches('/');
    let deleted = server.ask(&ada.token, Method::DELETE, gone).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let stats = read(&server, &ada.token, &at).await;
    assert_eq!(stats["links"], 4);
    let id = truth.links[0].id.to_string();
    assert!(!stats["top"].to_string().contains(&id));
}

#[tokio::test]
async fn a_click_is_in_the_statistics_at_once() {
    let server = TestServer::closed().await;
    let ada = server.member("ada").await;
    let fields = json!({ "url": "https://example.com/", "code": "wiki" });
    let link = server.made(&ada.token, &fields).await;
    let at = format!("{}/stats", path_of(&link));
    let stats = read(&server, &ada.token, &at).await;
    for null in ["first_click_at", "last_click_at", "clicks_since"] {
        assert_eq!(stats[null], Value::Null, "{null}");
    }
    assert_eq!(stats["total"], 0);
    assert_eq!(stats["daily"].as_array().unwrap().len(), 30);

    let visit = |address: &'static str| {
        let request = server.request(Method::GET, "/wiki");
        let request = request.header("x-forwarded-for", address);
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        send(request.header("user-agent", agent))
    };
    // The first visit takes the ingester longer than a reader waits: it compiles the lists that
    // classify visits.
    assert_eq!(visit("203.0.113.1").await.status, StatusCode::FOUND);
    while read(&server, &ada.token, &at).await["total"] != 1 {}
    for (number, address) in (2..).zip(["203.0.113.2", "203.0.113.1"]) {
        assert_eq!(visit(address).await.status, StatusCode::FOUND);
        let stats = read(&server, &ada.token, &at).await;
        assert_eq!(
            (&stats["total"], &stats["humans"]),
            (&json!(number), &json!(number))
        );
        assert_eq!(stats["last_7d"], number);
        assert_eq!(stats["visitors_today"], 2);
    }
    server.clock.advance(Duration::days(6));
    let stats = read(&server, &ada.token, &at).await;
    assert_eq!(
        (&stats["last_7d"], &stats["visitors_today"]),
        (&json!(3), &json!(0))
    );
    server.clock.advance(Duration::DAY);
    let stats = read(&server, &ada.token, &at).await;
    assert_eq!(
        (&stats["last_7d"], &stats["last_30d"]),
        (&json!(0), &json!(3))
    );
    server.clock.advance(Duration::days(23));
    let stats = read(&server, &ada.token, &at).await;
    assert_eq!(
        (&stats["last_30d"], &stats["total"]),
        (&json!(0), &json!(3))
    );
    let first = time(&stats["first_click_at"]);
    assert_eq!(first, datetime!(2026-03-01 12:00:00.25 UTC));
}

#[tokio::test]
async fn an_invalid_query_is_rejected_with_the_valid_values() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    let link = &truth.links[0];
    let days = [
        ("from=2026-03-02", "`from` must not be later than `to`"),
        (
            "from=2026-02-02&to=2026-02-01",
            "`from` must not be later than `to`",
        ),
        ("from=yesterday", "`from` must be a date such as 2026-03-01"),
        ("to=2026-02-30", "`to` must be a date such as 2026-03-01"),
        ("to=", "`to` must be a date such as 2026-03-01"),
        (
            "from=2026-02-01T00:00:00Z",
            "`from` must be a date such as 2026-03-01",
        ),
        ("from=1999-01-01", "at most 3660 days"),
        ("to=-9999-01-02", "`to` must be a date such as 2026-03-01"),
    ];
    let classes = [
        (
            "class=robot",
            "expected human, bot, preview, prefetch or self",
        ),
        ("class=", "expected human"),
    ];
    let by = "`by` must be referrer, browser, os, device, country or class";
    let mut bad: Vec<(String, &str)> = Vec::new();
    for (query, message) in days {
        bad.push((path(link, &format!("stats?{query}")), message));
        bad.push((path(link, &format!("breakdown?by=os&{query}")), message));
        bad.push((format!("/api/v1/stats?{query}"), message));
    }
    for (query, message) in classes {
        bad.push((path(link, &format!("stats?{query}")), message));
        bad.push((path(link, &format!("clicks?{query}")), message));
    }
    let limit = "`limit` must be a whole number from 1 to 200";
    for (what, message) in [
        ("breakdown", by),
        ("breakdown?by=", by),
        ("breakdown?by=city", by),
        ("breakdown?by=Browser", by),
        ("clicks?limit=0", limit),
        ("clicks?limit=201", limit),
        ("clicks?limit=-1", limit),
        ("clicks?limit=x", limit),
        ("clicks?cursor=x", "cursor"),
        ("clicks?cursor=", "cursor"),
        ("stats?page=2", "page"),
        ("stats?by=os", "by"),
        ("breakdown?by=os&class=human", "class"),
        ("breakdown?by=os&by=os", "by"),
        ("clicks?from=2026-02-01", "from"),
    ] {
        bad.push((path(link, what), message));
    }
    bad.push(("/api/v1/stats?class=human".to_owned(), "class"));
    for (path, message) in bad {
        let answer = server.read(&ada.token, &path).await;
        answer.assert_error(400, "BAD_REQUEST");
        let said = answer.json()["message"].clone();
        assert!(text(&said).contains(message), "{path}: {said}");
    }
}

/// Returns all statistics of a link.
const VIEWS: [&str; 5] = [
    "stats",
    "breakdown?by=class",
    "clicks",
    "clicks.csv",
    "clicks.ndjson",
];

#[tokio::test]
async fn the_statistics_of_a_link_are_for_its_owners_and_admins() {
    let server = TestServer::closed().await;
    let (ada, bob) = (server.member("ada").await, server.member("bob").await);
    let (eve, root) = (server.member("eve").await, server.admin("root").await);
    let writes = server.token(ada.id, "write").await;
    let public = server
        .made(&ada.token, &json!({ "url": "https://example.com/" }))
        .await;
    let secret = json!({ "url": "https://example.com/", "visibility": "secure" });
    let secure = server.made(&ada.token, &secret).await;
    for link in [&public, &secure] {
        server.own(link, &bob.email).await;
        let at = format!("{}/shares", path_of(link));
        let body = json!({ "email": eve.email });
        let told = server.tell(&ada.token, Method::POST, &at, &body).await;
        assert!(told.status.is_success(), "{told:?}");
    }
    let stranger = server.member("stranger").await;
    for view in VIEWS {
        let of = |link: &Value| format!("{}/{view}", path_of(link));
        for token in [&ada.token, &bob.token, &root.token, &OPERATOR.to_owned()] {
            for link in [&public, &secure] {
                let answer = server.read(token, &of(link)).await;
                assert_eq!(answer.status, StatusCode::OK, "{view}: {answer:?}");
            }
        }
        for link in [&public, &secure] {
            let anonymous = server.read("", &of(link)).await;
            anonymous.assert_error(401, "UNAUTHORIZED");
            let refused = server.read(&eve.token, &of(link)).await;
            refused.assert_error(403, "FORBIDDEN");
            let refused = server.read(&writes, &of(link)).await;
            refused.assert_error(403, "SCOPE_MISSING");
        }
        let refused = server.read(&stranger.token, &of(&public)).await;
        refused.assert_error(403, "FORBIDDEN");
        let hidden = server.read(&stranger.token, &of(&secure)).await;
        hidden.assert_error(404, "NOT_FOUND");
        for unknown in ["00000000-0000-7000-8000-000000000000", "x", "public"] {
            let nothing = format!("{LINKS}/{unknown}/{view}");
            for token in [&ada.token, &root.token] {
                let answer = server.read(token, &nothing).await;
                answer.assert_error(404, "NOT_FOUND");
            }
        }
    }
    let anonymous = server.read("", "/api/v1/stats").await;
    anonymous.assert_error(401, "UNAUTHORIZED");
    let refused = server.read(&writes, "/api/v1/stats").await;
    refused.assert_error(403, "SCOPE_MISSING");
}

#[tokio::test]
async fn a_deleted_link_keeps_its_statistics_for_its_owners() {
    let server = TestServer::closed().await;
    let (ada, truth) = known(&server).await;
    let eve = server.member("eve").await;
    let link = &truth.links[0];
    let at = format!("{LINKS}/{}", link.id);
    let deleted = server.ask(&ada.token, Method::DELETE, &at).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let stats = read(&server, &ada.token, &path(link, "stats")).await;
    assert_eq!(stats["total"], truth.total(link.id).clicks);
    for view in VIEWS {
        let answer = server.read(&ada.token, &path(link, view)).await;
        assert_eq!(answer.status, StatusCode::OK, "{view}");
        let answer = server.read(&eve.token, &path(link, view)).await;
        answer.assert_error(404, "NOT_FOUND");
    }
}

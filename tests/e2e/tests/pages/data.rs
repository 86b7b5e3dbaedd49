//! Test data for the page checks: many records, long texts, and hostile texts where other users
//! enter them.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_core::{Click, Clock as _, LinkId, Referrer, SystemClock, UserAgent};
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{Member, OPERATOR, PASSWORD, add_with_password, linkctl};
use waypost_store::{ClickBatch, Dropped};
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::{Samples, owner_of, take_journal};
use waypost_test_harness::{ServerProcess, TestDatabase, wait_until};

/// A text that pages must escape.
const HOSTILE: &str = "\"><script>alert(1)</script>";
const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";
const LONG: &str =
    "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft";
const LONG_EMAIL: &str =
    "a-person-whose-address-is-as-long-as-it-may-be-and-then@a-host-with-a-long-name.example";

/// Maximum time until an orphan path is listed.
const LISTED_WITHIN: Duration = waypost_test_harness::PATIENCE;

/// User agents of visits.
const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/138.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    HOSTILE,
];

/// Creates the data, and returns the values for placeholders in paths.
pub(crate) async fn fill(
    server: &ServerProcess,
    database: &TestDatabase,
) -> Vec<(&'static str, String)> {
    let (ada, grace) = (
        member(server, database, ADA),
        member(server, database, GRACE),
    );
    let operator = Member::with_token(server, OPERATOR);
    in_vain(server).await;
    others(server, database).await;
    let name = json!({ "display_name": "Grace Hopper" });
    grace
        .call(Method::PATCH, "/api/v1/users/me", name, StatusCode::OK)
        .await;
    many(&grace).await;
    let link = hostile_link(&grace, &operator).await;
    clicks(database, &link).await;
    let places = small_links(&ada, &grace).await;
    of_admins(&operator).await;
    let keywords = operator.get("/api/v1/keywords").await;
    let wide = super::wide::fill(server, database, &grace, &operator).await;
    visits(server).await;
    wait_until("orphan paths are listed", LISTED_WITHIN, async || {
        let orphans = operator.get("/api/v1/admin/orphans").await;
        orphans["orphans"]
            .as_array()
            .is_some_and(|orphans| !orphans.is_empty())
    })
    .await;
    let me = grace.get("/api/v1/users/me").await;
    let mut places = places;
    places.extend(wide);
    places.extend([
        ("{link}", id(&link)),
        ("{user}", id(&me)),
        ("{keyword}", id(&keywords["keywords"][0])),
    ]);
    places
}

pub(crate) fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

/// Creates a token for an existing user.
fn member(server: &ServerProcess, database: &TestDatabase, email: &str) -> Member {
    let mut secret = String::new();
    for name in [HOSTILE, LONG, "deploy"] {
        let made = ["token", "create", "--user", email, "--name", name];
        let made = linkctl(database, &made).assert_success();
        secret = made.stdout.trim_end().to_owned();
    }
    Member::with_token(server, &secret)
}

/// Adds users: one with a hostile name, one with a long email address, one who is disabled, and one
/// who is signed in in several browsers.
async fn others(server: &ServerProcess, database: &TestDatabase) {
    let eve = Member::add(server, database, "eve@example.com");
    let name = json!({ "display_name": HOSTILE });
    eve.call(Method::PATCH, "/api/v1/users/me", name, StatusCode::OK)
        .await;
    for email in [LONG_EMAIL, "alan@example.com"] {
        add_with_password(database, email, &[]);
    }
    linkctl(database, &["user", "disable", "alan@example.com"]).assert_success();
    for email in [ADA, GRACE] {
        for _ in 0..2 {
            let mut browser = Browser::of(server);
            browser.sign_in(email, PASSWORD, "/dashboard").await;
        }
    }
}

/// Creates more links than fit on a page.
async fn many(grace: &Member) {
    let links: Vec<_> = (1..=60)
        .map(|number| {
            json!({
                "url": format!("https://docs.example.com/handbook/chapter/{number}?lang=en"),
                "code": format!("chapter-{number}"),
                "title": format!("Chapter {number} of the handbook"),
                "tags": ["handbook"],
                "visibility": (if number % 7 == 0 { "private" } else { "public" }),
            })
        })
        .collect();
    let made = grace
        .call(
            Method::POST,
            "/api/v1/links/bulk",
            json!({ "links": links }),
            StatusCode::OK,
        )
        .await;
    let results = made["results"].as_array().expect("results");
    assert!(
        results.iter().all(|result| result["status"] == 201),
        "{made}"
    );
}

/// Creates a link with all fields and some changes in its history.
async fn hostile_link(grace: &Member, operator: &Member) -> Value {
    let long = format!("https://example.com/{}/?q={HOSTILE}", "path/".repeat(80));
    let mut tags: Vec<_> = (1..20).map(|number| format!("tag-{number}")).collect();
    tags.push("w".repeat(64));
    let link = grace
        .make(json!({
            "url": "https://example.com/first", "code": "Quarterly-Report",
            "title": "The first title", "description": HOSTILE, "tags": ["First"],
        }))
        .await;
    let path = format!("/api/v1/links/{}", id(&link));
    for change in [
        json!({ "url": long, "tags": tags }),
        json!({ "title": format!("{HOSTILE} {LONG}"), "expires_at": "2099-12-31T23:59:00Z" }),
        json!({ "description": format!("{HOSTILE}\n{LONG} {LONG}\n\nThe end.") }),
    ] {
        grace
            .call(Method::PATCH, &path, change, StatusCode::OK)
            .await;
    }
    for (kind, who, email) in [
        ("owners", operator, "eve@example.com"),
        ("owners", grace, "invited@example.com"),
        ("shares", grace, LONG_EMAIL),
        ("shares", grace, ADA),
        ("transfer", grace, ADA),
    ] {
        let body = json!({ "email": email });
        who.call(
            Method::POST,
            &format!("{path}/{kind}"),
            body,
            StatusCode::CREATED,
        )
        .await;
    }
    operator
        .make(json!({
            "url": "https://example.com/below", "code": "Quarterly-Report/below",
            "visibility": "private",
        }))
        .await;
    link
}

/// Creates a shared, an expired, a secure and a deleted link, and one without clicks.
async fn small_links(ada: &Member, grace: &Member) -> Vec<(&'static str, String)> {
    let mut places = Vec::new();
    for (place, who, code, more) in [
        ("{shared}", ada, "plan", json!({ "visibility": "private" })),
        (
            "{expired}",
            grace,
            "old-offer",
            json!({ "expires_at": "2020-01-01T00:00:00Z" }),
        ),
        ("{secure}", ada, "vault", json!({ "visibility": "secure" })),
        ("{deleted}", grace, "regret", json!({ "title": HOSTILE })),
        ("{quiet}", grace, "quiet", json!({})),
    ] {
        let mut body = json!({ "url": "https://example.com/plan?a=b#c", "code": code });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        places.push((place, id(&who.make(body).await)));
    }
    let of = |name| places.iter().find(|(place, _)| *place == name);
    let (_, shared) = of("{shared}").expect("made");
    let body = json!({ "email": GRACE });
    let path = format!("/api/v1/links/{shared}/shares");
    ada.call(Method::POST, &path, body, StatusCode::CREATED)
        .await;
    let (_, secure) = of("{secure}").expect("made");
    let path = format!("/api/v1/links/{secure}/transfer");
    let body = json!({ "email": GRACE });
    ada.call(Method::POST, &path, body, StatusCode::CREATED)
        .await;
    let (_, deleted) = of("{deleted}").expect("made");
    grace.delete(&format!("/api/v1/links/{deleted}")).await;
    places
}

/// Creates keywords and blocked hosts.
async fn of_admins(operator: &Member) {
    for (keyword, title) in [("gh", HOSTILE), ("tickets", LONG)] {
        let body = json!({
            "keyword": keyword, "title": title, "description": HOSTILE,
            "url": "https://example.com/a/b/c/{slug}?from=waypost",
        });
        let made = StatusCode::CREATED;
        operator
            .call(Method::POST, "/api/v1/keywords", body, made)
            .await;
    }
    for (pattern, reason) in [("*.bad.example", HOSTILE), ("worse.example", LONG)] {
        let body = json!({ "pattern": pattern, "reason": reason });
        let path = "/api/v1/admin/blocklist";
        operator
            .call(Method::POST, path, body, StatusCode::CREATED)
            .await;
    }
}

/// Stores clicks of the last three weeks, unevenly distributed.
async fn clicks(database: &TestDatabase, link: &Value) {
    let settings = DatabaseSettings::for_url(database.url()).expect("a URL");
    let opened = Database::connect(&settings).await.expect("a database");
    let (store, samples) = (opened.store(), Samples::new(7));
    let link = waypost_core::Link {
        id: LinkId::from_uuid(id(link).parse().expect("an id")),
        ..samples.link("any")
    };
    let now = SystemClock.now();
    let at = |number: i64| {
        let days = number * number % 21 + 1;
        now - time::Duration::days(days) - time::Duration::minutes(number)
    };
    let clicks = (0..400).map(|number| {
        let host = number % 23;
        let page = if host == 0 { HOSTILE } else { "today" };
        let long = if host == 1 { "a-long-name." } else { "" };
        let referrer = format!("https://news-{host}.{long}example/{page}");
        Click {
            referrer: (number % 3 > 0).then(|| Referrer::from_stored(referrer)),
            user_agent: Some(UserAgent::from_stored(HOSTILE.to_owned())),
            ..samples.click_at(&link, at(number))
        }
    });
    let journal = samples.journal();
    let batch = ClickBatch {
        journal,
        owner: owner_of(journal),
        start: 0,
        clicks: clicks.collect(),
        dropped: Dropped::default(),
        duplicates: 0,
        records: waypost_store::KeptRecords::All,
    };
    take_journal(&*store, journal, 0).await;
    let stored = store.ingest(batch.into(), now).await;
    stored.expect("stored");
    opened.close();
}

fn client() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none());
    client.no_proxy().build().expect("a client needs nothing")
}

/// Sends visits of today.
async fn visits(server: &ServerProcess) {
    for number in 0..40 {
        let request = client()
            .get(server.url("/quarterly-report"))
            .header("user-agent", AGENTS[number % AGENTS.len()])
            .header("referer", format!("https://forum.example/{number}"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FOUND);
    }
}

/// Requests orphan paths.
async fn in_vain(server: &ServerProcess) {
    for path in ["wikl", "docs/setup", LONG, "caf%C3%A9"] {
        let request = client()
            .get(server.url(&format!("/{path}")))
            .header("accept", "text/html,*/*;q=0.8")
            .header("user-agent", AGENTS[0]);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

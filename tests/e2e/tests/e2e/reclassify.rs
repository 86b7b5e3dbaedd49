//! `linkctl reclassify` on a database whose clicks were stored without a click type.

use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_e2e::FRESH_WITHIN;
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{Invocation, Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(clicks_of_before_there_were_classes_are_counted_as_if_there_had_been);

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
     (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const GOOGLE: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const SLACK: &str = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)";

/// The user agents and referrers of the visits.
const VISITS: [(&str, Option<&str>, Option<&str>); 10] = [
    ("wiki", Some(FIREFOX), Some("https://news.example/a")),
    ("docs", Some(FIREFOX), Some("https://news.example/b")),
    ("wiki", Some(IPHONE), Some("https://news.example/c")),
    ("wiki", Some(IPHONE), None),
    ("wiki", Some(GOOGLE), Some("https://search.example/")),
    ("docs", Some(SLACK), None),
    ("wiki", Some(SLACK), None),
    ("wiki", None, Some("https://search.example/")),
    ("docs", Some("curl/8.5.0"), None),
    ("wiki", Some(FIREFOX), Some("https://search.example/")),
];

const PASSWORD: &str = "correct horse";

/// Sends all visits, and one click of an owner.
const CLICKS: u64 = 11;

const WITHOUT_CLASSES: [&str; 3] = [
    "update link_clicks set class = null, browser = null, os = null, device = null, country = null",
    "update links set humans = 0",
    "update link_days set humans = 0, facts = null",
];

async fn visit_all(server: &ServerProcess) {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client needs nothing");
    for (code, agent, referrer) in VISITS {
        let mut request = client.get(server.url(&format!("/{code}")));
        for (name, value) in [("User-Agent", agent), ("Referer", referrer)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FOUND, "{code}");
    }
}

async fn forget_classes(database: &TestDatabase) {
    for sql in WITHOUT_CLASSES {
        database.execute(sql).await;
    }
}

/// Returns all statistics of these links without `complete_until`.
async fn told(operator: &Member, links: &[String]) -> Vec<Value> {
    let mut told = Vec::new();
    for link in links {
        let path = format!("/api/v1/links/{link}");
        let mut stats = operator.get(&format!("{path}/stats")).await;
        stats["complete_until"] = Value::Null;
        told.push(stats);
        for by in ["class", "referrer", "browser", "os", "device", "country"] {
            told.push(operator.get(&format!("{path}/breakdown?by={by}")).await);
        }
        told.push(operator.get(&format!("{path}/clicks")).await);
        told.push(operator.get(&path).await);
    }
    told
}

/// Returns the numbers of checked and changed clicks that `linkctl reclassify --json` prints.
fn reclassified(database: &TestDatabase, after: Option<&str>) -> (u64, u64) {
    let mut arguments = vec!["reclassify", "--json"];
    arguments.extend(after.iter().flat_map(|id| ["--after", id]));
    let printed = linkctl(database, &arguments).assert_success();
    let record: Value = serde_json::from_str(&printed.stdout).expect("JSON");
    let number = |field: &str| record[field].as_u64().expect("a number");
    assert!(
        record["lists"].as_str().is_some_and(|it| !it.is_empty()),
        "{record}"
    );
    (number("seen"), number("changed"))
}

async fn clicks_of_before_there_were_classes_are_counted_as_if_there_had_been(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    Invocation::of("linkctl")
        .args(["user", "add", "ada@example.com", "--password-stdin"])
        .stdin(format!("{PASSWORD}\n"))
        .database(&database)
        .run()
        .assert_success();
    let mut links = Vec::new();
    for code in ["wiki", "docs"] {
        let link = json!({ "code": code, "url": "https://example.com/" });
        let made = operator.make(link).await;
        links.push(made["id"].as_str().expect("an id").to_owned());
    }
    let mut ada = Browser::of(&server);
    ada.sign_in("ada@example.com", PASSWORD, "/").await;
    let own = json!({ "code": "own", "url": "https://example.com/" });
    let own = ada.call(reqwest::Method::POST, "/api/v1/links", &own).await;
    assert_eq!(own.status, StatusCode::CREATED, "{own:?}");
    links.push(own.json()["id"].as_str().expect("an id").to_owned());
    assert_eq!(ada.open("/own").await.status, StatusCode::FOUND);
    visit_all(&server).await;
    wait_until("all clicks are stored", FRESH_WITHIN, async || {
        let stored = database.number("select count(*) from link_clicks").await;
        u64::try_from(stored) == Ok(CLICKS)
    })
    .await;
    let before = told(&operator, &links).await;
    let humans = database.number("select sum(humans) from links").await;
    assert_eq!(humans, 5);

    forget_classes(&database).await;
    assert_ne!(told(&operator, &links).await, before);
    linkctl(&database, &["verify"]).assert_success();
    let printed = linkctl(&database, &["reclassify"]).assert_success();
    assert_eq!(printed.stdout, "checked 11 clicks, changed 11\n");
    assert_eq!(told(&operator, &links).await, before);
    linkctl(&database, &["verify"]).assert_success();
    assert_eq!(reclassified(&database, None), (CLICKS, 0));
    assert_eq!(told(&operator, &links).await, before);

    // The same again in two parts.
    forget_classes(&database).await;
    let rows = database
        .rows("select id from link_clicks order by id")
        .await;
    let fourth = rows[3][0].as_deref().expect("an id");
    let rest = CLICKS - 4;
    assert_eq!(reclassified(&database, Some(fourth)), (rest, rest));
    let without = "select count(*) from link_clicks where class is null";
    assert_eq!(database.number(without).await, 4);
    assert_eq!(reclassified(&database, None), (CLICKS, 4));
    assert_eq!(told(&operator, &links).await, before);

    // On a day with old and new clicks, each is counted by its own type.
    forget_classes(&database).await;
    visit_all(&server).await;
    let visits = u64::try_from(VISITS.len()).expect("a few");
    wait_until("the new clicks are stored", FRESH_WITHIN, async || {
        let stored = database.number("select count(*) from link_clicks").await;
        u64::try_from(stored) == Ok(CLICKS + visits)
    })
    .await;
    assert_eq!(reclassified(&database, None), (CLICKS + visits, CLICKS));
    let path = format!("/api/v1/links/{}/breakdown?by=referrer", links[0]);
    let after = operator.get(&path).await;
    let of = |breakdown: &Value, host: &str| {
        let rows = breakdown["rows"].as_array().expect("rows").clone();
        let row = rows.into_iter().find(|row| row["value"] == host);
        let row = row.unwrap_or_else(|| panic!("no {host} in {breakdown}"));
        ["clicks", "humans"].map(|field| row[field].as_u64().expect("a number"))
    };
    assert_eq!(of(&after, "news.example"), [4, 4]);
    assert_eq!(of(&after, "search.example"), [6, 2]);
    linkctl(&database, &["verify"]).assert_success();
}

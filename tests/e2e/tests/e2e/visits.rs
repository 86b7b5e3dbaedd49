//! Real visits by people, programs and visitors who ask not to be tracked, and what the statistics
//! show of them with each privacy setting.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{Member, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{
    Invocation, Kind, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

on_each_database!(
    each_visit_is_shown_as_what_it_was,
    an_anonymous_server_keeps_neither_agents_nor_users,
    a_counting_server_keeps_no_click,
);

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/138.0.0.0 Mobile Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                      like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const SLACKBOT: &str = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)";

/// IP addresses in the country database of the test.
const GB: &str = "81.2.69.160";
const SE: &str = "89.160.20.128";
const US: &str = "216.160.83.57";

/// Classifying the first visit takes the server longer than a reader waits.
const STORED_WITHIN: Duration = waypost_test_harness::PATIENCE;

/// A visit, and what the statistics must show of it besides its time and user.
struct Visit {
    address: &'static str,
    headers: &'static [(&'static str, &'static str)],
    shown: Value,
}

fn facts(class: &str, of: [Option<&str>; 4], referrer: Option<&str>) -> Value {
    let [browser, os, device, country] = of;
    json!({
        "class": class, "browser": browser, "os": os, "device": device, "country": country,
        "referrer": referrer,
    })
}

/// Returns the visits in their order.
fn visits() -> Vec<Visit> {
    let firefox = |country| [Some("Firefox"), Some("Windows"), Some("desktop"), country];
    let nothing = [None; 4];
    vec![
        Visit {
            address: GB,
            headers: &[
                ("user-agent", FIREFOX),
                ("referer", "https://news.example/today?utm=1#part"),
            ],
            shown: facts(
                "human",
                firefox(Some("GB")),
                Some("https://news.example/today"),
            ),
        },
        Visit {
            address: SE,
            headers: &[
                ("user-agent", CHROME),
                ("referer", "https://news.example:8443/b"),
            ],
            shown: facts(
                "human",
                [Some("Chrome"), Some("Android"), Some("mobile"), Some("SE")],
                Some("https://news.example:8443/b"),
            ),
        },
        Visit {
            address: US,
            headers: &[("user-agent", SAFARI)],
            shown: facts(
                "human",
                [Some("Safari"), Some("iOS"), Some("mobile"), Some("US")],
                None,
            ),
        },
        Visit {
            address: US,
            headers: &[("user-agent", GOOGLEBOT)],
            shown: facts("bot", [None, None, None, Some("US")], None),
        },
        Visit {
            address: "203.0.113.6",
            headers: &[("user-agent", SLACKBOT)],
            shown: facts("preview", nothing, None),
        },
        Visit {
            address: GB,
            headers: &[("user-agent", FIREFOX), ("sec-purpose", "prefetch")],
            shown: facts("prefetch", firefox(Some("GB")), None),
        },
        Visit {
            address: SE,
            headers: &[
                ("user-agent", CHROME),
                ("referer", "https://news.example/today"),
                ("sec-gpc", "1"),
            ],
            shown: facts("human", nothing, None),
        },
        Visit {
            address: US,
            headers: &[("user-agent", SAFARI), ("dnt", "1")],
            shown: facts("human", nothing, None),
        },
        Visit {
            address: GB,
            headers: &[("user-agent", FIREFOX)],
            shown: facts("human", firefox(Some("GB")), None),
        },
    ]
}

/// A server with a link of Ada that received all visits, the last one by Ada herself.
struct Visited {
    database: TestDatabase,
    server: ServerProcess,
    ada: Member,
    link: String,
    user: Value,
}

fn options(privacy: &str) -> ServerOptions {
    let countries = "../../crates/analytics/tests/data/GeoIP2-Country-Test.mmdb";
    let countries = Path::new(env!("CARGO_MANIFEST_DIR")).join(countries);
    closed()
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.0/8")
        .env("WAYPOST_TIMEZONE", "Europe/Berlin")
        .env("WAYPOST_GEOIP_DB", countries)
        .env("WAYPOST_PRIVACY", privacy)
}

impl Visited {
    async fn with(kind: Kind, privacy: &str) -> Self {
        let database = TestDatabase::new(kind);
        let server = ServerProcess::start(&database, options(privacy));
        let add = ["user", "add", EMAIL, "--name", "Ada", "--password-stdin"];
        Invocation::of("linkctl")
            .args(add)
            .stdin(format!("{PASSWORD}\n"))
            .database(&database)
            .run()
            .assert_success();
        let made = ["token", "create", "--user", EMAIL, "--name", "test"];
        let made = linkctl(&database, &made).assert_success();
        let ada = Member::with_token(&server, made.stdout.trim_end());
        let link = ada
            .make(json!({ "url": "https://example.com/", "code": "wiki" }))
            .await;
        let link = format!("/api/v1/links/{}", link["id"].as_str().expect("an id"));
        let me = ada.get("/api/v1/users/me").await;
        let visited = Self {
            user: json!({ "id": me["id"], "display_name": "Ada" }),
            database,
            ada,
            link,
            server,
        };
        visited.visit().await;
        visited
    }

    async fn visit(&self) {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client needs nothing");
        for visit in visits() {
            let url = self.server.url("/wiki");
            let mut request = client.get(url).header("x-forwarded-for", visit.address);
            for (name, value) in visit.headers {
                request = request.header(*name, *value);
            }
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::FOUND);
            // IDs are sorted by millisecond.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut browser = Browser::of(&self.server);
        browser.sign_in(EMAIL, PASSWORD, "/").await;
        assert_eq!(browser.open("/wiki").await.status, StatusCode::FOUND);
        wait_until("the clicks are stored", STORED_WITHIN, async || {
            self.get("stats").await["total"] == 10
        })
        .await;
    }

    async fn get(&self, what: &str) -> Value {
        self.ada.get(&format!("{}/{what}", self.link)).await
    }

    /// Returns the rows of a breakdown: value, clicks, clicks by people.
    async fn breakdown(&self, by: &str) -> Value {
        let rows = self.get(&format!("breakdown?by={by}")).await["rows"].take();
        let rows = rows.as_array().expect("rows").iter();
        rows.map(|row| json!([row["value"], row["clicks"], row["humans"]]))
            .collect()
    }

    /// Asserts the totals, which are the same with each privacy setting.
    async fn assert_numbers(&self) {
        let stats = self.get("stats").await;
        for (field, number) in [
            ("total", 10),
            ("humans", 6),
            ("last_7d", 10),
            ("last_30d", 10),
        ] {
            assert_eq!(stats[field], number, "{field}");
        }
        let daily = stats["daily"].as_array().expect("days");
        assert_eq!(daily.len(), 30);
        // Visits around midnight can be on two days.
        let visitors = daily
            .iter()
            .map(|day| day["visitors"].as_u64().expect("a number"));
        assert!((5..=8).contains(&visitors.sum::<u64>()), "{daily:?}");
        let today = daily.last().expect("a day");
        if today["clicks"] == 10 {
            // Three countries, the chat app, and Ada; the two others have no country.
            assert_eq!(today["visitors"], 5);
            assert_eq!(stats["visitors_today"], 5);
            assert_eq!(today["humans"], 6);
        }
        assert_eq!(stats["timezone"], "Europe/Berlin");
        for (by, rows) in [
            ("referrer", json!([["", 8, 4], ["news.example", 2, 2]])),
            (
                "browser",
                json!([
                    ["", 5, 2],
                    ["Firefox", 3, 2],
                    ["Chrome", 1, 1],
                    ["Safari", 1, 1]
                ]),
            ),
            (
                "os",
                json!([
                    ["", 5, 2],
                    ["Windows", 3, 2],
                    ["Android", 1, 1],
                    ["iOS", 1, 1]
                ]),
            ),
            (
                "device",
                json!([["", 5, 2], ["desktop", 3, 2], ["mobile", 2, 2]]),
            ),
            (
                "country",
                json!([["", 4, 2], ["GB", 3, 2], ["US", 2, 1], ["SE", 1, 1]]),
            ),
            (
                "class",
                json!([
                    ["human", 6, 6],
                    ["bot", 1, 0],
                    ["prefetch", 1, 0],
                    ["preview", 1, 0],
                    ["self", 1, 0],
                ]),
            ),
        ] {
            assert_eq!(self.breakdown(by).await, rows, "{by}");
        }
        let verified = linkctl(&self.database, &["verify"]);
        assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    }

    /// Asserts that each click is listed with its details, newest first, and Ada's with `user`.
    async fn assert_list(&self, user: Value) {
        let mut expected: Vec<Value> = visits()
            .into_iter()
            .map(|visit| {
                let mut shown = visit.shown;
                shown["user"] = Value::Null;
                shown
            })
            .collect();
        let mut hers = facts("self", [None; 4], None);
        hers["user"] = user;
        expected.push(hers);
        expected.reverse();
        let mut listed = self.get("clicks").await["clicks"].take();
        let clicks = listed.as_array_mut().expect("clicks");
        let mut times: Vec<String> = Vec::new();
        for click in clicks {
            let time = click.as_object_mut().and_then(|it| it.remove("clicked_at"));
            let time = time.expect("a time");
            times.push(time.as_str().expect("text").to_owned());
        }
        assert_eq!(listed, Value::Array(expected.clone()));
        let stats = self.get("stats").await;
        assert_eq!(stats["last_click_at"], times[0]);
        assert_eq!(stats["first_click_at"], times[9]);
        assert_eq!(stats["clicks_since"], times[9]);

        let rows = self.csv().await;
        assert_eq!(rows.len(), 10);
        for ((row, time), shown) in rows.iter().zip(&times).zip(expected) {
            assert_eq!(row[0], *time);
            for (place, field) in
                (1..).zip(["class", "referrer", "browser", "os", "device", "country"])
            {
                assert_eq!(&row[place], shown[field].as_str().unwrap_or(""), "{field}");
            }
            assert_eq!(&row[7], shown["user"]["id"].as_str().unwrap_or(""));
            assert_eq!(
                &row[8],
                shown["user"]["display_name"].as_str().unwrap_or("")
            );
        }
        let bots = self.get("clicks?class=bot").await;
        assert_eq!(bots["clicks"].as_array().map(Vec::len), Some(1));
    }

    async fn csv(&self) -> Vec<csv::StringRecord> {
        let at = format!("{}/clicks.csv", self.link);
        let answer = self.ada.send(Method::GET, &at, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let text = answer.text().await.expect("a body");
        let rows = csv::Reader::from_reader(text.as_bytes()).into_records();
        rows.collect::<Result<_, _>>().expect("CSV")
    }

    async fn rows(&self, condition: &str) -> i64 {
        let sql = format!("select count(*) from link_clicks where {condition}");
        self.database.number(&sql).await
    }
}

async fn each_visit_is_shown_as_what_it_was(kind: Kind) {
    let visited = Visited::with(kind, "full").await;
    visited.assert_numbers().await;
    visited.assert_list(visited.user.clone()).await;
    // Of visitors who ask not to be tracked nothing else is stored either.
    let nothing = "ip_hash is null and user_agent is null and referrer is null and user_id is null \
                   and browser is null and os is null and device is null and country is null \
                   and class = 'human'";
    assert_eq!(visited.rows(nothing).await, 2);
    assert_eq!(visited.rows("user_agent is not null").await, 7);
    assert_eq!(visited.rows("ip_hash is not null").await, 8);
}

async fn an_anonymous_server_keeps_neither_agents_nor_users(kind: Kind) {
    let visited = Visited::with(kind, "anonymous").await;
    visited.assert_numbers().await;
    visited.assert_list(Value::Null).await;
    let who = "user_agent is not null or user_id is not null";
    assert_eq!(visited.rows(who).await, 0);
    assert_eq!(visited.rows("1 = 1").await, 10);
}

async fn a_counting_server_keeps_no_click(kind: Kind) {
    let visited = Visited::with(kind, "counts").await;
    visited.assert_numbers().await;
    assert_eq!(visited.rows("1 = 1").await, 0);
    let listed = visited.get("clicks").await;
    assert_eq!(listed, json!({ "clicks": [], "next_cursor": null }));
    assert_eq!(visited.csv().await.len(), 0);
    let stats = visited.get("stats").await;
    assert_eq!(stats["clicks_since"], Value::Null);
    assert_eq!(stats["clicks_without_record"], 10);
    assert!(stats["first_click_at"].is_string());
}

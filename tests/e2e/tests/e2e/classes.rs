//! The click types of visits by what they announce, also of visitors who ask not to be tracked, and
//! the hosts that they come from; `linkctl explain` says them before, and `linkctl reclassify` leaves them alone.

use reqwest::header::HeaderValue;
use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};
use waypost_e2e::FRESH_WITHIN;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(
    visits_are_told_apart_by_what_they_say,
    hosts_of_referrers_that_were_counted_apart_are_one_row,
);

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";
const DISCORD: &str = "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 6.0; B BOT 550 Build/MRA58K) AppleWebKit/537.36 \
                     (KHTML, like Gecko) Chrome/53.0.2785.124 Mobile Safari/537.36";
const WATCHED: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                       Gecko) Chrome/142.0.0.0 Safari/537.36 CloudflareObservatory/1.0";

type Headers = &'static [(&'static str, &'static str)];

/// The headers of visits, and their click types.
const VISITS: &[(Headers, &str)] = &[
    (&[("User-Agent", FIREFOX)], "human"),
    (&[("User-Agent", PHONE)], "human"),
    (&[("User-Agent", WATCHED)], "bot"),
    (
        &[("User-Agent", FIREFOX), ("X-Purpose", "preview")],
        "preview",
    ),
    (
        &[("User-Agent", FIREFOX), ("Purpose", "Preview")],
        "preview",
    ),
    (
        &[
            ("User-Agent", FIREFOX),
            ("Sec-Purpose", "prefetch;prerender"),
        ],
        "prefetch",
    ),
    (
        &[("User-Agent", FIREFOX), ("Sec-Purpose", "prefetchable")],
        "human",
    ),
    (
        &[("User-Agent", FIREFOX), ("Sec-Purpose", "\"prefetch\"")],
        "human",
    ),
    (&[("User-Agent", FIREFOX), ("DNT", "1")], "human"),
    (&[("User-Agent", DISCORD), ("DNT", "1")], "preview"),
    (&[("User-Agent", "curl/8.15.0"), ("DNT", "1")], "bot"),
    (&[("User-Agent", "curl/8.15.0"), ("Sec-GPC", "1")], "bot"),
    (&[("DNT", "1")], "bot"),
    (
        &[("User-Agent", FIREFOX), ("DNT", "1"), ("X-Moz", "prefetch")],
        "prefetch",
    ),
];

struct Setup {
    database: TestDatabase,
    server: ServerProcess,
    operator: Member,
    client: Client,
    link: String,
    sent: u64,
}

impl Setup {
    async fn new(kind: Kind) -> Self {
        let database = TestDatabase::new(kind);
        let server = ServerProcess::start(&database, closed());
        let operator = Member::with_token(&server, OPERATOR);
        let link = json!({ "code": "wiki", "url": "https://example.com/" });
        let made = operator.make(link).await;
        let link = made["id"].as_str().expect("an id").to_owned();
        let client = Client::builder().redirect(redirect::Policy::none());
        Self {
            database,
            server,
            operator,
            client: client.no_proxy().build().expect("a client needs nothing"),
            link,
            sent: 0,
        }
    }

    /// Visits the link, and waits until the click is stored.
    async fn visit(&mut self, headers: &[(&'static str, &[u8])]) {
        let mut request = self.client.get(self.server.url("/wiki"));
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value).expect("a value");
            request = request.header(*name, value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FOUND);
        self.sent += 1;
        wait_until("the click is stored", FRESH_WITHIN, async || {
            let stored = self
                .database
                .number("select count(*) from link_clicks")
                .await;
            u64::try_from(stored) == Ok(self.sent)
        })
        .await;
    }

    async fn breakdown(&self, by: &str) -> Vec<(String, u64, u64)> {
        let path = format!("/api/v1/links/{}/breakdown?by={by}", self.link);
        let breakdown = self.operator.get(&path).await;
        let rows = breakdown["rows"].as_array().expect("rows").clone();
        let number = |row: &Value, field: &str| row[field].as_u64().expect("a number");
        let rows = rows.iter().map(|row| {
            let value = row["value"].as_str().expect("a value").to_owned();
            (value, number(row, "clicks"), number(row, "humans"))
        });
        rows.filter(|(_, clicks, _)| *clicks > 0).collect()
    }

    fn reclassify(&self) -> String {
        linkctl(&self.database, &["reclassify"])
            .assert_success()
            .stdout
    }
}

async fn visits_are_told_apart_by_what_they_say(kind: Kind) {
    let mut setup = Setup::new(kind).await;
    for (headers, class) in VISITS {
        let bytes = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        let bytes: Vec<_> = bytes.collect();
        setup.visit(&bytes).await;
        let mut arguments = vec!["explain".to_owned(), "/wiki".to_owned()];
        for (name, value) in *headers {
            arguments.extend(["--header".to_owned(), format!("{name}: {value}")]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let explained = linkctl(&setup.database, &arguments).assert_success().stdout;
        let said = format!("the click type `{class}`");
        assert!(explained.contains(&said), "{headers:?}: {explained}");
    }
    let stored = async || {
        let sql = "select class, user_agent, browser from link_clicks order by clicked_at";
        setup.database.rows(sql).await
    };
    let rows = stored().await;
    let classes: Vec<_> = rows.iter().map(|row| row[0].as_deref()).collect();
    let wanted: Vec<_> = VISITS.iter().map(|(_, class)| Some(*class)).collect();
    assert_eq!(classes, wanted);
    for (row, (headers, _)) in rows.iter().zip(VISITS) {
        let is_untracked = headers
            .iter()
            .any(|(name, _)| ["DNT", "Sec-GPC"].contains(name));
        assert_eq!(row[1].is_none(), is_untracked, "{headers:?}");
        assert!(!is_untracked || row[2].is_none(), "{headers:?}");
    }
    assert_eq!(
        setup.reclassify(),
        format!("checked {} clicks, changed 0\n", VISITS.len())
    );
    assert_eq!(stored().await, rows);
    linkctl(&setup.database, &["verify"]).assert_success();
}

async fn hosts_of_referrers_that_were_counted_apart_are_one_row(kind: Kind) {
    let mut setup = Setup::new(kind).await;
    let from =
        |referrer: &'static [u8]| [("User-Agent", FIREFOX.as_bytes()), ("Referer", referrer)];
    for referrer in [
        &b"https://www.google.com./"[..],
        b"https://www.google.com/search?q=x",
        b"android-app://com.Slack/",
        b"android-app://com.slack/",
        b"https://example.de/caf\xe9",
        b"example.de",
    ] {
        setup.visit(&from(referrer)).await;
    }
    let wanted = ["com.slack", "example.de", "www.google.com"].map(|it| (it.to_owned(), 2, 2));
    let sorted = async |setup: &Setup| {
        let mut rows = setup.breakdown("referrer").await;
        rows.sort();
        rows
    };
    assert_eq!(sorted(&setup).await, wanted);

    // As an earlier version stored it.
    for sql in [
        "update link_days set facts = replace(facts, '\"www.google.com\":[2,2]', \
         '\"www.google.com.\":[1,1],\"www.google.com\":[1,1]')",
        "update link_days set facts = replace(facts, '\"com.slack\":[2,2]', \
         '\"com.Slack\":[2,2]')",
        "update link_clicks set referrer = 'https://www.google.com./' \
         where referrer like 'https://www.google.com%'",
        "update link_clicks set referrer = 'android-app://com.Slack/' \
         where referrer like 'android-app:%'",
    ] {
        setup.database.execute(sql).await;
    }
    assert_eq!(sorted(&setup).await, wanted);
    setup.visit(&from(b"https://WWW.google.com./")).await;
    let [slack, example, google] = wanted;
    let google = (google.0, 3, 3);
    assert_eq!(
        sorted(&setup).await,
        [slack.clone(), example.clone(), google.clone()]
    );

    // Old records are taken from the rows in which they are counted now.
    let programs =
        "update link_clicks set user_agent = 'curl/8.15.0' where referrer like '%oogle%'";
    setup.database.execute(programs).await;
    assert_eq!(setup.reclassify(), "checked 7 clicks, changed 3\n");
    assert_eq!(sorted(&setup).await, [slack, example, (google.0, 3, 0)]);
    linkctl(&setup.database, &["verify"]).assert_success();
}

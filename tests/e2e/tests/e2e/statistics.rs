//! Statistics of known clicks, inserted into the database and read over HTTP, in time zones whose
//! days differ from UTC or have 23 or 25 hours. Real visits are in `visits.rs`.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::{date, datetime};
use time::{Date, Duration, OffsetDateTime};
use waypost_core::{Clock as _, LinkId, SystemClock, UserId, VisitClass, Zone};
use waypost_e2e::member::{Member, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_store_diesel::{Database, DatabaseSettings};
use waypost_store_testkit::samples::Samples;
use waypost_store_testkit::truth::{ALL_BY, Truth, TruthPlan};
use waypost_test_harness::{Kind, ServerProcess, TestDatabase};

on_each_database!(
    every_number_is_right_in_utc,
    every_number_is_right_in_kolkata,
    every_number_is_right_in_berlin_when_clocks_go_forward,
    every_number_is_right_in_berlin_when_clocks_go_back,
    the_last_days_are_those_before_the_midnight_of_the_zone,
);

const EMAIL: &str = "ada@example.com";

/// The last day of the queries, and the number of days before it.
struct Asked {
    from: Date,
    to: Date,
}

fn plan(zone: &str, first: OffsetDateTime, last: OffsetDateTime) -> TruthPlan {
    TruthPlan {
        seed: 1,
        links: 4,
        clicks: 700,
        first,
        last,
        instants: Vec::new(),
        zone: zone.parse().expect("a zone"),
        referrers: 60,
        visitors: 30,
        users: Vec::new(),
    }
}

/// A server in the time zone of the plan, the user Ada, who owns all links and made some of the
/// clicks, and the expected values.
async fn start(database: &TestDatabase, plan: TruthPlan) -> (ServerProcess, Member, UserId, Truth) {
    let settings = DatabaseSettings::for_url(database.url()).expect("a URL");
    let opened = Database::connect(&settings).await.expect("a database");
    opened.prepare_schema(true).await.expect("a schema");
    let store = opened.store();
    let ada = Samples::new(1).user(EMAIL);
    store.insert_user(&ada, None).await.expect("a user");
    let truth = Truth::generate(TruthPlan {
        users: vec![ada.id],
        ..plan
    });
    truth.insert_links(&*store, Some(ada.id)).await;
    truth.record(&*store).await;
    opened.close();

    let options = closed().env("WAYPOST_TIMEZONE", truth.zone.name());
    let server = ServerProcess::start(database, options);
    let made = ["token", "create", "--user", EMAIL, "--name", "test"];
    let made = linkctl(database, &made).assert_success();
    let secret = made.stdout.strip_suffix('\n').expect("a line");
    let member = Member::with_token(&server, secret);
    (server, member, ada.id, truth)
}

/// Returns a response without `complete_until`, which is now.
async fn shown(ada: &Member, path: &str) -> Value {
    let asked_at = SystemClock.now();
    let mut answer = ada.get(path).await;
    let until = answer.as_object_mut().expect("an object");
    let until = until.remove("complete_until").expect("up to when");
    let until = OffsetDateTime::parse(until.as_str().expect("text"), &Rfc3339);
    assert!(until.expect("a time") >= asked_at - Duration::SECOND);
    answer
}

fn path(link: LinkId, what: &str) -> String {
    format!("/api/v1/links/{link}/{what}")
}

/// Asserts every number of every endpoint for these days, and for all clicks.
async fn assert_all(ada: &Member, id: UserId, truth: &Truth, today: Date, asked: &[Asked]) {
    for Asked { from, to } in asked {
        let (from, to) = (*from, *to);
        for link in truth.links.iter().map(|link| link.id) {
            let at = path(link, &format!("stats?from={from}&to={to}"));
            let expected = truth.stats_json(link, from, to, today);
            assert_eq!(shown(ada, &at).await, expected, "{at}");
            for by in ALL_BY {
                let at = path(link, &format!("breakdown?by={by}&from={from}&to={to}"));
                let expected = truth.breakdown_json(link, by, from, to);
                assert_eq!(ada.get(&at).await, expected, "{at}");
            }
        }
        let hot = truth.links[0].id;
        for class in VisitClass::ALL {
            let at = path(hot, &format!("stats?from={from}&to={to}&class={class}"));
            let expected = truth.daily_of_class_json(hot, class, from, to);
            assert_eq!(shown(ada, &at).await["daily"], expected, "{at}");
        }
        let own = shown(ada, &format!("/api/v1/stats?from={from}&to={to}")).await;
        let base = "http://localhost:8080/";
        assert_eq!(own, truth.own_json(base, from, to, today));
    }
    for link in truth.links.iter().map(|link| link.id) {
        assert_clicks(ada, id, truth, link).await;
    }
}

/// Asserts the list of clicks and both exports.
async fn assert_clicks(ada: &Member, id: UserId, truth: &Truth, link: LinkId) {
    let expected: Vec<Value> = truth
        .newest_first(link)
        .into_iter()
        .map(|click| Truth::click_json(click, &[(id, "")]))
        .collect();
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let at = path(link, &format!("clicks?limit=99{cursor}"));
        let mut page = ada.get(&at).await;
        let clicks = page["clicks"].take();
        listed.extend(clicks.as_array().expect("clicks").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, expected);

    let export = async |what: &str| {
        let at = path(link, what);
        let answer = ada.send(reqwest::Method::GET, &at, None).await;
        assert_eq!(answer.status(), reqwest::StatusCode::OK, "{at}");
        answer.text().await.expect("a body")
    };
    let lines = export("clicks.ndjson").await;
    let lines = lines.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().expect("JSON");
    assert_eq!(lines, expected);
    let text = export("clicks.csv").await;
    let rows = csv::Reader::from_reader(text.as_bytes()).into_records();
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.expect("a row").iter().map(str::to_owned).collect())
        .collect();
    let cells: Vec<Vec<String>> = expected.iter().map(Truth::click_cells).collect();
    assert_eq!(rows, cells);
}

/// Asserts all past days of a plan: the whole range, single days, and days beyond both ends.
async fn assert_past(kind: Kind, plan: TruthPlan, single: [Date; 2]) {
    let database = TestDatabase::new(kind);
    let zone = plan.zone.clone();
    let (_server, ada, id, truth) = start(&database, plan).await;
    let (first, last) = truth.range();
    let week = Duration::WEEK;
    let [one, other] = single;
    let asked = [
        (first - week, last + week),
        (first, last),
        (one, one),
        (other, other),
        (one - Duration::DAY, one + Duration::DAY),
        (first - week, first - Duration::DAY),
    ];
    let asked = asked.map(|(from, to)| Asked { from, to });
    on_one_day(&zone, async |today| {
        assert_all(&ada, id, &truth, today, &asked).await;
    })
    .await;
}

/// Runs a check that depends on the present day, again if a new day started in the meantime.
async fn on_one_day(zone: &Zone, check: impl AsyncFn(Date)) {
    let today = zone.day_of(SystemClock.now());
    let checking = std::panic::AssertUnwindSafe(check(today));
    let ended = futures_util::FutureExt::catch_unwind(checking).await;
    let now = zone.day_of(SystemClock.now());
    match ended {
        Ok(()) => {}
        Err(_) if now != today => check(now).await,
        Err(failure) => std::panic::resume_unwind(failure),
    }
}

async fn every_number_is_right_in_utc(kind: Kind) {
    let (first, last) = (
        datetime!(2025-12-28 05:00 UTC),
        datetime!(2026-01-05 18:00 UTC),
    );
    let days = [date!(2025 - 12 - 31), date!(2026 - 01 - 01)];
    assert_past(kind, plan("UTC", first, last), days).await;
}

/// Days start at 18:30 UTC.
async fn every_number_is_right_in_kolkata(kind: Kind) {
    let (first, last) = (
        datetime!(2026-02-25 12:00 UTC),
        datetime!(2026-03-04 20:00 UTC),
    );
    let days = [date!(2026 - 02 - 28), date!(2026 - 03 - 01)];
    let plan = TruthPlan {
        instants: vec![
            datetime!(2026-02-28 18:29:59.999_999 UTC),
            datetime!(2026-02-28 18:30 UTC),
        ],
        ..plan("Asia/Kolkata", first, last)
    };
    assert_past(kind, plan, days).await;
}

/// 29 March has 23 hours: the hour from 02:00 does not exist.
async fn every_number_is_right_in_berlin_when_clocks_go_forward(kind: Kind) {
    let (first, last) = (
        datetime!(2026-03-26 12:00 UTC),
        datetime!(2026-04-01 12:00 UTC),
    );
    let days = [date!(2026 - 03 - 29), date!(2026 - 03 - 30)];
    let plan = TruthPlan {
        instants: vec![
            datetime!(2026-03-28 22:59:59.999_999 UTC),
            datetime!(2026-03-28 23:00 UTC),
            datetime!(2026-03-29 00:59:59.999_999 UTC),
            datetime!(2026-03-29 01:00 UTC),
            datetime!(2026-03-29 01:30 UTC),
            datetime!(2026-03-29 21:59:59.999_999 UTC),
            datetime!(2026-03-29 22:00 UTC),
            datetime!(2026-03-29 22:59:59.999_999 UTC),
        ],
        ..plan("Europe/Berlin", first, last)
    };
    assert_past(kind, plan, days).await;
}

/// 25 October has 25 hours: the hour from 02:00 occurs twice.
async fn every_number_is_right_in_berlin_when_clocks_go_back(kind: Kind) {
    let (first, last) = (
        datetime!(2026-10-22 12:00 UTC),
        datetime!(2026-10-28 12:00 UTC),
    );
    let days = [date!(2026 - 10 - 25), date!(2026 - 10 - 26)];
    let plan = TruthPlan {
        instants: vec![
            datetime!(2026-10-24 21:59:59.999_999 UTC),
            datetime!(2026-10-24 22:00 UTC),
            datetime!(2026-10-25 00:30 UTC),
            datetime!(2026-10-25 01:30 UTC),
            datetime!(2026-10-25 22:00 UTC),
            datetime!(2026-10-25 22:59:59.999_999 UTC),
            datetime!(2026-10-25 23:00 UTC),
        ],
        ..plan("Europe/Berlin", first, last)
    };
    assert_past(kind, plan, days).await;
}

async fn the_last_days_are_those_before_the_midnight_of_the_zone(kind: Kind) {
    let database = TestDatabase::new(kind);
    let now = SystemClock.now();
    let plan = plan("Asia/Kolkata", now - Duration::days(34), now);
    let zone = plan.zone.clone();
    let (_server, ada, id, truth) = start(&database, plan).await;
    on_one_day(&zone, async |today| {
        let from = today - Duration::days(29);
        let asked = [Asked { from, to: today }];
        assert_all(&ada, id, &truth, today, &asked).await;
        // The default range.
        let hot = truth.links[0].id;
        let stats = shown(&ada, &path(hot, "stats")).await;
        assert_eq!(stats, truth.stats_json(hot, from, today, today));
        assert!(stats["last_7d"].as_u64() < stats["last_30d"].as_u64());
        assert!(stats["last_30d"].as_u64() < stats["total"].as_u64());
        let by = ada.get(&path(hot, "breakdown?by=os")).await;
        assert_eq!(by, truth.breakdown_json(hot, "os", from, today));
        let own = shown(&ada, "/api/v1/stats").await;
        assert_eq!(own["daily"].as_array().map(Vec::len), Some(30));
        assert_eq!(own["timezone"], json!("Asia/Kolkata"));
    })
    .await;
}

//! Clocks that are wrong by days: of a server, of the database, or of the only machine.

use reqwest::StatusCode;
use serde_json::Value;
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{PASSWORD, add_with_password};
use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{
    DatabaseServer, Invocation, Kind, ServerOptions, ServerProcess, TestClock, TestDatabase,
};

use crate::setup::{SOON, drained, links_of, metric, report, verify};

/// The error of the clocks.
const DAYS: i32 = 400;
/// More clicks than are purged without checking their share of all clicks.
const CLICKS: i64 = 150;
const EMAIL: &str = "ada@example.com";

/// The log line of a maintenance pass that does nothing.
const PASSED_OVER: &str = "nothing is deleted while the clocks differ";
/// The log line of a server that finds that clocks differ, written once.
const APART: &str = "differ by more than 5 minutes";
/// The log line of a server whose clocks agree again.
const AGREE_AGAIN: &str = "agree again";
/// The log line when a purge would delete too much, written once.
const TOO_MANY: &str = "they are more than half of all";

/// Purges clicks older than a year, and logs the maintenance.
fn options() -> ServerOptions {
    ServerOptions::new()
        .env("WAYPOST_RETENTION_DAYS", "365")
        .env(
            "WAYPOST_LOG",
            "warn,waypost_store=info,waypost_analytics=debug",
        )
}

fn start(database: &TestDatabase, options: ServerOptions) -> ServerProcess {
    tokio::task::block_in_place(|| ServerProcess::start(database, options))
}

fn restart(server: &mut ServerProcess) {
    tokio::task::block_in_place(|| server.restart());
}

/// Returns how often a server has logged a text.
fn lines(server: &ServerProcess, text: &str) -> usize {
    let output = server.output();
    output.lines().filter(|line| line.contains(text)).count()
}

/// Follows a link several times, and waits until the clicks are stored.
async fn follow(server: &ServerProcess, code: &str, clicks: i64) {
    let visitor = Visitor::of(server);
    for _ in 0..clicks {
        let (status, _) = visitor.visit(code).await.unwrap();
        assert_eq!(status, StatusCode::FOUND);
    }
    drained(server).await;
}

/// Returns the salts of a database with their days.
async fn salts(database: &TestDatabase) -> Vec<Vec<Option<String>>> {
    let salts = "select day, salt from daily_salts order by day";
    database.rows(salts).await
}

/// Whether two columns of times are this many days after the present time of the database, with a
/// tolerance of minutes.
async fn assert_dated(database: &TestDatabase, table: &str, column: &str, days: i64) {
    let now = |minutes| match database.kind() {
        Kind::Postgres => format!("clock_timestamp() + interval '{days} days {minutes} minutes'"),
        _ => format!("utc_timestamp(6) + interval {days} day + interval {minutes} minute"),
    };
    let (least, most) = (now(-10), now(1));
    let wrong =
        format!("select count(*) from {table} where {column} < {least} or {column} > {most}");
    assert_eq!(database.number(&wrong).await, 0, "{table}.{column}");
}

/// Returns the warnings of `/health/ready`.
async fn details(server: &ServerProcess) -> Vec<String> {
    let ready = Visitor::of(server).get("/health/ready").await;
    assert_eq!(ready.status(), StatusCode::OK);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["status"], "ok");
    let details = ready["details"].as_array().into_iter().flatten();
    let codes = details.map(|detail| detail["code"].as_str().unwrap().to_owned());
    codes.collect()
}

/// Asserts that a server has noticed that its clock is this many days ahead of the database.
async fn assert_noticed(server: &ServerProcess, days: i32) {
    let skew = metric(server, "waypost_clock_skew_seconds").await;
    let expected = f64::from(days) * 86_400.0;
    assert!((skew - expected).abs() < 60.0, "{skew} s, not {expected} s");
    assert_eq!(details(server).await, ["CLOCK_SKEW"]);
    assert_eq!(lines(server, APART), 1, "{}", server.output());
}

async fn assert_not_concerned(server: &ServerProcess) {
    let skew = metric(server, "waypost_clock_skew_seconds").await;
    assert!(skew.abs() < 60.0, "{skew} s");
    assert!(details(server).await.is_empty());
    assert_eq!(lines(server, APART), 0, "{}", server.output());
}

/// Returns what `linkctl purge` would delete on a machine with this clock.
fn would_purge(database: &TestDatabase, clock: &TestClock) -> Value {
    let finished = tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(["purge", "--older-than", "365d", "--dry-run", "--json"])
            .database(database)
            .clock(clock)
            .run()
            .assert_success()
    });
    assert!(finished.stderr.contains(APART), "{finished:?}");
    let record: Value = serde_json::from_str(&finished.stdout).unwrap();
    record["purged"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_ahead_harms_nothing_on_postgres() {
    a_wrong_server_beside_a_right_one(Kind::Postgres, DAYS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_ahead_harms_nothing_on_mariadb() {
    a_wrong_server_beside_a_right_one(Kind::MariaDb, DAYS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_behind_harms_nothing_on_postgres() {
    a_wrong_server_beside_a_right_one(Kind::Postgres, -DAYS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_behind_harms_nothing_on_mariadb() {
    a_wrong_server_beside_a_right_one(Kind::MariaDb, -DAYS).await;
}

async fn a_wrong_server_beside_a_right_one(kind: Kind, days: i32) {
    let database = TestDatabase::new(kind);
    let right = start(&database, options());
    let code = links_of(&right, 1).await.remove(0);
    tokio::task::block_in_place(|| add_with_password(&database, EMAIL, &[]));
    let mut ada = Browser::of(&right);
    ada.sign_in(EMAIL, PASSWORD, "/").await;
    follow(&right, &code, CLICKS).await;
    let drawn = salts(&database).await;

    let clock = TestClock::ahead(days);
    let mut wrong = start(&database, options().clock(&clock));
    for _ in 0..2 {
        wrong.wait_for_output(PASSED_OVER, SOON);
        assert_noticed(&wrong, days).await;
        restart(&mut wrong);
    }
    assert_not_concerned(&right).await;

    // Clicks of the server with the wrong clock get the same dates and hashes as those of the right
    // one.
    follow(&wrong, &code, CLICKS).await;
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS * 2));
    assert_dated(&database, "link_clicks", "clicked_at", 0).await;
    let one_visitor_a_day = "select count(*) from link_days where visitors <> 1";
    assert_eq!(database.number(one_visitor_a_day).await, 0);

    // Sessions are valid on both servers, for the same time.
    let mut other = Browser::of(&wrong);
    other.sign_in(EMAIL, PASSWORD, "/").await;
    for server in [&wrong, &right] {
        assert!(ada.on(server).is_signed_in().await);
        assert!(other.on(server).is_signed_in().await);
    }
    assert_eq!(database.number("select count(*) from sessions").await, 2);
    assert_dated(&database, "sessions", "created_at", 0).await;
    assert_dated(&database, "sessions", "expires_at", 14).await;

    assert_eq!(would_purge(&database, &clock), 0);
    restart(&mut wrong);
    wrong.wait_for_output(PASSED_OVER, SOON);
    assert_noticed(&wrong, days).await;
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS * 2));
    let kept = salts(&database).await;
    assert!(
        drawn.iter().all(|salt| kept.contains(salt)),
        "{drawn:?} {kept:?}"
    );
    assert_eq!(verify(&database, &right)["agrees"], true);

    // Once its clock is right, the server logs it once.
    clock.set_ahead(0);
    wrong.wait_for_output(AGREE_AGAIN, SOON);
    let skew = metric(&wrong, "waypost_clock_skew_seconds").await;
    assert!(skew.abs() < 60.0, "{skew} s");
    assert!(details(&wrong).await.is_empty());
    report(format_args!(
        "{kind:?}, one of two servers {days} days ahead: all {} clicks, salts and sessions are there",
        CLICKS * 2
    ));
}

/// Servers with the right time also use the time of the database, and delete nothing because of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_whose_clock_is_set_ahead_loses_nothing() {
    let clock = TestClock::ahead(0);
    let server =
        tokio::task::block_in_place(|| DatabaseServer::start_with_clock(Kind::Postgres, &clock));
    let database = TestDatabase::on(&server);
    let mut right = start(&database, options());
    let code = links_of(&right, 1).await.remove(0);
    tokio::task::block_in_place(|| add_with_password(&database, EMAIL, &[]));
    let mut ada = Browser::of(&right);
    ada.sign_in(EMAIL, PASSWORD, "/").await;
    follow(&right, &code, CLICKS).await;
    let drawn = salts(&database).await;
    assert_eq!(lines(&right, APART), 0, "{}", right.output());

    clock.set_ahead(DAYS);
    right.wait_for_output(APART, SOON);
    restart(&mut right);
    right.wait_for_output(PASSED_OVER, SOON);
    assert_noticed(&right, -DAYS).await;
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS));

    clock.set_ahead(0);
    right.wait_for_output(AGREE_AGAIN, SOON);
    assert!(ada.on(&right).is_signed_in().await);
    let kept = salts(&database).await;
    assert!(
        drawn.iter().all(|salt| kept.contains(salt)),
        "{drawn:?} {kept:?}"
    );
    follow(&right, &code, 1).await;
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS + 1));
    assert_dated(&database, "link_clicks", "clicked_at", 0).await;
}

/// No other clock is available there: the large share of old clicks reveals the error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clicks_of_the_only_machine_are_not_purged_when_its_clock_is_ahead() {
    let database = TestDatabase::sqlite();
    let clock = TestClock::ahead(0);
    let mut server = start(&database, options().clock(&clock));
    let code = links_of(&server, 1).await.remove(0);
    follow(&server, &code, CLICKS).await;
    clock.set_ahead(DAYS);
    restart(&mut server);
    server.wait_for_output(TOO_MANY, SOON);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS));
    clock.set_ahead(0);
    restart(&mut server);
    follow(&server, &code, 1).await;
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(CLICKS + 1));
    assert_eq!(lines(&server, TOO_MANY), 0, "{}", server.output());

    // After the time that the message names, the operator purges the clicks manually.
    clock.set_ahead(DAYS);
    tokio::task::block_in_place(|| {
        Invocation::of("linkctl")
            .args(["purge", "--older-than", "365d", "--yes"])
            .database(&database)
            .clock(&clock)
            .run()
            .assert_success();
    });
    assert_eq!(Kept::of(&database, &code).await.rows, 0);
    assert_eq!(verify(&database, &server)["agrees"], true);
}

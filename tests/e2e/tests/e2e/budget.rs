//! A budget of click records: a link that is followed too often costs no more disk space, and loses
//! no click.

use reqwest::StatusCode;
use serde_json::json;
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_e2e::{FRESH_WITHIN, Kept, Visitor, on_each_database};
use waypost_test_harness::{Kind, ServerOptions, ServerProcess, TestDatabase, wait_until};

on_each_database!(only_the_first_clicks_of_a_day_leave_records);

const TOLD: &str = "the link has its maximum number of click records of the day";

fn options(records: &str) -> ServerOptions {
    closed().env("WAYPOST_RECORDS_PER_LINK_AND_DAY", records)
}

async fn visits(server: &ServerProcess, code: &str, count: i64) {
    let visitor = Visitor::of(server);
    for _ in 0..count {
        let (status, _) = visitor.visit(code).await.unwrap();
        assert_eq!(status, StatusCode::FOUND);
    }
}

async fn counted(database: &TestDatabase, code: &str, kept: Kept) {
    let stored = format!("the clicks of {code} are stored");
    wait_until(&stored, FRESH_WITHIN, async || {
        Kept::of(database, code).await == kept
    })
    .await;
    let verified = linkctl(database, &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

async fn shows(server: &ServerProcess, line: &str) {
    // The numbers of a batch are shown after it is stored.
    wait_until(line, FRESH_WITHIN, async || {
        let metrics = Visitor::of(server).get("/metrics").await;
        let metrics = metrics.text().await.unwrap();
        metrics.lines().any(|given| given == line)
    })
    .await;
}

async fn only_the_first_clicks_of_a_day_leave_records(kind: Kind) {
    let database = TestDatabase::new(kind);
    let mut server = ServerProcess::start(&database, options("5"));
    let operator = Member::with_token(&server, OPERATOR);
    let make = async |code: &str| {
        let made = json!({ "url": "https://example.com/", "code": code });
        operator.make(made).await["id"]
            .as_str()
            .expect("an ID")
            .to_owned()
    };
    let (id, _) = (make("hot").await, make("other").await);
    let (hot, other) = ("hot", "other");
    visits(&server, other, 5).await;
    visits(&server, hot, 20).await;
    let first_five = Kept {
        rows: 5,
        ..Kept::thrice(20)
    };
    counted(&database, hot, first_five).await;
    counted(&database, other, Kept::thrice(5)).await;
    shows(&server, "waypost_clicks_without_record_total 15").await;
    shows(&server, "waypost_clicks_recorded_total 25").await;
    assert_eq!(server.output().matches(TOLD).count(), 1);
    let ids = "select count(*) from click_ids";
    assert_eq!(database.number(ids).await, 15);

    let stats = operator.get(&format!("/api/v1/links/{id}/stats")).await;
    assert_eq!(stats["total"], 20);
    assert_eq!(stats["clicks_without_record"], 15);
    let listed = operator.get(&format!("/api/v1/links/{id}/clicks")).await;
    assert_eq!(listed["clicks"].as_array().map(Vec::len), Some(5));

    // Without a limit, every click leaves a record again.
    server.terminate();
    server.restart_with(options("0"));
    visits(&server, hot, 2).await;
    let two_more = Kept {
        rows: 7,
        ..Kept::thrice(22)
    };
    counted(&database, hot, two_more).await;
}

//! Live streams on one server of clicks on another server.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use waypost_e2e::member::{Member, OPERATOR, closed};
use waypost_e2e::{Visitor, on_each_database};
use waypost_test_harness::{Kind, ServerProcess, TestDatabase};

on_each_database!(
    clicks_on_another_node_are_told_of,
    a_server_that_is_stopped_ends_its_streams,
);

/// Two seconds are documented; other tests may use the processors.
const TOLD_WITHIN: Duration = waypost_test_harness::PATIENCE;

/// A live stream that is read event by event.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn of(member: &Member, link: &str) -> Self {
        let path = format!("/api/v1/links/{link}/live");
        let response = member.send(Method::GET, &path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = String::new();
        Self { response, text }
    }

    /// Returns the data of the next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if !event.starts_with(':') {
                    let (_, data) = event.split_once("\ndata: ").expect("data");
                    return Some(serde_json::from_str(data).expect("JSON"));
                }
                continue;
            }
            let chunk = tokio::time::timeout(TOLD_WITHIN, self.response.chunk());
            let chunk = chunk.await.expect("an event in time").expect("a chunk")?;
            self.text
                .push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    async fn total(&mut self) -> u64 {
        let event = self.next().await.expect("an event");
        event["total"].as_u64().expect("a number")
    }
}

async fn made(operator: &Member, code: &str) -> String {
    let link = operator
        .make(json!({ "code": code, "url": "https://example.com/" }))
        .await;
    link["id"].as_str().expect("an id").to_owned()
}

async fn clicks_on_another_node_are_told_of(kind: Kind) {
    let database = TestDatabase::new(kind);
    let here = ServerProcess::start(&database, closed());
    let there = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&here, OPERATOR);
    let link = made(&operator, "wiki").await;
    let mut watching = Events::of(&operator, &link).await;
    let mut beside = Events::of(&operator.on(&there), &link).await;
    assert_eq!(watching.total().await, 0);
    assert_eq!(beside.total().await, 0);
    let visitor = Visitor::of(&there);
    let mut slowest = Duration::ZERO;
    for total in 1..=6 {
        let (status, _) = visitor.visit("wiki").await.expect("an answer");
        assert_eq!(status, StatusCode::FOUND);
        let followed = Instant::now();
        let told = watching.next().await.expect("an event");
        slowest = slowest.max(followed.elapsed());
        assert_eq!(told["total"], total, "{told}");
        assert_eq!(told["link_id"], *link);
        assert_eq!(told["clicks"].as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!(beside.total().await, total);
    }
    println!("{kind}: told of each of 6 clicks within {slowest:?}");
    assert!(slowest < TOLD_WITHIN, "{kind}: {slowest:?}");
}

async fn a_server_that_is_stopped_ends_its_streams(kind: Kind) {
    let database = TestDatabase::new(kind);
    let mut server = ServerProcess::start(&database, closed());
    let operator = Member::with_token(&server, OPERATOR);
    let link = made(&operator, "wiki").await;
    let mut streams = [
        Events::of(&operator, &link).await,
        Events::of(&operator, &link).await,
    ];
    for events in &mut streams {
        assert_eq!(events.total().await, 0);
    }
    let asked = Instant::now();
    let status = tokio::task::block_in_place(|| server.terminate());
    assert!(status.success(), "{status}\n{}", server.output());
    // Running requests would have 30 seconds.
    assert!(asked.elapsed() < 2 * TOLD_WITHIN, "{:?}", asked.elapsed());
    for mut events in streams {
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_watch_and_the_next_one_is_told_to_wait() {
    let database = TestDatabase::sqlite();
    let options = closed().env("WAYPOST_LIVE_STREAMS_PER_LINK", "500");
    let server = ServerProcess::start(&database, options);
    let operator = Member::with_token(&server, OPERATOR);
    let link = made(&operator, "wiki").await;
    let mut streams = Vec::new();
    for _ in 0..500 {
        streams.push(Events::of(&operator, &link).await);
    }
    let path = format!("/api/v1/links/{link}/live");
    let refused = operator.send(Method::GET, &path, None).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "60");
    // All other requests work as before, and watching clients receive events.
    let (status, _) = Visitor::of(&server).visit("wiki").await.expect("an answer");
    assert_eq!(status, StatusCode::FOUND);
    for events in [0, 250, 499] {
        let mut total = 0;
        while total != 1 {
            total = streams[events].total().await;
        }
    }
    // Closing a stream makes room for another one.
    streams.truncate(490);
    let is_free = async || operator.status(&path).await == StatusCode::OK;
    waypost_test_harness::wait_until("a place is free", TOLD_WITHIN, is_free).await;
}

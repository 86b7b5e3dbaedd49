//! The main task: shorten, redirect, count.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_e2e::member::linkctl;
use waypost_e2e::{FRESH_WITHIN, Kept, Visitor, on_each_database};
use waypost_test_harness::{Kind, ServerOptions, ServerProcess, TestDatabase, wait_until};

const TARGET: &str = "https://example.com/a/long/path?with=query#and-fragment";

on_each_database!(
    a_link_is_made_followed_counted_and_deleted,
    parallel_visits_are_each_counted_once,
    numbers_survive_a_restart,
    two_servers_on_one_database_count_together,
    the_list_is_newest_first_and_paged,
);

fn start(kind: Kind) -> (TestDatabase, ServerProcess, Visitor) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, ServerOptions::new());
    let visitor = Visitor::of(&server);
    (database, server, visitor)
}

async fn a_link_is_made_followed_counted_and_deleted(kind: Kind) {
    let (database, _server, visitor) = start(kind);
    let response = visitor
        .post(json!({ "url": TARGET, "code": "Team-Wiki" }))
        .await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let made: Value = response.json().await.unwrap();
    assert_eq!(made["shortCode"], "Team-Wiki");
    assert_eq!(made["url"], TARGET);
    assert_eq!(made["shortUrl"], "http://localhost:8080/Team-Wiki");

    let taken = visitor
        .post(json!({ "url": TARGET, "code": "team-WIKI" }))
        .await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);

    for code in ["team-wiki", "TEAM-WIKI", "Team-Wiki"] {
        let (status, location) = visitor.visit(code).await.unwrap();
        assert_eq!(
            (status, location.as_deref()),
            (StatusCode::FOUND, Some(TARGET))
        );
    }
    let head = visitor.send(Method::HEAD, "/team-wiki").await.unwrap();
    assert_eq!(head.status(), StatusCode::FOUND);
    assert_eq!(head.headers()["location"], TARGET);
    assert_eq!(head.headers()["cache-control"], "private, no-store");

    assert_eq!(visitor.clicks("team-wiki").await, 3);
    assert_eq!(Kept::of(&database, "team-wiki").await, Kept::thrice(3));

    let delete = async || {
        visitor
            .send(Method::DELETE, "/urls/team-wiki")
            .await
            .unwrap()
            .status()
    };
    assert_eq!(delete().await, StatusCode::NO_CONTENT);
    assert_eq!(delete().await, StatusCode::NOT_FOUND);
    assert_eq!(
        visitor.visit("team-wiki").await.unwrap(),
        (StatusCode::NOT_FOUND, None)
    );
    assert_eq!(
        visitor.get("/urls/team-wiki/stats").await.status(),
        StatusCode::NOT_FOUND
    );
    // It can be restored with all its clicks.
    assert_eq!(Kept::of(&database, "team-wiki").await, Kept::thrice(3));
    linkctl(&database, &["link", "restore", "team-wiki"]).assert_success();
    let permanently = ["link", "delete", "team-wiki", "--permanent", "--yes"];
    linkctl(&database, &permanently).assert_success();
    for table in ["links", "link_clicks", "link_days"] {
        assert_eq!(
            database
                .number(&format!("select count(*) from {table}"))
                .await,
            0,
            "{table}"
        );
    }
}

async fn parallel_visits_are_each_counted_once(kind: Kind) {
    let (database, server, visitor) = start(kind);
    let code = visitor.shorten(TARGET).await;
    let other = visitor.shorten("https://example.com/other").await;
    // Separate clients use separate connections.
    let visitors: Vec<Visitor> = (0..8).map(|_| Visitor::of(&server)).collect();
    let visits = (0..200).map(|i| {
        let visitor = &visitors[i % visitors.len()];
        let code = if i % 4 == 0 { &other } else { &code };
        visitor.visit(code)
    });
    for visit in join_all(visits).await {
        assert_eq!(visit.unwrap().0, StatusCode::FOUND);
    }
    assert_eq!(visitor.clicks(&code).await, 150);
    assert_eq!(visitor.clicks(&other).await, 50);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(150));
    assert_eq!(Kept::of(&database, &other).await, Kept::thrice(50));
}

async fn numbers_survive_a_restart(kind: Kind) {
    let (database, mut server, visitor) = start(kind);
    let code = visitor.shorten(TARGET).await;
    for _ in 0..5 {
        visitor.visit(&code).await.unwrap();
    }
    let status = server.terminate();
    assert!(status.success(), "{status}\n{}", server.output());
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(5));

    server.restart();
    let visitor = Visitor::of(&server);
    assert_eq!(visitor.clicks(&code).await, 5);
    visitor.visit(&code).await.unwrap();
    assert_eq!(visitor.clicks(&code).await, 6);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(6));
}

async fn two_servers_on_one_database_count_together(kind: Kind) {
    let (database, _one, first) = start(kind);
    let two = ServerProcess::start(&database, ServerOptions::new());
    let second = Visitor::of(&two);
    let code = first.shorten(TARGET).await;
    let visits = (0..40).map(|i| {
        if i % 2 == 0 {
            first.visit(&code)
        } else {
            second.visit(&code)
        }
    });
    for visit in join_all(visits).await {
        assert_eq!(visit.unwrap().0, StatusCode::FOUND);
    }
    // A server shows the clicks that it accepted itself; both servers are queried.
    first.clicks(&code).await;
    assert_eq!(second.clicks(&code).await, 40);
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(40));
    first
        .send(Method::DELETE, &format!("/urls/{code}"))
        .await
        .unwrap();
    let gone = StatusCode::NOT_FOUND;
    assert_eq!(first.visit(&code).await.unwrap().0, gone);
    wait_until("the other server knows", FRESH_WITHIN, async || {
        second.visit(&code).await.unwrap().0 == gone
    })
    .await;
}

async fn the_list_is_newest_first_and_paged(kind: Kind) {
    let (_database, _server, visitor) = start(kind);
    let mut codes = Vec::new();
    for i in 0..5 {
        codes.push(visitor.shorten(&format!("https://example.com/{i}")).await);
    }
    codes.reverse();
    let mut listed = Vec::new();
    for page in 1..=3 {
        let body = visitor.json(&format!("/urls?page={page}&limit=2")).await;
        assert_eq!(
            (&body["page"], &body["limit"], &body["total"]),
            (&json!(page), &json!(2), &json!(5))
        );
        for record in body["data"].as_array().unwrap() {
            listed.push(record["shortCode"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(listed, codes);
    for bad in ["page=0", "page=-1", "limit=0", "limit=101", "limit=x"] {
        let response = visitor.get(&format!("/urls?{bad}")).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

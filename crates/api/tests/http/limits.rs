//! Limits on API requests and created links.

use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use time::Duration;
use waypost_api::LimitSettings;

use crate::browser::{add, signed_in, status};
use crate::setup::{Answer, OPERATOR, TestServer, send};

fn settings(requests_per_minute: u32, links_per_hour: u32) -> LimitSettings {
    LimitSettings {
        requests_per_minute,
        links_per_hour,
    }
}

fn quota(answer: &Answer) -> [i64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        let value = answer.header(&format!("ratelimit-{name}"));
        value.parse().unwrap_or(-1)
    })
}

async fn list(server: &TestServer, token: &str) -> Answer {
    server.read(token, "/api/v1/links").await
}

async fn make(server: &TestServer, token: &str) -> Answer {
    let request = server.by(token, Method::POST, "/api/v1/links");
    let body = json!({ "url": "https://example.com/" });
    send(request.json(&body)).await
}

#[tokio::test]
async fn a_code_that_a_link_gets_costs_as_much_as_a_link() {
    let server = TestServer::limited(false, settings(0, 3)).await;
    let ada = server.member("ada").await;
    let made = make(&server, &ada.token).await.json();
    let path = format!("/api/v1/links/{}", made["id"].as_str().unwrap());
    let rename = async |code: &str| {
        let body = json!({ "code": code });
        let answer = server.tell(&ada.token, Method::PATCH, &path, &body).await;
        answer.status.as_u16()
    };
    assert_eq!([rename("one").await, rename("two").await], [200, 200]);
    assert_eq!(rename("three").await, 429);
    // Its present and former codes are its own.
    assert_eq!([rename("TWO").await, rename("one").await], [200, 200]);
    let title = json!({ "title": "free" });
    let changed = server.tell(&ada.token, Method::PATCH, &path, &title).await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn each_user_has_a_request_budget_and_sees_what_is_left() {
    let server = TestServer::limited(false, settings(3, 0)).await;
    let (ada, grace) = (server.member("ada").await, server.member("grace").await);
    for (number, reset) in [(2, 20), (1, 40), (0, 60)] {
        let answer = list(&server, &ada.token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(quota(&answer), [3, number, reset]);
    }
    let asked = Instant::now();
    let refused = list(&server, &ada.token).await;
    refused.assert_error(429, "TOO_MANY_REQUESTS");
    assert!(asked.elapsed().as_secs() >= 1, "it is held back");
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(quota(&refused), [3, 0, 60]);
    // Another token of the same user shares the budget; another user has a separate one.
    let other = server.token(ada.id, "read").await;
    list(&server, &other)
        .await
        .assert_error(429, "TOO_MANY_REQUESTS");
    assert_eq!(list(&server, &grace.token).await.status, 200);
    server.clock.advance(Duration::seconds(20));
    assert_eq!(quota(&list(&server, &ada.token).await), [3, 0, 60]);
    list(&server, &ada.token)
        .await
        .assert_error(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn the_operator_redirects_and_open_paths_have_no_limit() {
    let server = TestServer::limited(false, settings(1, 1)).await;
    let ada = server.member("ada").await;
    assert_eq!(make(&server, OPERATOR).await.status, 201);
    for _ in 0..5 {
        assert_eq!(list(&server, OPERATOR).await.status, 200);
        assert_eq!(make(&server, OPERATOR).await.status, 201);
    }
    let made = make(&server, &ada.token).await.json();
    let path = format!("/{}", made["code"].as_str().unwrap());
    for _ in 0..5 {
        assert_eq!(server.get(&path).await.status, 302);
        for open in ["/health", "/api/openapi.json"] {
            let answer = server.get(open).await;
            assert_eq!(answer.status, 200);
            assert_eq!(quota(&answer), [-1; 3]);
        }
    }
}

#[tokio::test]
async fn a_client_without_credentials_uses_the_budget_of_its_ip_address() {
    let server = TestServer::limited(true, settings(2, 0)).await;
    let from = async |address: &str| {
        let request = server.request(Method::GET, "/urls");
        send(request.header("x-forwarded-for", address))
            .await
            .status
            .as_u16()
    };
    assert_eq!(from("203.0.113.1").await, 200);
    assert_eq!(from("203.0.113.1").await, 200);
    assert_eq!(from("203.0.113.1").await, 429);
    assert_eq!(from("203.0.113.2").await, 200);
    // All addresses of a /64 network share a budget.
    assert_eq!(from("2001:db8:0:1::1").await, 200);
    assert_eq!(from("2001:db8:0:1:ffff::2").await, 200);
    assert_eq!(from("2001:db8:0:1::3").await, 429);
    assert_eq!(from("2001:db8:0:2::1").await, 200);
}

#[tokio::test]
async fn an_ip_address_that_guesses_sessions_is_rejected_too() {
    let server = TestServer::limited(false, settings(600, 0)).await;
    let guess = async || {
        let cookie = format!("__Host-waypost_session=wps_{}", "0".repeat(43));
        let request = server.request(Method::GET, "/api/v1/links");
        send(request.header("cookie", cookie)).await.status.as_u16()
    };
    for _ in 0..60 {
        assert_eq!(guess().await, 401);
    }
    assert_eq!(guess().await, 429);
}

#[tokio::test]
async fn links_created_per_hour_are_limited_and_bulk_links_count_each() {
    let server = TestServer::limited(false, settings(0, 5)).await;
    let ada = server.member("ada").await;
    let bulk = async |count: usize| {
        let links: Vec<_> = (0..count)
            .map(|_| json!({ "url": "https://example.com/" }))
            .collect();
        let request = server.by(&ada.token, Method::POST, "/api/v1/links/bulk");
        send(request.json(&json!({ "links": links }))).await
    };
    let made = bulk(3).await;
    assert_eq!((made.status.as_u16(), quota(&made)), (200, [5, 2, 2_160]));
    let refused = bulk(3).await;
    refused.assert_error(429, "TOO_MANY_REQUESTS");
    assert_eq!(refused.header("retry-after"), "720");
    assert_eq!(make(&server, &ada.token).await.status, 201);
    assert_eq!(make(&server, &ada.token).await.status, 201);
    make(&server, &ada.token)
        .await
        .assert_error(429, "TOO_MANY_REQUESTS");
    let never = bulk(6).await;
    never.assert_error(400, "BAD_REQUEST");
    assert!(never.body.contains("at most 5 links"), "{}", never.body);
    assert_eq!(list(&server, &ada.token).await.status, 200);
    server.clock.advance(Duration::minutes(12));
    assert_eq!(make(&server, &ada.token).await.status, 201);
}

#[tokio::test]
async fn an_ip_address_that_guesses_tokens_is_rejected_for_a_while() {
    let server = TestServer::limited(false, settings(600, 0)).await;
    let ada = server.member("ada").await;
    let from = async |token: &str, address: &str| {
        let request = server.by(token, Method::GET, "/api/v1/links");
        send(request.header("x-forwarded-for", address))
            .await
            .status
            .as_u16()
    };
    for _ in 0..60 {
        assert_eq!(from("wp_guessed", "203.0.113.1").await, 401);
    }
    assert_eq!(from("wp_guessed", "203.0.113.1").await, 429);
    assert_eq!(from("wp_other", "203.0.113.1").await, 429);
    assert_eq!(from("wp_guessed", "203.0.113.2").await, 401);
    assert_eq!(from(OPERATOR, "203.0.113.1").await, 200);
    assert_eq!(from(&ada.token, "203.0.113.1").await, 200);
    server.clock.advance(Duration::SECOND);
    assert_eq!(from("wp_guessed", "203.0.113.1").await, 401);
}

#[tokio::test]
async fn valid_credentials_are_accepted_from_an_ip_address_that_guesses() {
    let server = TestServer::limited(false, settings(600, 0)).await;
    let eve = server.member("eve").await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let guess = async |number: usize| {
        let token = format!("wp_{number:043}");
        list(&server, &token).await.status.as_u16()
    };
    for number in 0..60 {
        assert_eq!(guess(number).await, 401);
    }
    let reads = || server.store.token_operations.load(Ordering::SeqCst);
    let guessing = join_all((0..30).map(async |client| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(guess(client).await);
        }
        statuses
    }));
    let before = reads();
    let valid = async {
        let mut statuses = Vec::new();
        for _ in 0..45 {
            statuses.push(list(&server, &eve.token).await.status.as_u16());
            statuses.push(status(&browser).await);
        }
        statuses
    };
    let (guesses, valid) = tokio::join!(guessing, valid);
    assert_eq!(valid, [200; 90]);
    assert!(
        guesses.iter().flatten().all(|status| *status == 429),
        "{guesses:?}"
    );
    // No wrong token was looked up a second time.
    assert_eq!(reads() - before, 45);
    // Different wrong tokens are looked up, too, and keep no token out that is not known yet.
    let dan = server.member("dan").await;
    let (different, unseen) = tokio::join!(
        join_all((1_000..1_200).map(&guess)),
        list(&server, &dan.token)
    );
    assert_eq!(unseen.status, 200);
    assert!(
        different.iter().all(|status| *status == 429),
        "{different:?}"
    );
    assert_eq!(list(&server, &eve.token).await.status, 200);
    // A browser with an old session can still sign in.
    let page = browser.get("/auth/login").await;
    assert_eq!(page.status, 303);
    browser.plant("__Host-waypost_session", &format!("wps_{}", "0".repeat(43)));
    assert_eq!(browser.get("/auth/login").await.status, 200);
    assert_eq!(browser.get("/dashboard").await.status, 303);
}

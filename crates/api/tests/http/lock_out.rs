//! Wrong passwords: how many are possible, and who still gets in.

use reqwest::{Method, StatusCode};
use serde_json::json;
use time::Duration;

use crate::browser::{Browser, PASSWORD, add, cookies, hidden, signed_in, status};
use crate::setup::{Answer, TestServer, send};

const ADA: &str = "ada@example.com";
const KNOWN: &str = "__Host-waypost_known";

/// Signs in from an IP address.
async fn sign_in_from(browser: &Browser<'_>, address: &str, password: &str) -> Answer {
    let csrf = hidden(&browser.get("/auth/login").await.body, "csrf");
    let fields = [("csrf", &*csrf), ("email", ADA), ("password", password)];
    let form = browser.form("/auth/login", &fields);
    browser.send(form.header("X-Forwarded-For", address)).await
}

/// Sends wrong passwords from an IP address, and returns how many were checked.
async fn guess(server: &TestServer, address: &str, attempts: usize) -> usize {
    let mut checked = 0;
    for _ in 0..attempts {
        let answer = sign_in_from(&Browser::of(server), address, "wrong horse").await;
        match answer.status {
            StatusCode::UNPROCESSABLE_ENTITY => checked += 1,
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
                break;
            }
            _ => panic!("{answer:?}"),
        }
    }
    checked
}

#[tokio::test]
async fn ten_wrong_passwords_keep_out_strangers_at_the_same_address_only() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let known = signed_in(&server).await;
    known.fill("/auth/logout", &[]).await;
    assert_eq!(guess(&server, "203.0.113.1", 12).await, 10);
    let stranger = Browser::of(&server);
    let refused = sign_in_from(&stranger, "203.0.113.1", PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "60");
    // Another address, and a browser with which the user has signed in before.
    let elsewhere = sign_in_from(&stranger, "203.0.113.2", PASSWORD).await;
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER, "{elsewhere:?}");
    let back = sign_in_from(&known, "203.0.113.1", PASSWORD).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
    server.clock.advance(Duration::MINUTE);
    let later = sign_in_from(&Browser::of(&server), "203.0.113.1", PASSWORD).await;
    assert_eq!(later.status, StatusCode::SEE_OTHER, "{later:?}");
}

#[tokio::test]
async fn many_addresses_have_a_bounded_number_of_attempts_and_known_browsers_their_own() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let known = signed_in(&server).await;
    known.fill("/auth/logout", &[]).await;
    let mut checked = 0;
    for number in 0..50 {
        checked += guess(&server, &format!("203.0.113.{number}"), 3).await;
    }
    assert_eq!(checked, 120);
    let stranger = sign_in_from(&Browser::of(&server), "203.0.113.99", PASSWORD).await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    let other_user = add(&server, "eve").await;
    assert_eq!(other_user.email.as_str(), "eve@example.com");
    let eve = Browser::of(&server)
        .sign_in("eve@example.com", PASSWORD, "")
        .await;
    assert_eq!(eve.status, StatusCode::SEE_OTHER, "{eve:?}");
    for _ in 0..10 {
        let wrong = sign_in_from(&known, "203.0.113.99", "wrong horse").await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let used_up = sign_in_from(&known, "203.0.113.99", PASSWORD).await;
    assert_eq!(used_up.status, StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance(Duration::MINUTE);
    let back = sign_in_from(&known, "203.0.113.99", PASSWORD).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{back:?}");
}

#[tokio::test]
async fn a_browser_is_known_by_a_cookie_that_says_nothing_about_the_user() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    let browser = Browser::of(&server);
    let answer = browser.sign_in(ADA, PASSWORD, "").await;
    let first = browser.cookie("_known").unwrap();
    let expected =
        format!("{KNOWN}={first}; HttpOnly; Secure; Path=/; SameSite=Lax; Max-Age=7776000");
    assert!(cookies(&answer).contains(&&*expected), "{answer:?}");
    assert_eq!(first.len(), 144);
    let id = ada.id.to_string().replace('-', "");
    assert!(!first.contains(&id), "{first}");
    // It stays when the user signs out, and is another one after the next sign-in.
    browser.fill("/auth/logout", &[]).await;
    assert_eq!(browser.cookie("_known").unwrap(), first);
    browser.sign_in(ADA, PASSWORD, "").await;
    assert_ne!(browser.cookie("_known").unwrap(), first);
    let failed = Browser::of(&server);
    failed.sign_in(ADA, "wrong horse", "").await;
    assert_eq!(failed.cookie("_known"), None);
}

#[tokio::test]
async fn only_an_own_and_present_proof_makes_a_browser_known() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    add(&server, "eve").await;
    let old = signed_in(&server).await.cookie("_known").unwrap();
    let eve = Browser::of(&server);
    eve.sign_in("eve@example.com", PASSWORD, "").await;
    let of_eve = eve.cookie("_known").unwrap();
    let set = async |browser: &Browser<'_>| {
        let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
        let request = browser.request(Method::POST, "/api/v1/users/me/password");
        let request = request.header("Sec-Fetch-Site", "same-origin").json(&body);
        browser.send(request).await
    };
    let browser = signed_in(&server).await;
    assert_eq!(set(&browser).await.status, StatusCode::OK);
    let present = browser.cookie("_known").unwrap();
    assert_eq!(guess(&server, "203.0.113.1", 12).await, 10);
    let status_with = async |proof: &str| {
        let browser = Browser::of(&server);
        browser.plant(KNOWN, proof);
        sign_in_from(&browser, "203.0.113.1", PASSWORD).await.status
    };
    let forged = present.replace('0', "1");
    for proof in [&*old, &of_eve, &forged, "", "x", &"0".repeat(144)] {
        let status = status_with(proof).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{proof}");
    }
    assert_eq!(status_with(&present).await, StatusCode::SEE_OTHER);
    // A password that the operator sets ends it, too.
    let path = format!("/api/v1/admin/users/{}/password", ada.id);
    let body = json!({ "new_password": PASSWORD });
    let set = server
        .tell(crate::setup::OPERATOR, Method::POST, &path, &body)
        .await;
    assert_eq!(set.json(), json!({ "tokens_revoked": 0 }));
    assert_eq!(status_with(&present).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn changing_a_password_has_attempts_of_its_own() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let (own, other) = (signed_in(&server).await, signed_in(&server).await);
    let change = async |browser: &Browser<'_>, current: &str| {
        let body = json!({ "current_password": current, "new_password": "battery staple" });
        let request = browser.request(Method::POST, "/api/v1/users/me/password");
        send(request.header("Sec-Fetch-Site", "same-origin").json(&body)).await
    };
    for _ in 0..10 {
        change(&own, "guess").await.assert_error(403, "FORBIDDEN");
    }
    let refused = change(&own, PASSWORD).await;
    refused.assert_error(429, "TOO_MANY_REQUESTS");
    assert_eq!(refused.header("retry-after"), "60");
    // Neither another session nor signing in pays for it.
    let stranger = Browser::of(&server).sign_in(ADA, PASSWORD, "").await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    assert_eq!(change(&other, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(status(&own).await, 401);
}

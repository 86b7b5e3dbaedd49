//! Sessions: what they allow, and when they end.

use reqwest::{Method, StatusCode};
use serde_json::json;
use time::Duration;

use crate::browser::{Browser, ME, PASSWORD, add, cookies, hidden, signed_in, status};
use crate::setup::{OPERATOR, TestServer, send};

#[tokio::test]
async fn the_api_accepts_changes_with_a_session_only_from_own_pages() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let rename = || {
        let request = browser.request(Method::PATCH, ME);
        request.json(&json!({ "display_name": "Ada" }))
    };
    for request in [
        rename(),
        rename().header("Sec-Fetch-Site", "cross-site"),
        rename().header("Sec-Fetch-Site", "same-site"),
        rename().header("Sec-Fetch-Site", "none"),
        rename().header("Origin", "https://evil.example"),
        rename().header("X-CSRF-Token", "guess"),
    ] {
        send(request).await.assert_error(403, "CSRF");
    }
    let csrf = browser.cookie("_csrf").unwrap();
    for request in [
        rename().header("Sec-Fetch-Site", "same-origin"),
        rename().header("Origin", "https://go.example"),
        rename().header("Origin", server.url("")),
        rename().header("X-CSRF-Token", csrf),
    ] {
        assert_eq!(send(request).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_used() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let secret = browser.cookie("_session").unwrap();
    server.clock.advance(Duration::minutes(4));
    assert!(cookies(&browser.get(ME).await).is_empty());
    server.clock.advance(Duration::minutes(1));
    let renewed = browser.get(ME).await;
    let [cookie] = cookies(&renewed)[..] else {
        panic!("{renewed:?}")
    };
    assert!(cookie.contains(&secret) && cookie.ends_with("Max-Age=1209600"));
    assert!(cookies(&browser.get(ME).await).is_empty());
    for _ in 0..5 {
        server.clock.advance(Duration::days(13));
        assert_eq!(status(&browser).await, 200);
    }
    server.clock.advance(Duration::days(14));
    assert_eq!(status(&browser).await, 401);
}

#[tokio::test]
async fn signing_out_ends_one_session_and_everywhere_all() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let (first, second) = (signed_in(&server).await, signed_in(&server).await);
    let third = signed_in(&server).await;
    let secret = first.cookie("_session").unwrap();
    let page = first.get("/auth/logout").await;
    assert!(page.body.contains("ada@example.com"), "{page:?}");
    let answer = first.fill("/auth/logout", &[]).await;
    assert_eq!(answer.header("location"), "/auth/logout");
    assert_eq!(first.cookie("_session"), None);
    first.plant("__Host-waypost_session", &secret);
    assert_eq!(status(&first).await, 401);
    let page = first.get("/auth/logout").await;
    assert!(page.body.contains("You are signed out."), "{page:?}");
    assert_eq!(status(&second).await, 200);
    let everywhere = [("everywhere", "true")];
    second.fill("/auth/logout", &everywhere).await;
    assert_eq!(status(&second).await, 401);
    assert_eq!(status(&third).await, 401);
}

#[tokio::test]
async fn another_account_can_sign_in_for_a_page_after_signing_out() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    for (asked, expected) in [
        ("/pay", "/auth/login?redirect=%2Fpay"),
        ("//evil.example", "/auth/login"),
        ("https://evil.example/", "/auth/login"),
    ] {
        let browser = signed_in(&server).await;
        let encoded: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        let page = browser
            .get(&format!("/auth/logout?redirect={encoded}"))
            .await;
        let kept = hidden(&page.body, "redirect");
        let answer = browser.fill("/auth/logout", &[("redirect", &kept)]).await;
        let page = browser.get(answer.header("location")).await;
        let href = format!("href=\"{expected}\">Sign in");
        assert!(page.body.contains(&href), "{page:?}");
    }
}

#[tokio::test]
async fn signing_in_replaces_a_planted_session() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let mallory = signed_in(&server).await;
    let planted = mallory.cookie("_session").unwrap();
    let victim = Browser::of(&server);
    let csrf = hidden(&victim.get("/auth/login").await.body, "csrf");
    victim.plant("__Host-waypost_session", &planted);
    let fields = [
        ("csrf", csrf.as_str()),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    victim.send(victim.form("/auth/login", &fields)).await;
    assert_ne!(victim.cookie("_session").unwrap(), planted);
    assert_eq!(status(&victim).await, 200);
    assert_eq!(status(&mallory).await, 401);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_user() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let (first, second) = (signed_in(&server).await, signed_in(&server).await);
    let list = async |browser: &Browser<'_>| {
        let list = browser.get("/api/v1/sessions").await.json();
        list["sessions"].as_array().unwrap().clone()
    };
    let sessions = list(&second).await;
    let current: Vec<_> = sessions.iter().map(|it| it["current"] == true).collect();
    assert_eq!(current.len(), 2);
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    let other = sessions.iter().find(|it| it["current"] == false).unwrap();
    let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
    let end = |path: &str| {
        let request = second.request(Method::DELETE, path);
        request.header("Sec-Fetch-Site", "same-origin")
    };
    assert_eq!(send(end(&path)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(status(&first).await, 401);
    assert_eq!(list(&second).await.len(), 1);
    let stranger = server.member("eve").await;
    let of_ada = list(&second).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/sessions/{of_ada}");
    let of_stranger = server.session(stranger.id).await;
    let refused = server.ask(&of_stranger, Method::DELETE, &path).await;
    refused.assert_error(404, "NOT_FOUND");
    send(end("/api/v1/sessions")).await;
    assert_eq!(status(&second).await, 401);
}

#[tokio::test]
async fn a_new_password_or_being_disabled_ends_sessions() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    let (own, other) = (signed_in(&server).await, signed_in(&server).await);
    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": "battery staple" });
        let request = own.request(Method::POST, "/api/v1/users/me/password");
        let request = request.header("Sec-Fetch-Site", "same-origin").json(&body);
        own.send(request).await
    };
    change("wrong horse").await.assert_error(403, "FORBIDDEN");
    assert_eq!(status(&other).await, 200);
    let former = own.cookie("_session").unwrap();
    // The session would be extended now: its former cookie must not come back.
    server.clock.advance(Duration::minutes(10));
    let changed = change(PASSWORD).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.json(), json!({ "tokens_revoked": 0 }));
    assert_ne!(own.cookie("_session").unwrap(), former);
    assert_eq!(status(&own).await, 200);
    assert_eq!(status(&other).await, 401);
    let thief = Browser::of(&server);
    thief.plant("__Host-waypost_session", &former);
    assert_eq!(status(&thief).await, 401);
    let old = other.sign_in("ada@example.com", PASSWORD, "").await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = format!("/api/v1/admin/users/{}", ada.id);
    for disabled in [true, false] {
        let body = json!({ "disabled": disabled });
        let changed = server.tell(OPERATOR, Method::PATCH, &path, &body).await;
        assert_eq!(changed.status, StatusCode::OK);
        assert_eq!(status(&own).await, 401);
    }
}

#[tokio::test]
async fn a_new_password_revokes_tokens_if_asked_to() {
    let server = TestServer::closed().await;
    let ada = add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let token = server.token(ada.id, "read").await;
    server.token(ada.id, "write").await;
    for (revoke_tokens, revoked, status) in [(false, 0, 200), (true, 2, 401), (true, 0, 401)] {
        let body = json!({
            "current_password": PASSWORD, "new_password": PASSWORD, "revoke_tokens": revoke_tokens,
        });
        let request = browser.request(Method::POST, "/api/v1/users/me/password");
        let request = request.header("Sec-Fetch-Site", "same-origin").json(&body);
        let changed = browser.send(request).await;
        assert_eq!(changed.json(), json!({ "tokens_revoked": revoked }));
        assert_eq!(server.read(&token, ME).await.status, status);
    }
}

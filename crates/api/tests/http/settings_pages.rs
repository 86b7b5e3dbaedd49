//! Settings pages: profile, password, sessions and API tokens.

use reqwest::StatusCode;
use waypost_core::{DisplayName, Email, Role};
use waypost_service::NewUser;

use crate::browser::{Browser, ME, PASSWORD, add, hidden, signed_in, status};
use crate::setup::{Answer, TestServer};

/// Sends a form of a page to its action.
pub(crate) async fn send_form(
    browser: &Browser<'_>,
    page: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let csrf = hidden(&browser.get(page).await.body, "csrf");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    let form = browser.form(action, &all);
    browser
        .send(form.header("Sec-Fetch-Site", "same-origin"))
        .await
}

/// Asserts that a form was rejected with an error at one of its fields.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, field: &str, message: &str) {
    let status = answer.status;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    let at = format!("<div id=\"{field}-about\"><p class=\"error\">{message}");
    assert!(answer.body.contains(&at), "{field}: {}", answer.body);
}

const HOSTILE: &str = "\"><script>alert(1)</script>";
const ESCAPED: &str = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";

#[tokio::test]
async fn a_changed_name_appears_in_the_menu() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let page = browser.get("/settings").await.body;
    assert!(page.contains("ada@example.com"), "{page}");
    assert!(!page.contains("name=\"email\""), "{page}");
    let saved = browser
        .fill("/settings", &[("display_name", HOSTILE)])
        .await;
    assert_eq!(saved.header("location"), "/settings", "{saved:?}");
    let page = browser.get("/settings").await.body;
    assert!(page.contains("Saved."), "{page}");
    let name = format!("<span class=\"name\">{ESCAPED}</span>");
    assert!(page.contains(&name), "{page}");
    assert!(page.contains(&format!("value=\"{ESCAPED}\"")), "{page}");
    let long = "x".repeat(101);
    let refused = browser.fill("/settings", &[("display_name", &long)]).await;
    assert_problem(
        &refused,
        "display_name",
        "A name must be one line of at most",
    );
    assert!(refused.body.contains(&long));
}

#[tokio::test]
async fn changing_a_password_requires_the_present_one_and_ends_other_sessions() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let (browser, other) = (signed_in(&server).await, signed_in(&server).await);
    let send = async |current: &str, new: &str, again: &str| {
        let fields = [
            ("current_password", current),
            ("new_password", new),
            ("again", again),
        ];
        send_form(&browser, "/settings", "/settings/password", &fields).await
    };
    let new = "battery staple";
    let wrong = send("not this one", new, new).await;
    assert_problem(&wrong, "current_password", "The current password is wrong");
    assert!(!wrong.body.contains(new), "{}", wrong.body);
    assert_problem(
        &send(PASSWORD, "short", "short").await,
        "new_password",
        "A password",
    );
    let again = send(PASSWORD, new, "battery stable").await;
    assert_problem(&again, "again", "The passwords do not match");
    let former = browser.cookie("_session").unwrap();
    let changed = send(PASSWORD, new, new).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{changed:?}");
    assert_ne!(browser.cookie("_session").unwrap(), former);
    let page = browser.get("/settings").await.body;
    assert!(page.contains("Password changed."), "{page}");
    let thief = Browser::of(&server);
    thief.plant("__Host-waypost_session", &former);
    assert_eq!(status(&thief).await, 401);
    assert_eq!((status(&browser).await, status(&other).await), (200, 401));
    let back = Browser::of(&server)
        .sign_in("ada@example.com", new, "")
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_user_without_a_password_is_told_so() {
    let server = TestServer::closed().await;
    let user = server.accounts.add_user(NewUser {
        email: Email::parse("ada@example.com").unwrap(),
        display_name: DisplayName::default(),
        role: Role::Member,
        password: None,
    });
    let opened = server.accounts.open_session(user.await.unwrap(), None);
    let browser = Browser::of(&server);
    let secret = opened.await.unwrap().secret;
    browser.plant("__Host-waypost_session", secret.reveal());
    let page = browser.get("/settings").await.body;
    assert!(page.contains("You have no password"), "{page}");
    assert!(!page.contains("name=\"new_password\""), "{page}");
}

#[tokio::test]
async fn sessions_are_listed_with_their_device_and_ended() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let other = async |agent: &str| {
        let other = Browser::of(&server);
        let csrf = hidden(&other.get("/auth/login").await.body, "csrf");
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", "ada@example.com"),
            ("password", PASSWORD),
            ("redirect", ""),
        ];
        let form = other.form("/auth/login", &fields);
        let form = form.header("User-Agent", agent);
        other
            .send(form.header("Sec-Fetch-Site", "same-origin"))
            .await;
        other
    };
    let (fox, hostile) = (other(firefox).await, other(HOSTILE).await);
    let page = browser.get("/settings/sessions").await.body;
    assert!(page.contains("Firefox on Linux"), "{page}");
    assert!(
        page.contains(ESCAPED) && !page.contains("<script>"),
        "{page}"
    );
    assert_eq!(page.matches("this session").count(), 1, "{page}");
    assert_eq!(page.matches("class=\"danger tiny\"").count(), 2, "{page}");
    // The newest session is listed first.
    let (_, rest) = page.split_once("action=\"/settings/sessions/").unwrap();
    let (_, rest) = rest.split_once("action=\"/settings/sessions/").unwrap();
    let (id, _) = rest.split_once('"').unwrap();
    let action = format!("/settings/sessions/{id}");
    let ended = send_form(&browser, "/settings/sessions", &action, &[]).await;
    assert_eq!(ended.header("location"), "/settings/sessions", "{ended:?}");
    let page = browser.get("/settings/sessions").await.body;
    assert!(page.contains("Session signed out."), "{page}");
    let states = [status(&fox).await, status(&hostile).await];
    assert_eq!(states.iter().filter(|state| **state == 401).count(), 1);
    let others = "/settings/sessions/others";
    send_form(&browser, "/settings/sessions", others, &[]).await;
    let states = [
        status(&browser).await,
        status(&fox).await,
        status(&hostile).await,
    ];
    assert_eq!(states, [200, 401, 401]);
    let page = browser.get("/settings/sessions").await.body;
    assert!(!page.contains("Sign out everywhere else"), "{page}");
}

#[tokio::test]
async fn a_user_cannot_end_the_session_of_another_user() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let grace = add(&server, "grace").await;
    let opened = server.accounts.open_session(grace, None).await.unwrap();
    let browser = signed_in(&server).await;
    let action = format!("/settings/sessions/{}", opened.session.id);
    let refused = send_form(&browser, "/settings/sessions", &action, &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{refused:?}");
    let known = server.accounts.authenticate_session(opened.secret.reveal());
    assert!(known.await.unwrap().is_some());
}

#[tokio::test]
async fn a_token_is_shown_once_and_revoked() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let page = browser.get("/settings/tokens").await.body;
    assert!(page.contains("No tokens yet"), "{page}");
    assert!(!page.contains("name=\"admin\""), "{page}");
    let fields = [
        ("name", HOSTILE),
        ("read", "on"),
        ("last_day", "2026-03-31"),
    ];
    let made = browser.fill("/settings/tokens", &fields).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let (_, rest) = made.body.split_once("<code id=\"secret\">").unwrap();
    let (secret, _) = rest.split_once('<').unwrap();
    assert!(made.body.contains("shown only once"), "{}", made.body);
    assert!(made.body.contains(&format!("data-copy=\"{secret}\"")));
    assert_eq!(server.read(secret, ME).await.status, StatusCode::OK);
    let page = browser.get("/settings/tokens").await.body;
    assert!(!page.contains(secret), "{page}");
    assert!(
        page.contains(ESCAPED) && !page.contains("<script>"),
        "{page}"
    );
    assert!(page.contains("1 Apr 2026, 00:00 UTC"), "{page}");
    let (_, rest) = page.split_once("action=\"/settings/tokens/").unwrap();
    let (id, _) = rest.split_once('"').unwrap();
    let action = format!("/settings/tokens/{id}");
    send_form(&browser, "/settings/tokens", &action, &[]).await;
    assert_eq!(
        server.read(secret, ME).await.status,
        StatusCode::UNAUTHORIZED
    );
    let page = browser.get("/settings/tokens").await.body;
    assert!(page.contains("Token revoked."), "{page}");
    assert!(
        page.contains("<span class=\"chip bad\">revoked</span>"),
        "{page}"
    );
}

#[tokio::test]
async fn an_invalid_token_form_has_errors_at_its_fields() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let send = async |fields: &[(&str, &str)]| browser.fill("/settings/tokens", fields).await;
    let unnamed = send(&[("name", " "), ("read", "on")]).await;
    assert_problem(&unnamed, "name", "The name of a token must be one line");
    let past = [("name", "a"), ("read", "on"), ("last_day", "2026-02-28")];
    assert_problem(
        &send(&past).await,
        "last_day",
        "The last valid day must not be in the past",
    );
    let none = [("name", "a"), ("read", "on"), ("last_day", "tomorrow")];
    assert_problem(
        &send(&none).await,
        "last_day",
        "The last valid day must be a date such as",
    );
    let nothing = send(&[("name", "typed")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        nothing.body.contains("Select at least one scope."),
        "{nothing:?}"
    );
    assert!(nothing.body.contains("value=\"typed\""), "{nothing:?}");
    // A member cannot create a token with rights that they do not have.
    let admin = send(&[("name", "a"), ("read", "on"), ("admin", "on")]).await;
    assert_eq!(admin.status, StatusCode::FORBIDDEN, "{admin:?}");
}

//! Signing in with a browser.

use reqwest::{Method, StatusCode};
use serde_json::json;
use time::Duration;
use waypost_core::{Clock as _, LinkDetails, Visibility};
use waypost_store::{LinkStore as _, UserChange, UserStore as _};
use waypost_store_testkit::samples::Samples;

use crate::browser::{Browser, ME, PASSWORD, add, cookies, hidden, signed_in, status};
use crate::pages::POLICY;
use crate::setup::{TestServer, send, settings};

#[tokio::test]
async fn a_signed_in_user_is_identified_by_a_cookie() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = Browser::of(&server);
    assert_eq!(status(&browser).await, 401);
    let answer = browser
        .sign_in("Ada@Example.com", PASSWORD, "/wiki?a=1")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/wiki?a=1");
    let secret = browser.cookie("_session").unwrap();
    let expected = format!(
        "__Host-waypost_session={secret}; HttpOnly; Secure; Path=/; SameSite=Lax; Max-Age=1209600"
    );
    assert_eq!(cookies(&answer)[0], expected);
    let me = browser.get(ME).await.json();
    assert_eq!(me["email"], "ada@example.com");
    // A signed-in user is redirected at once.
    let again = browser.get("/auth/login?redirect=/wiki").await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(again.header("location"), "/wiki");
}

#[tokio::test]
async fn without_tls_the_cookie_has_no_host_prefix() {
    let mut settings = settings();
    settings.base_url = "http://localhost:8080/go".parse().unwrap();
    let server = TestServer::with(&settings).await;
    add(&server, "ada").await;
    let browser = Browser::of(&server);
    let answer = browser.sign_in("ada@example.com", PASSWORD, "/wiki").await;
    assert_eq!(answer.header("location"), "/go/wiki");
    let [cookie, known] = cookies(&answer)[..] else {
        panic!("{answer:?}")
    };
    assert!(cookie.starts_with("waypost_session=wps_"), "{cookie}");
    let attributes = "; HttpOnly; Path=/go; SameSite=Lax; Max-Age=1209600";
    assert!(cookie.ends_with(attributes), "{cookie}");
    assert!(known.starts_with("waypost_known="), "{known}");
    let attributes = "; HttpOnly; Path=/go; SameSite=Lax; Max-Age=7776000";
    assert!(known.ends_with(attributes), "{known}");
    let page = browser.get("/auth/logout").await.body;
    assert!(page.contains("action=\"/go/auth/logout\""), "{page}");
    assert!(page.contains("href=\"/go/static/app.css?v="), "{page}");
}

#[tokio::test]
async fn no_response_reveals_whether_an_account_exists() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let disabled = add(&server, "eve").await;
    server.member("bob").await;
    let change = UserChange {
        disabled_at: Some(Some(server.clock.now())),
        ..UserChange::default()
    };
    let store = server.store.memory();
    store.change_user(disabled.id, &change).await.unwrap();
    let mut seen = Vec::new();
    for (name, password) in [
        ("ada", "wrong horse"),
        ("bob", PASSWORD),
        ("eve", PASSWORD),
        ("nobody", PASSWORD),
        ("nobody", ""),
    ] {
        let browser = Browser::of(&server);
        let email = format!("{name}@example.com");
        let answer = browser.sign_in(&email, password, "/wiki").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
        assert_eq!(hidden(&answer.body, "redirect"), "/wiki");
        assert_eq!(browser.cookie("_session"), None);
        let csrf = hidden(&answer.body, "csrf");
        let body = answer.body.replace(&email, "").replace(&csrf, "");
        let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push((names, body));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn failed_attempts_are_throttled_and_successful_ones_are_not() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = Browser::of(&server);
    for _ in 0..12 {
        let answer = browser.sign_in("ada@example.com", PASSWORD, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser.fill("/auth/logout", &[]).await;
    }
    let browser = Browser::of(&server);
    for name in ["ada", "nobody"] {
        let email = format!("{name}@example.com");
        for _ in 0..10 {
            let answer = browser.sign_in(&email, "wrong horse", "").await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let answer = browser.sign_in(&email, PASSWORD, "").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.header("retry-after"), "60");
        assert!(answer.body.contains("TOO_MANY_REQUESTS"), "{answer:?}");
    }
    server.clock.advance(Duration::seconds(60));
    let answer = browser.sign_in("ada@example.com", PASSWORD, "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_in_redirects_to_paths_of_this_server_only() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    for (redirect, location) in [
        ("/wiki", "/wiki"),
        ("", "/dashboard"),
        ("//evil.example", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("https://evil.example/", "/dashboard"),
        ("/\t/evil.example", "/dashboard"),
        ("/.//evil.example", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
    ] {
        let browser = Browser::of(&server);
        let answer = browser.sign_in("ada@example.com", PASSWORD, redirect).await;
        assert_eq!(answer.header("location"), location, "{redirect:?}");
    }
    // The page escapes it.
    let page = server.get("/auth/login?redirect=%22%3E%3Cscript%3E").await;
    assert!(!page.body.contains("<script"), "{page:?}");
}

#[tokio::test]
async fn a_secure_link_redirects_a_browser_to_sign_in_and_to_its_destination() {
    let server = TestServer::closed().await;
    let (ada, _) = (add(&server, "ada").await, add(&server, "eve").await);
    let mut link = Samples::new(1).link("plan");
    link.details = LinkDetails {
        visibility: Visibility::Secure,
        ..LinkDetails::default()
    };
    let store = server.store.memory();
    store.insert_link(&link, Some(ada.id)).await.unwrap();

    server.get("/plan").await.assert_error(401, "UNAUTHORIZED");
    let browser = Browser::of(&server);
    let sent = browser.get("/plan?x=1&y=/").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let login = "/auth/login?redirect=%2Fplan%3Fx%3D1%26y%3D%2F";
    assert_eq!(sent.header("location"), login);
    assert_eq!(sent.header("cache-control"), "no-store");
    let page = browser.get(login).await;
    let redirect = hidden(&page.body, "redirect").replace("&#38;", "&");
    let answer = browser
        .sign_in("ada@example.com", PASSWORD, &redirect)
        .await;
    assert_eq!(answer.header("location"), "/plan?x=1&y=/");
    let followed = browser.get("/plan").await;
    assert_eq!(followed.status, StatusCode::FOUND);
    assert_eq!(followed.header("location"), link.target.as_str());
    let found = "waypost_redirects_total{status=\"found\"}";
    assert_eq!(server.metric(found).await.to_string(), "1");

    // Following a link counts as use of the session.
    assert!(cookies(&followed).is_empty());
    server.clock.advance(Duration::minutes(5));
    assert_eq!(cookies(&browser.get("/plan").await).len(), 1);
    assert!(cookies(&browser.get("/plan").await).is_empty());

    // A user who may not follow it gets an error and no redirect loop.
    let stranger = Browser::of(&server);
    stranger.sign_in("eve@example.com", PASSWORD, "/plan").await;
    assert_eq!(stranger.get("/plan").await.status, StatusCode::FORBIDDEN);
    // An invalid token does not cause a redirect to sign in.
    let request = Browser::of(&server).request(Method::GET, "/plan");
    let refused = send(request.bearer_auth("wp_guess")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let page = browser.get("/auth/logout").await;
    let csrf = hidden(&page.body, "csrf");
    let form = |csrf: &str| browser.form("/auth/logout", &[("csrf", csrf)]);
    for request in [
        form(""),
        form("other"),
        form(&csrf).header("Sec-Fetch-Site", "cross-site"),
        form(&csrf).header("Sec-Fetch-Site", "same-site"),
        form(&csrf).header("Origin", "https://evil.example"),
        form(&csrf).header("Origin", "null"),
        browser.form("/auth/logout", &[]),
    ] {
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
        assert!(answer.body.contains("CSRF"), "{answer:?}");
        assert_eq!(status(&browser).await, 200);
    }
    // The same for signing in: an attacker cannot sign a visitor in to another account.
    let anonymous = Browser::of(&server);
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = anonymous.send(anonymous.form("/auth/login", &fields)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(anonymous.cookie("_session"), None);
    let own = form(&csrf).header("Origin", "https://go.example");
    assert_eq!(browser.send(own).await.status, StatusCode::SEE_OTHER);
    assert_eq!(status(&browser).await, 401);
}

#[tokio::test]
async fn the_first_admin_is_created_with_the_printed_link_once() {
    let server = TestServer::closed().await;
    let secret = server.accounts.begin_set_up().await.unwrap().unwrap();
    let other = server.accounts.begin_set_up().await.unwrap().unwrap();
    let path = format!("/setup?token={}", secret.reveal());
    let browser = Browser::of(&server);
    let fields = |password| {
        [
            ("token", secret.reveal()),
            ("email", "ada@example.com"),
            ("name", "Ada"),
            ("password", password),
        ]
    };
    let short = browser.fill(&path, &fields("short")).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.body.contains("at least 10 characters"), "{short:?}");
    let done = browser.fill(&path, &fields(PASSWORD)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    let me = browser.get(ME).await.json();
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("ada@example.com"), &json!("admin"))
    );
    for token in [secret.reveal(), other.reveal(), "", "wpi_guess"] {
        let gone = browser.get(&format!("/setup?token={token}")).await;
        assert_eq!(gone.status, StatusCode::GONE);
        assert!(gone.body.contains("role=\"alert\""), "{gone:?}");
    }
    let csrf = browser.cookie("_csrf").unwrap();
    let mut again = fields(PASSWORD).to_vec();
    again.push(("csrf", &csrf));
    let again = browser.send(browser.form("/setup", &again)).await;
    assert_eq!(again.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_set_up_link_is_valid_for_an_hour() {
    let server = TestServer::closed().await;
    let secret = server.accounts.begin_set_up().await.unwrap().unwrap();
    let path = format!("/setup?token={}", secret.reveal());
    server.clock.advance(Duration::minutes(59));
    assert_eq!(server.get(&path).await.status, StatusCode::OK);
    server.clock.advance(Duration::minutes(1));
    assert_eq!(server.get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn pages_are_accessible_and_load_nothing_from_other_servers() {
    let server = TestServer::closed().await;
    let secret = server.accounts.begin_set_up().await.unwrap().unwrap();
    let setup = format!("/setup?token={}", secret.reveal());
    for path in ["/auth/login", "/auth/logout", &setup, "/setup"] {
        let page = server.get(path).await;
        assert_eq!(page.header("content-security-policy"), POLICY);
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let body = &page.body;
        assert!(
            body.starts_with("<!doctype html>\n<html lang=\"en\">"),
            "{body}"
        );
        assert!(!body.contains("//") && !body.contains("<script"), "{body}");
        let inputs = body.matches("<input id=\"").count();
        assert_eq!(body.matches("<label for=\"").count(), inputs, "{body}");
        assert_eq!(body.matches(" autocomplete=\"").count(), inputs, "{body}");
        assert_eq!(body.matches("<h1>").count(), 1, "{body}");
    }
    let not_a_form = server.request(Method::POST, "/auth/login").body("x");
    let refused = send(not_a_form).await;
    assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(refused.body.starts_with("<!doctype html>"), "{refused:?}");
}

//! What proxies, and other applications of the same host, add to the requests of people.

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;
use waypost_api::LimitSettings;

use crate::browser::{Browser, ME, PASSWORD, add, hidden, signed_in};
use crate::log::lines_with;
use crate::setup::{Answer, TestServer, send, settings};

const ADA: &str = "ada@example.com";
const SESSION: &str = "__Host-waypost_session";
const TARGET: &str = "https://example.com/plan";

/// Lines of the header `Cookie` that other applications cause; `{}` is the own cookie.
const OTHERS: [&[u8]; 8] = [
    "name=Jörg; {}".as_bytes(),
    b"name=J\xf6rg; {}; city=\xff",
    b"{};path=/x;flag;=;=empty",
    b"prefs={\"a\":\"b;c\",\"d=e\"}; {}",
    b"open=\"quote; {}",
    b";;a=b;{};;",
    b"__Host-waypost_session; {}",
    b"__Host-waypost_session=; waypost_session=x; {}",
];

fn line(other: &[u8], own: &str) -> HeaderValue {
    let at = other.windows(2).position(|two| two == b"{}").unwrap();
    let line = [&other[..at], own.as_bytes(), &other[at + 2..]].concat();
    HeaderValue::from_bytes(&line).unwrap()
}

/// A server with limits and Ada, her session, and her link `plan`, which is secure.
async fn server_of_ada() -> (TestServer, String) {
    let limits = LimitSettings {
        requests_per_minute: 10_000,
        links_per_hour: 0,
    };
    let server = TestServer::limited(false, limits).await;
    let user = add(&server, "ada").await;
    let token = server.token(user.id, "read,write").await;
    let fields = json!({ "url": TARGET, "code": "plan", "visibility": "secure" });
    server.made(&token, &fields).await;
    let session = signed_in(&server).await.cookie("_session").unwrap();
    (server, session)
}

#[tokio::test]
async fn a_session_is_found_whatever_cookies_other_applications_have_set() {
    let (server, session) = server_of_ada().await;
    let own = format!("{SESSION}={session}");
    for other in OTHERS {
        for path in [ME, "/dashboard", "/plan"] {
            let request = server.request(Method::GET, path);
            let answer = send(request.header(COOKIE, line(other, &own))).await;
            let expected = if path == "/plan" { 302 } else { 200 };
            assert_eq!(answer.status.as_u16(), expected, "{path} {other:?}");
        }
    }
    let quoted = format!("{SESSION}=\"{session}\"");
    for lines in [vec![&*quoted], vec!["a=\u{e4}", &own], vec![&own, "b=c"]] {
        let mut request = server.request(Method::GET, ME);
        for line in &lines {
            request = request.header(COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        assert_eq!(send(request).await.status, 200, "{lines:?}");
    }
}

#[tokio::test]
async fn people_sign_in_whatever_cookies_other_applications_have_set() {
    let (server, _) = server_of_ada().await;
    for other in OTHERS {
        let foreign = line(other, "own=x");
        let page = server.request(Method::GET, "/auth/login");
        let page = send(page.header(COOKIE, foreign)).await;
        let token = hidden(&page.body, "csrf");
        let set = page.header("set-cookie");
        let (csrf, _) = set.split_once(';').unwrap();
        let body = format!("csrf={token}&email={ADA}&password=correct+horse&redirect=");
        let form = server.request(Method::POST, "/auth/login").body(body);
        let form = form.header("Content-Type", "application/x-www-form-urlencoded");
        let form = form.header("Origin", "https://go.example");
        let answer = send(form.header(COOKIE, line(other, csrf))).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{other:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn the_valid_one_of_several_sessions_counts_and_the_others_cost_nothing() {
    let (server, session) = server_of_ada().await;
    let ended = format!("wps_{}", "0".repeat(43));
    let with = async |cookies: &[&str]| {
        let pairs = cookies.iter().map(|value| format!("{SESSION}={value}"));
        let pairs = pairs.collect::<Vec<_>>().join("; ");
        let request = server.request(Method::GET, ME).header(COOKIE, pairs);
        send(request).await.status.as_u16()
    };
    for _ in 0..70 {
        assert_eq!(with(&[&ended, &session]).await, 200);
        assert_eq!(with(&["of-another-application"]).await, 401);
    }
    assert_eq!(with(&["legacy", &ended, &ended, &session]).await, 200);
    assert_eq!(with(&[&session, &ended]).await, 200);
    for _ in 0..60 {
        assert_eq!(with(&[&ended, &ended]).await, 401, "one is charged");
    }
    assert_eq!(with(&[&ended]).await, 429);
    assert_eq!(with(&[&ended, &session]).await, 200);
}

#[tokio::test]
async fn signing_out_ends_each_session_that_the_browser_sends() {
    let (server, session) = server_of_ada().await;
    let browser = signed_in(&server).await;
    let page = browser.get("/auth/logout").await;
    let fields = [("csrf", hidden(&page.body, "csrf"))];
    let fields: Vec<_> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let form = browser.form("/auth/logout", &fields);
    let form = form.header(COOKIE, format!("{SESSION}={session}"));
    let answer = browser.send(form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let request = server.request(Method::GET, ME);
    let answer = send(request.header(COOKIE, format!("{SESSION}={session}"))).await;
    assert_eq!(answer.status, 401);
}

/// Headers that proxies add, which are no API token.
const SCHEMES: [&[u8]; 8] = [
    b"Basic YWRhOmh1bnRlcjI=",
    b"Basic",
    b"Digest username=\"ada\", nonce=\"Bearer\"",
    b"Negotiate TlRMTVNTUAABAAAA",
    b"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
    b"",
    b"garbage",
    b"\xff\xfe",
];

fn with_scheme(request: RequestBuilder, scheme: &[u8]) -> RequestBuilder {
    request.header(AUTHORIZATION, HeaderValue::from_bytes(scheme).unwrap())
}

#[tokio::test]
async fn credentials_of_a_proxy_do_not_hide_the_session() {
    let (server, session) = server_of_ada().await;
    let links = server.read(&session, "/api/v1/links").await.json();
    let id = links["links"][0]["id"].as_str().unwrap();
    let csv = format!("/api/v1/links/{id}/clicks.csv");
    for _ in 0..10 {
        for scheme in SCHEMES {
            for (path, expected) in [(ME, 200), ("/plan", 302), (&*csv, 200), ("/plan+", 200)] {
                let request = server.by(&session, Method::GET, path);
                let answer = send(with_scheme(request, scheme)).await;
                let shown = String::from_utf8_lossy(scheme);
                assert_eq!(answer.status.as_u16(), expected, "{path} {shown}");
            }
        }
    }
    let change = server.by(&session, Method::POST, "/api/v1/links");
    let change = with_scheme(change.json(&json!({ "url": TARGET })), SCHEMES[0]);
    assert_eq!(send(change).await.status, StatusCode::CREATED);
    let foreign = server.request(Method::POST, "/api/v1/links");
    let foreign = foreign.header(COOKIE, format!("{SESSION}={session}"));
    let foreign = with_scheme(foreign.json(&json!({ "url": TARGET })), SCHEMES[0]);
    send(foreign).await.assert_error(403, "CSRF");
}

#[tokio::test]
async fn credentials_of_a_proxy_are_none_for_who_is_not_signed_in() {
    let (server, _) = server_of_ada().await;
    let page = "text/html,application/xhtml+xml";
    for _ in 0..10 {
        for scheme in SCHEMES {
            let get = |path: &str| with_scheme(server.request(Method::GET, path), scheme);
            let answer = send(get("/api/v1/links")).await;
            answer.assert_error(401, "UNAUTHORIZED");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            send(get("/plan")).await.assert_error(401, "UNAUTHORIZED");
            let answer = send(get("/plan").header("Accept", page)).await;
            assert_eq!(answer.header("location"), "/auth/login?redirect=%2Fplan");
            assert_eq!(send(get("/health")).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_scheme_bearer_is_an_api_token_that_is_right_or_wrong() {
    let (server, session) = server_of_ada().await;
    let grace = server.member("grace").await;
    let token = |scheme: &str| format!("{scheme} {}", grace.token);
    let ask = async |lines: &[&str]| {
        let mut request = server.by(&session, Method::GET, ME);
        for line in lines {
            request = request.header(AUTHORIZATION, *line);
        }
        send(request).await
    };
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let lines: [&[&str]; 3] = [
            &[&token(scheme)],
            &["Basic YWRh", &token(scheme)],
            &[&token(scheme), "Basic YWRh"],
        ];
        for lines in lines {
            let answer = ask(lines).await;
            assert_eq!(answer.json()["email"], "grace@example.com", "{lines:?}");
        }
    }
    let wrong: [&[&str]; 5] = [
        &["Bearer"],
        &["Bearer "],
        &["bearer garbage"],
        &["Bearer a b"],
        &[&token("Bearer"), "Bearer other"],
    ];
    for lines in wrong {
        let answer = ask(lines).await;
        answer.assert_error(401, "UNAUTHORIZED");
        let challenge = "Bearer error=\"invalid_token\"";
        assert_eq!(answer.header("www-authenticate"), challenge, "{lines:?}");
    }
}

/// Sends the form of signing in with these headers, to a server with another base URL.
async fn sign_in_at(server: &TestServer, headers: &[(&'static str, &str)]) -> Answer {
    let browser = Browser::of(server);
    let page = browser.get("/auth/login").await;
    let csrf = hidden(&page.body, "csrf");
    let fields = [("csrf", &*csrf), ("email", ADA), ("password", PASSWORD)];
    let mut form = browser.form("/auth/login", &fields);
    for (name, value) in headers {
        form = form.header(*name, *value);
    }
    browser.send(form).await
}

async fn server_at(base_url: &str) -> TestServer {
    let mut settings = settings();
    settings.base_url = base_url.parse().unwrap();
    let server = TestServer::with(&settings).await;
    add(&server, "ada").await;
    server
}

#[tokio::test]
async fn a_wrong_base_url_is_named_on_the_page_and_in_the_log() {
    let server = server_at("http://localhost:8080").await;
    let wrong = [
        ("Host", "waypost:8080"),
        ("Origin", "https://wrong-base.corp.example"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let note = || lines_with("origin=\"https://wrong-base.corp.example\"");
    for _ in 0..3 {
        let answer = sign_in_at(&server, &wrong).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        for part in [
            "https://wrong-base.corp.example",
            "http://localhost:8080",
            "WAYPOST_BASE_URL",
            "header Host",
            "Form not accepted",
        ] {
            assert!(answer.body.contains(part), "{part} in {}", answer.body);
        }
    }
    let [line] = &note()[..] else {
        panic!("{:?}", note())
    };
    for part in [
        "WARN",
        "host=\"waypost:8080\"",
        "base_url=http://localhost:8080",
        "WAYPOST_BASE_URL",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("horse"), "{line}");
    server.clock.advance(time::Duration::MINUTE);
    sign_in_at(&server, &wrong).await;
    assert_eq!(note().len(), 2, "at most one a minute");
    // What the browser itself calls another site is an attack, not a wrong setting.
    let attack = [
        ("Origin", "https://attack.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let answer = sign_in_at(&server, &attack).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!answer.body.contains("WAYPOST_BASE_URL"), "{answer:?}");
    assert!(lines_with("attack.example").is_empty());
}

#[tokio::test]
async fn a_page_that_was_opened_without_tls_is_told_apart_from_an_old_one() {
    let server = server_at("https://go.example").await;
    // A browser does not keep the cookie, which is `Secure`.
    let send_from = async |origin: &str| {
        let form = server.request(Method::POST, "/auth/login");
        let form = form.header("Origin", origin).header("Accept", "text/html");
        let form = form.header("Host", "no-tls.example:8080");
        let form = form.header("Content-Type", "application/x-www-form-urlencoded");
        send(form.body("csrf=x&email=a&password=b")).await
    };
    let plain = send_from("http://no-tls.example:8080").await;
    assert_eq!(plain.status, StatusCode::FORBIDDEN);
    for part in [
        "http://no-tls.example:8080",
        "https://go.example",
        "WAYPOST_BASE_URL",
    ] {
        assert!(plain.body.contains(part), "{part} in {}", plain.body);
    }
    let lines = lines_with("origin=\"http://no-tls.example:8080\"");
    assert!(
        lines.len() == 1 && lines[0].contains("opened with http"),
        "{lines:?}"
    );
    let old = send_from("https://go.example").await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    assert!(old.body.contains("The form has expired"), "{}", old.body);
}

#[tokio::test]
async fn forms_are_accepted_from_each_origin_of_this_server() {
    let server = server_at("http://go.example").await;
    for headers in [
        vec![("Origin", "http://go.example")],
        vec![("Origin", "https://go.example"), ("Host", "go.example")],
        vec![
            ("Origin", "https://go.example"),
            ("Host", "Go.Example.:443"),
        ],
        vec![("Origin", "http://[::1]:8080"), ("Host", "[::1]:8080")],
        vec![
            ("Origin", "https://go.corp.example"),
            ("Host", "waypost:8080"),
            ("X-Forwarded-Host", "go.corp.example, inner.example"),
        ],
        vec![("Origin", "null"), ("Sec-Fetch-Site", "same-origin")],
        vec![("Referer", "https://go.example/auth/login")],
        vec![],
    ] {
        let answer = sign_in_at(&server, &headers).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
    for headers in [
        vec![("Origin", "https://go.example"), ("Host", "waypost:8080")],
        vec![("Origin", "http://go.example:8080")],
        vec![("Origin", "null")],
        vec![("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
        vec![
            ("Origin", "http://go.example"),
            ("Sec-Fetch-Site", "same-site"),
        ],
        vec![
            ("Origin", "https://evil.example"),
            ("X-Forwarded-Host", "go.example"),
        ],
    ] {
        let answer = sign_in_at(&server, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
    }
}

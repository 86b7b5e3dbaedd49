//! Signing in with an OpenID provider or a browser that fails, lies or is imitated.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use waypost_e2e::browser::{Browser, Page};
use waypost_e2e::provider::{CLIENT_SECRET, ProviderRig, assert_refused};
use waypost_test_harness::{TestDatabase, wait_until};

const SOON: Duration = waypost_test_harness::PATIENCE;

/// Starts the rig and its database, which is removed when it is dropped.
async fn start() -> (ProviderRig, TestDatabase) {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.account(ada).await;
    (rig, database)
}

fn is_ada(page: &Page) -> bool {
    page.status == StatusCode::OK && page.json()["email"] == "ada@example.com"
}

fn failed(page: &Page) {
    assert_refused(page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
}

/// The beginning of the names of cookies of pending sign-ins.
const PENDING: &str = "waypost_oidc_";

/// Returns the name and value of the cookie of the newest pending sign-in of a browser.
fn pending_of(browser: &Browser) -> (String, String) {
    let pending = browser.cookies(PENDING);
    let newest = pending.into_iter().max_by_key(|cookie| cookie.1.clone());
    newest.expect("a cookie")
}

/// Returns the parameters of the URL to which the provider redirects the browser.
fn parameter(callback: &str, name: &str) -> String {
    let url: reqwest::Url = callback.parse().expect("a URL");
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(given, _)| given == name);
    found.expect("a parameter").1.into_owned()
}

/// A name, the change to an ID token, and the message in the log.
type Lie = (&'static str, Value, &'static str);

fn wrong_claims(issuer: &str) -> Vec<Lie> {
    vec![
        (
            "another audience",
            json!({ "claims": { "aud": "other" } }),
            "the claim `aud` is not that of this sign-in",
        ),
        (
            "no audience",
            json!({ "claims": { "aud": null } }),
            "the claim `aud` is missing",
        ),
        (
            "a further audience",
            json!({ "claims": { "aud": ["waypost", "other"] } }),
            "issued to another party",
        ),
        (
            "another party",
            json!({ "claims": { "aud": ["waypost", "other"], "azp": "other" } }),
            "issued to another party",
        ),
        (
            "another party alone",
            json!({ "claims": { "azp": "other" } }),
            "issued to another party",
        ),
        (
            "another issuer",
            json!({ "claims": { "iss": "http://127.0.0.1:1" } }),
            "the claim `iss` is not the issuer",
        ),
        (
            "an issuer with a slash",
            json!({ "claims": { "iss": format!("{}/", issuer) } }),
            "the claim `iss` is not the issuer",
        ),
        (
            "no issuer",
            json!({ "claims": { "iss": null } }),
            "the claim `iss` is missing",
        ),
        (
            "another nonce",
            json!({ "claims": { "nonce": "x" } }),
            "the claim `nonce` is not that of this sign-in",
        ),
        (
            "no nonce",
            json!({ "claims": { "nonce": null } }),
            "the claim `nonce` is missing",
        ),
        (
            "expired",
            json!({ "claims": { "exp": 1_700_000_000 } }),
            "the ID token has expired",
        ),
        (
            "no expiry",
            json!({ "claims": { "exp": null } }),
            "the claim `exp` is missing",
        ),
        (
            "issued long ago",
            json!({ "claims": { "iat": 1_700_000_000 } }),
            "issued 9",
        ),
        (
            "issued in the future",
            json!({ "claims": { "iat": 4_000_000_000_u64, "exp": 4_000_000_000_u64 + 1 } }),
            "issued -",
        ),
        (
            "no time of issue",
            json!({ "claims": { "iat": null } }),
            "the claim `iat` is missing",
        ),
        (
            "another access token",
            json!({ "claims": { "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" } }),
            "does not match the ID token",
        ),
        (
            "no subject",
            json!({ "claims": { "sub": null } }),
            "the claim `sub` is missing",
        ),
        (
            "an empty subject",
            json!({ "claims": { "sub": "" } }),
            "the claim `sub` is missing",
        ),
        (
            "a long subject",
            json!({ "claims": { "sub": "x".repeat(256) } }),
            "the subject is invalid",
        ),
    ]
}

fn wrong_forms() -> Vec<Lie> {
    vec![
        (
            "a subject that is a number",
            json!({ "claims": { "sub": 1 } }),
            "the claim `sub` is not a text",
        ),
        (
            "two subjects",
            json!({ "append": "\"sub\":\"1\"" }),
            "the claim `sub` is there more than once",
        ),
        (
            "an expiry that is a text",
            json!({ "claims": { "exp": "4000000000" } }),
            "the claim `exp` is not a time in seconds",
        ),
        (
            "an audience that is an object",
            json!({ "claims": { "aud": { "waypost": true } } }),
            "the claim `aud` is not a text or a list of texts",
        ),
    ]
}

fn wrong_proofs() -> Vec<Lie> {
    vec![
        (
            "a broken signature",
            json!({ "signature": "broken" }),
            "bad signature",
        ),
        (
            "a foreign key",
            json!({ "signature": "foreign" }),
            "bad signature",
        ),
        (
            "a foreign key of another name",
            json!({ "signature": "foreign", "header": { "kid": "other" } }),
            "no matching key found",
        ),
        (
            "no signature",
            json!({ "signature": "none" }),
            "no signature found",
        ),
        (
            "the client's secret",
            json!({ "signature": "hs256" }),
            "signature algorithm is not accepted",
        ),
        (
            "another algorithm",
            json!({ "header": { "alg": "PS256" } }),
            "no matching key found",
        ),
        (
            "another kind of token",
            json!({ "header": { "typ": "at+jwt" } }),
            "another type of token",
        ),
    ]
}

#[tokio::test]
async fn an_id_token_that_is_not_right_signs_nobody_in() {
    let (rig, _database) = start().await;
    let lies = wrong_claims(rig.provider.issuer());
    let lies = lies.into_iter().chain(wrong_forms()).chain(wrong_proofs());
    for (name, tamper, reason) in lies {
        let logged = rig.server.output().len();
        rig.control(json!({ "tamper": tamper })).await;
        let mut browser = rig.browser();
        let page = browser.go(&rig.begin()).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}: {page:?}");
        failed(&page);
        assert!(browser.cookie("waypost_session").is_none(), "{name}");
        assert!(browser.cookies(PENDING).is_empty(), "{name}");
        // The log names this reason and no other.
        wait_until(name, SOON, async || {
            let output = rig.server.output();
            output[logged..].contains(reason)
        })
        .await;
    }
    // After all of them a valid token is still accepted.
    let more = json!({ "claims": { "aud": ["waypost", "other"], "azp": "waypost" } });
    rig.control(json!({ "tamper": more })).await;
    assert!(is_ada(&rig.sign_in().await));
    let output = rig.server.output();
    assert!(!output.contains(CLIENT_SECRET) && !output.contains("eyJ"));
}

#[tokio::test]
async fn what_is_said_of_another_subject_signs_nobody_in() {
    let (rig, _database) = start().await;
    for answer in [
        json!({ "sub": "2" }),
        json!({ "sub": 1 }),
        json!({ "sub": null }),
    ] {
        rig.control(json!({ "userinfo": answer })).await;
        failed(&rig.sign_in().await);
    }
    assert!(is_ada(&rig.sign_in().await));
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked_and_is_used_once() {
    let (rig, _database) = start().await;
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    let code = parameter(&callback, "code");
    // Another browser: one without a pending sign-in, and one with a different one.
    failed(&rig.browser().open(&callback).await);
    let mut other = rig.browser();
    rig.to_callback(&mut other).await;
    failed(&other.open(&callback).await);
    // The right browser with another state, and without a state.
    let state = parameter(&callback, "state");
    for wrong in ["", "x", &state[1..], &format!("{state}x")] {
        let replaced = callback.replace(&state, wrong);
        failed(&browser.open(&replaced).await);
    }
    failed(&browser.open(&callback.replace("state=", "stat=")).await);
    // The pending sign-in is still valid.
    let pending = pending_of(&browser);
    let page = browser.open(&callback).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    // The same response again, without the cookie and with it: the provider is not asked.
    let asked = rig.requests("/token").await;
    failed(&browser.open(&callback).await);
    browser.set_cookie(&pending.0, &pending.1);
    failed(&browser.open(&callback).await);
    assert_eq!(rig.requests("/token").await, asked);
    let output = rig.server.output();
    for secret in [&code, &state, &pending.1, CLIENT_SECRET] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

#[tokio::test]
async fn an_answer_of_another_provider_is_not_taken() {
    let (rig, _database) = start().await;
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    let issuer = parameter(&callback, "iss");
    assert_eq!(issuer, rig.provider.issuer());
    let (before, _) = callback.split_once("&iss=").expect("the last one");
    let mixed_up = format!("{before}&iss=https%3A%2F%2Fevil.example");
    failed(&browser.open(&mixed_up).await);
    // The provider announces that it always sends its issuer.
    rig.control(json!({ "iss_parameter": false })).await;
    failed(&rig.sign_in().await);
    rig.control(json!({ "iss_parameter": true })).await;
    assert!(is_ada(&rig.sign_in().await));
}

#[tokio::test]
async fn whoever_declines_is_told_so_in_plain_text() {
    let (rig, _database) = start().await;
    rig.control(json!({ "deny": true })).await;
    let page = rig.sign_in().await;
    assert_refused(&page, StatusCode::FORBIDDEN, "OIDC_REFUSED");
    assert!(page.body.contains("access_denied"), "{page:?}");
    assert!(!page.body.contains("<b>"), "{page:?}");
    rig.control(json!({ "deny": false })).await;
    assert!(is_ada(&rig.sign_in().await));
}

#[tokio::test]
async fn keys_that_the_provider_has_exchanged_are_found() {
    let (rig, _database) = start().await;
    assert!(is_ada(&rig.sign_in().await));
    let asked = rig.requests("/jwks").await;
    rig.control(json!({ "rotate": true })).await;
    assert!(is_ada(&rig.sign_in().await));
    assert!(is_ada(&rig.sign_in().await));
    assert_eq!(rig.requests("/jwks").await, asked + 1);
    let discovery = "/.well-known/openid-configuration";
    assert_eq!(rig.requests(discovery).await, 1);
}

#[tokio::test]
async fn a_provider_that_is_away_is_waited_for() {
    let (mut rig, _database) = start().await;
    rig.provider.stop();
    // The server runs and reports it.
    let away = |page: &Page| {
        assert_refused(page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
        assert!(page.headers.contains_key("retry-after"), "{page:?}");
        assert!(page.body.contains("password"), "{page:?}");
    };
    away(&rig.sign_in().await);
    let login = rig.browser().open("/auth/login").await;
    assert_eq!(login.status, StatusCode::OK);
    rig.provider.restart();
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.account(ada.clone()).await;
    wait_until("a user signs in", SOON, async || {
        is_ada(&rig.sign_in().await)
    })
    .await;
    // The provider stops between the two steps, and returns with other keys and without the code.
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    rig.provider.stop();
    away(&browser.open(&callback).await);
    rig.provider.restart();
    rig.account(ada).await;
    failed(&browser.open(&callback).await);
    wait_until("a user signs in", SOON, async || {
        is_ada(&rig.sign_in().await)
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_out_of_order_is_no_fault_of_the_visitor() {
    let (rig, database) = start().await;
    let discovery = "/.well-known/openid-configuration";
    for (path, status) in [(discovery, 500), (discovery, 404), ("/jwks", 502)] {
        rig.control(json!({ "fail": { path: status } })).await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
    }
    rig.control(json!({ "fail": {} })).await;
    wait_until("a user signs in", SOON, async || {
        is_ada(&rig.sign_in().await)
    })
    .await;
    for path in ["/token", "/me"] {
        rig.control(json!({ "fail": { path: 503 } })).await;
        let page = rig.sign_in().await;
        assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
    }
    // The same page, reloaded: a sign-in that was answered once is over, on every server.
    rig.control(json!({ "fail": { "/token": 503 } })).await;
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    let pending = pending_of(&browser);
    let page = browser.open(&callback).await;
    assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
    assert!(browser.cookies(PENDING).is_empty());
    rig.control(json!({ "fail": {} })).await;
    let other = rig.another_node(&database);
    for server in [&rig.server, &other] {
        browser.set_cookie(&pending.0, &pending.1);
        let there = callback.replacen(&rig.server.url(""), &server.url(""), 1);
        failed(&browser.open(&there).await);
    }
    assert!(is_ada(&browser.go(&rig.begin()).await));
    let fails: Value = json!({ "fail": { "/token": 400, "/me": 403 } });
    rig.control(fails).await;
    failed(&rig.sign_in().await);
}

#[tokio::test]
async fn whatever_is_sent_to_the_callback_is_answered_and_not_logged() {
    let (mut rig, _database) = start().await;
    let mut browser = rig.browser();
    let mut secrets = Vec::new();
    let long = "x".repeat(5_000);
    let marker = "nobody-should-read-this";
    for query in [
        String::new(),
        "?".to_owned(),
        "?state=STATE".to_owned(),
        "?state=STATE&code=".to_owned(),
        format!("?state=STATE&code={marker}"),
        format!("?state=STATE&code={marker}&code={marker}"),
        format!("?state=STATE&state=STATE&code={marker}"),
        format!("?state=STATE&code={long}"),
        format!("?state=STATE&code=%00%ff%0d%0a{marker}"),
        format!("?state=STATE&code[]={marker}"),
        format!("?state=STATE&error=%3Cscript%3E{marker}"),
        format!("?state=STATE&error=x&error_description={long}"),
        "?state=STATE&error=&code=".to_owned(),
        format!("?code={marker}&id_token={marker}&access_token={marker}"),
        format!("?{long}"),
        "?%".to_owned(),
        "?state=%F0%28%8C%BC".to_owned(),
    ] {
        // Each answer uses up its sign-in.
        let callback = rig.to_callback(&mut browser).await;
        let state = parameter(&callback, "state");
        let query = query.replace("STATE", &state);
        secrets.push(state);
        secrets.extend(browser.cookies(PENDING).into_iter().map(|cookie| cookie.1));
        let url = rig.server.url(&format!("/auth/oidc/callback{query}"));
        let page = browser.open(&url).await;
        assert!(page.status.is_client_error(), "{query}: {page:?}");
        assert!(!page.body.contains("<script"), "{query}: {page:?}");
        assert!(browser.cookie("waypost_session").is_none(), "{query}");
    }
    let callback = rig.to_callback(&mut browser).await;
    let (name, pending) = pending_of(&browser);
    for cookie in [
        "",
        "x",
        "eyJ9",
        "1.2.3",
        &long,
        &pending[1..],
        "%00",
        "\"\"",
    ] {
        browser.set_cookie(&name, cookie);
        failed(&browser.open(&callback).await);
    }
    assert!(rig.server.is_running());
    let output = rig.server.output();
    assert!(!output.contains("panicked"), "{output}");
    let secrets = secrets.iter().map(String::as_str);
    for secret in secrets.chain([marker, CLIENT_SECRET, &pending]) {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}

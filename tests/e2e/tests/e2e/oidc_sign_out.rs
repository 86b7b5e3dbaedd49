//! Signing out here and at the OpenID provider.

use std::collections::BTreeMap;

use reqwest::{StatusCode, Url};
use serde_json::json;
use waypost_e2e::browser::{Browser, Page};
use waypost_e2e::member::{PASSWORD, add_with_password};
use waypost_e2e::provider::ProviderRig;
use waypost_test_harness::TestDatabase;

const KEPT: &str = "waypost_id_token";

async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> ProviderRig {
    let rig = ProviderRig::start(database, settings);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.account(ada).await;
    rig
}

async fn signed_in(rig: &ProviderRig) -> Browser {
    let mut browser = rig.browser();
    browser.go(&rig.begin()).await.json();
    browser
}

/// Signs out, and returns the response to the form.
async fn sign_out(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.open(path).await;
    let left = browser.fill(&page, fields).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "{left:?}");
    assert!(!browser.is_signed_in().await, "{left:?}");
    assert!(browser.cookie(KEPT).is_none() && browser.cookie("waypost_session").is_none());
    left
}

fn parameters(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn signing_out_leads_to_the_provider_and_back_to_the_link() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    let mut browser = signed_in(&rig).await;
    let kept = browser.cookie(KEPT).expect("an ID token");
    let left = sign_out(&mut browser, "/auth/logout?redirect=/wiki", &[]).await;
    let to = left.target().expect("a URL");
    assert_eq!(to.path(), "/session/end");
    let sent = parameters(&to);
    assert_eq!(sent["client_id"], "waypost");
    assert_eq!(
        sent["post_logout_redirect_uri"],
        rig.server.url("/auth/logout")
    );
    assert!(kept.ends_with(&sent["id_token_hint"]));
    let asks = browser.open(to.as_str()).await;
    let back = browser.fill(&asks, &[("logout", "yes")]).await.target();
    let page = browser.open(back.expect("a URL").as_str()).await;
    assert!(page.body.contains("You are signed out."), "{page:?}");
    assert!(
        page.body.contains("/auth/login?redirect=%2Fwiki"),
        "{page:?}"
    );
    // Shown once.
    let page = browser.open("/auth/logout").await;
    assert!(page.body.contains("You are not signed in."), "{page:?}");
    assert_eq!(rig.logouts().await.len(), 1);
}

#[tokio::test]
async fn the_token_stays_with_the_page_for_signing_out() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    let mut browser = rig.browser();
    let callback = rig.to_callback(&mut browser).await;
    let page = browser.open(&callback).await;
    let cookies = page.headers.get_all("set-cookie").iter();
    let kept: Vec<_> = cookies
        .filter(|it| it.as_bytes().starts_with(KEPT.as_bytes()))
        .collect();
    let [kept] = kept[..] else {
        panic!("{kept:?}");
    };
    let kept = kept.to_str().expect("ASCII");
    assert!(
        kept.contains("; HttpOnly; Path=/auth/logout; SameSite=Lax; Max-Age="),
        "{kept}"
    );
    assert!(!rig.server.output().contains("eyJ"));
}

#[tokio::test]
async fn signing_out_everywhere_leads_there_too() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    let (mut one, mut other) = (signed_in(&rig).await, signed_in(&rig).await);
    let left = sign_out(&mut one, "/auth/logout", &[("everywhere", "true")]).await;
    assert_eq!(left.target().expect("a URL").path(), "/session/end");
    assert!(!other.is_signed_in().await);
}

#[tokio::test]
async fn a_session_with_a_password_is_not_of_the_provider() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    add_with_password(&database, "grace@example.com", &[]);
    // Also in a browser in which somebody was signed in at the provider before.
    let mut browser = signed_in(&rig).await;
    browser.set_cookie("waypost_session", "");
    browser
        .sign_in("grace@example.com", PASSWORD, "/dashboard")
        .await;
    assert!(browser.is_signed_in().await);
    assert!(browser.cookie(KEPT).is_none());
    let left = sign_out(&mut browser, "/auth/logout", &[]).await;
    assert_eq!(left.target().expect("a URL").path(), "/auth/logout");
    let page = browser.open("/auth/logout").await;
    assert!(page.body.contains("You are signed out."), "{page:?}");
    assert!(rig.logouts().await.is_empty());
}

#[tokio::test]
async fn signing_out_works_without_the_provider() {
    let database = TestDatabase::sqlite();
    let mut rig = start(&database, &[]).await;
    let (mut browser, mut other) = (signed_in(&rig).await, signed_in(&rig).await);
    rig.control(json!({ "fail": { "/.well-known/openid-configuration": 503 } }))
        .await;
    let left = sign_out(&mut browser, "/auth/logout?redirect=/wiki", &[]).await;
    let page = browser.open(left.target().expect("a URL").as_str()).await;
    assert!(
        page.body.contains("You may still be signed in there."),
        "{page:?}"
    );
    assert!(
        page.body.contains("/auth/login?redirect=%2Fwiki"),
        "{page:?}"
    );
    rig.provider.stop();
    let left = sign_out(&mut other, "/auth/logout", &[]).await;
    assert_eq!(left.target().expect("a URL").path(), "/auth/logout");
    let output = rig.server.output();
    assert!(output.contains("a user is signed out here and not at the OpenID provider"));
}

#[tokio::test]
async fn signing_out_stays_here_where_the_provider_or_the_operator_has_no_other_wish() {
    let no_endpoint = json!({ "metadata": { "end_session_endpoint": null } });
    let overheard = json!({ "metadata": { "end_session_endpoint": "http://id.example/logout" } });
    for (profile, settings) in [
        (no_endpoint, &[] as &[(&str, &str)]),
        (overheard, &[]),
        (json!({}), &[("WAYPOST_OIDC_LOGOUT", "false")]),
    ] {
        let database = TestDatabase::sqlite();
        let rig = start(&database, settings).await;
        rig.control(json!({ "profile": profile })).await;
        let mut browser = signed_in(&rig).await;
        assert!(browser.cookie(KEPT).is_none(), "{profile}");
        let left = sign_out(&mut browser, "/auth/logout", &[]).await;
        assert_eq!(
            left.target().expect("a URL").path(),
            "/auth/logout",
            "{profile}"
        );
    }
}

#[tokio::test]
async fn a_token_too_long_for_a_cookie_is_not_kept_and_nobody_stays_signed_in() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    let groups = (0..1_000).collect::<Vec<_>>();
    rig.control(json!({ "profile": { "claims": { "groups": groups } } }))
        .await;
    let mut browser = signed_in(&rig).await;
    assert_eq!(browser.cookie(KEPT).expect("who it was").len(), 16);
    let left = sign_out(&mut browser, "/auth/logout", &[]).await;
    let sent = parameters(&left.target().expect("a URL"));
    assert!(sent["client_id"] == "waypost" && !sent.contains_key("id_token_hint"));
}

#[tokio::test]
async fn a_changed_cookie_leads_nowhere_else() {
    let database = TestDatabase::sqlite();
    let rig = start(&database, &[]).await;
    for value in ["", "x", "x.https://evil.example/", "%0d%0aSet-Cookie: a=b"] {
        let mut browser = signed_in(&rig).await;
        browser.set_cookie(KEPT, value);
        let left = sign_out(&mut browser, "/auth/logout", &[]).await;
        assert_eq!(
            left.target().expect("a URL").path(),
            "/auth/logout",
            "{value}"
        );
    }
    let mut browser = signed_in(&rig).await;
    for path in [
        "%2F%2Fevil.example",
        "https%3A%2F%2Fevil.example",
        "%00",
        "%FF",
    ] {
        browser.set_cookie("waypost_left", path);
        let page = browser.open("/auth/logout").await;
        assert!(!page.body.contains("href=\"//evil") && !page.body.contains("redirect=%2F%2F"));
    }
}

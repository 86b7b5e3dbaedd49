//! Several sign-ins of one browser at the same time, and responses that are sent again.

use reqwest::StatusCode;
use serde_json::json;
use waypost_e2e::browser::{Browser, Page};
use waypost_e2e::provider::{ProviderRig, assert_refused};
use waypost_test_harness::TestDatabase;

const PENDING: &str = "waypost_oidc_";

async fn start() -> (ProviderRig, TestDatabase) {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.account(ada).await;
    (rig, database)
}

/// Opens a tab, signs in at the provider, and returns the URL of the callback without opening it.
async fn tab(rig: &ProviderRig, browser: &mut Browser, path: &str) -> String {
    let begin = format!("/auth/oidc/login?redirect={path}");
    let callback = rig.server.url("/auth/oidc/callback");
    browser
        .go_until(&rig.server.url(&begin), &callback)
        .await
        .into()
}

fn went_to(page: &Page, rig: &ProviderRig, path: &str) {
    let output = rig.server.output();
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}\n{output}");
    assert_eq!(page.target().expect("a URL").as_str(), rig.server.url(path));
}

#[tokio::test]
async fn tabs_finish_in_any_order() {
    let (rig, _database) = start().await;
    for tabs in [2, 3, 10] {
        for is_reversed in [false, true] {
            let mut browser = rig.browser();
            let mut callbacks = Vec::new();
            for number in 0..tabs {
                let path = format!("/admin?tab={number}");
                let query = format!("%2Fadmin%3Ftab%3D{number}");
                callbacks.push((path, tab(&rig, &mut browser, &query).await));
            }
            if is_reversed {
                callbacks.reverse();
            }
            for (path, callback) in &callbacks {
                went_to(&browser.open(callback).await, &rig, path);
                assert!(browser.is_signed_in().await, "{tabs} {is_reversed}");
            }
            assert!(browser.cookies(PENDING).is_empty());
        }
    }
}

#[tokio::test]
async fn tabs_that_begin_at_the_same_moment_all_finish() {
    let (rig, _database) = start().await;
    // As when a browser opens its tabs of yesterday: no request has the cookies of another one.
    let browsers: Vec<_> = (0..5).map(|_| rig.browser()).collect();
    let mut all = rig.browser();
    let mut callbacks = Vec::new();
    for mut browser in browsers {
        callbacks.push(tab(&rig, &mut browser, "/dashboard").await);
        for (name, value) in browser.cookies(PENDING) {
            all.set_cookie(&name, &value);
        }
    }
    for callback in &callbacks {
        went_to(&all.open(callback).await, &rig, "/dashboard");
    }
}

#[tokio::test]
async fn the_oldest_of_too_many_tabs_are_given_up() {
    let (rig, _database) = start().await;
    let mut browser = rig.browser();
    let first = tab(&rig, &mut browser, "/dashboard").await;
    let second = tab(&rig, &mut browser, "/dashboard").await;
    for _ in 0..15 {
        tab(&rig, &mut browser, "/dashboard").await;
        assert!(browser.cookies(PENDING).len() <= 16);
    }
    let page = browser.open(&first).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
    assert!(page.body.contains("Sign in again"), "{page:?}");
    went_to(&browser.open(&second).await, &rig, "/dashboard");
    // Long paths leave room for fewer: no browser sends more cookies than proxies accept.
    let long = format!("/{}", "x".repeat(1_500));
    for _ in 0..4 {
        tab(&rig, &mut browser, &long).await;
        let length: usize = browser.cookies(PENDING).iter().map(|it| it.1.len()).sum();
        assert!(length < 4_096, "{length}");
    }
}

#[tokio::test]
async fn a_callback_that_is_opened_again_leads_on() {
    let (rig, _database) = start().await;
    let mut browser = rig.browser();
    let callback = tab(&rig, &mut browser, "/dashboard").await;
    let pending = browser.cookies(PENDING);
    went_to(&browser.open(&callback).await, &rig, "/dashboard");
    // Reloaded or reached by going back, with the cookie as after a double click and without it.
    let asked = rig.requests("/token").await;
    for (name, value) in [("other".to_owned(), String::new()), pending[0].clone()] {
        browser.set_cookie(&name, &value);
        let page = browser.open(&callback).await;
        assert_refused(&page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
        assert!(page.body.contains("but you are signed in"), "{page:?}");
        assert!(
            page.body.contains("href=\"/dashboard\">Continue"),
            "{page:?}"
        );
        assert!(browser.is_signed_in().await);
    }
    assert_eq!(
        rig.requests("/token").await,
        asked,
        "each state is used once"
    );
    // In a browser that is not signed in there are two ways on.
    let page = rig.browser().open(&callback).await;
    assert_refused(&page, StatusCode::BAD_REQUEST, "OIDC_FAILED");
    assert!(page.body.contains(">Sign in again"), "{page:?}");
    assert!(page.body.contains(">Other ways to sign in"), "{page:?}");
    assert!(!page.body.contains("Continue"), "{page:?}");
}

#[tokio::test]
async fn one_tab_that_fails_leaves_the_others_alone() {
    let (rig, _database) = start().await;
    let mut browser = rig.browser();
    let first = tab(&rig, &mut browser, "/dashboard").await;
    let second = tab(&rig, &mut browser, "%2Fadmin").await;
    rig.control(json!({ "fail": { "/token": 503 } })).await;
    let page = browser.open(&first).await;
    assert_refused(&page, StatusCode::SERVICE_UNAVAILABLE, "OIDC_UNAVAILABLE");
    // The page leads on to what the tab wanted to see.
    assert!(
        page.body
            .contains("/auth/oidc/login?redirect=%2Fdashboard\""),
        "{page:?}"
    );
    rig.control(json!({ "fail": {} })).await;
    went_to(&browser.open(&second).await, &rig, "/admin");
    // Another user finishes a third tab: the last one counts.
    let third = tab(&rig, &mut browser, "/dashboard").await;
    let eve = json!({ "sub": "2", "email": "eve@example.com", "email_verified": true });
    rig.account(eve).await;
    let mut other = rig.browser();
    let fourth = tab(&rig, &mut other, "/dashboard").await;
    for (name, value) in other.cookies(PENDING) {
        browser.set_cookie(&name, &value);
    }
    went_to(&browser.open(&third).await, &rig, "/dashboard");
    went_to(&browser.open(&fourth).await, &rig, "/dashboard");
    let me = browser.open("/api/v1/users/me").await.json();
    assert_eq!(me["email"], "eve@example.com");
}

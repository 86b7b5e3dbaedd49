//! Signing in and out with an OpenID provider in a real browser, which follows its own rules for
//! cookies and for redirects after forms.

use serde_json::json;
use waypost_e2e::chromium::{Chromium, button, css};
use waypost_e2e::provider::ProviderRig;
use waypost_test_harness::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_signed_in_and_out_at_the_provider() {
    let database = TestDatabase::sqlite();
    let rig = ProviderRig::start(&database, &[]);
    let ada = json!({ "sub": "1", "email": "ada@example.com", "email_verified": true });
    rig.account(ada).await;
    let chromium = Chromium::start().await;
    let tab = chromium.tab(&rig.server).await;
    tab.open("/auth/oidc/login?redirect=/auth/logout%3Fredirect%3D/settings")
        .await;
    tab.wait_for_text(&css("main"), "ada@example.com").await;
    tab.wait_for_text(&css("main"), "also signs you out at 127.0.0.1")
        .await;
    // The form of this server leads to the page of another one.
    tab.click(&button("Sign out")).await;
    tab.click(&button("Yes, sign me out")).await;
    tab.wait_for_path("/auth/logout").await;
    tab.wait_for_text(&css("main"), "You are signed out.").await;
    let sign_in = tab.attribute(&css("main a.button"), "href").await;
    assert_eq!(sign_in.as_deref(), Some("/auth/login?redirect=%2Fsettings"));
    let logouts = rig.logouts().await;
    assert!(
        logouts.len() == 1 && logouts[0]["id_token_hint"].is_string(),
        "{logouts:?}"
    );
    tab.close().await;
}

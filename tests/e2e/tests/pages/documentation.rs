//! The API reference in a browser, with the policy that allows what it loads and nothing else.

use waypost_e2e::chromium::{Chromium, css};

use crate::site::{Site, Who};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_reference_works_under_its_policy() {
    let site = Site::with_people();
    let chromium = Chromium::start().await;
    let tab = site.tab(&chromium, Who::Nobody).await;
    let load = tab.open("/api/docs/").await;
    let policy = load.headers["content-security-policy"].clone();
    assert!(
        policy.contains("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    tab.wait_for(&css(".opblock-summary-path")).await;
    // An operation unfolds, can be tried, and shows its answer.
    let health = |part: &str| css(&format!("#operations-operation-health {part}"));
    tab.click(&health(".opblock-summary-control")).await;
    tab.click(&health(".try-out__btn")).await;
    tab.click(&health(".execute")).await;
    tab.wait_for_text(&health(".live-responses-table"), "ok")
        .await;
    let complaints = tab.complaints().await;
    assert_eq!(complaints, [""; 0], "{policy}");
    tab.close().await;
}

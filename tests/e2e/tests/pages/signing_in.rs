//! Creating the first admin account with the printed link, signing out and signing in again.

use waypost_e2e::chromium::{Chromium, Key, Tab, button, css, field, heading};

use crate::site::{Site, sign_in};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_signs_in_and_out() {
    let site = Site::empty();
    let chromium = Chromium::start().await;
    let tab = chromium.tab(&site.server).await;
    let other = chromium.tab(&site.server).await;
    from_the_link_and_out_again(&site, tab, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_signs_in_and_out_without_javascript() {
    let site = Site::empty();
    let chromium = Chromium::start().await;
    let tab = chromium.tab_without_javascript(&site.server).await;
    let other = chromium.tab_without_javascript(&site.server).await;
    from_the_link_and_out_again(&site, tab, other).await;
}

async fn from_the_link_and_out_again(site: &Site, tab: Tab, other: Tab) {
    let set_up = heading("Set up Waypost");
    tab.open(&site.path("{set-up}")).await;
    tab.wait_for(&set_up).await;
    tab.fill(&field("Email address"), EMAIL).await;
    tab.fill(&field("Name (optional)"), "Ada").await;
    tab.fill(&field("Password (at least 10 characters)"), PASSWORD)
        .await;
    tab.press(Key::Enter).await;
    tab.wait_until_gone(&set_up).await;

    // The browser that created the account is signed in; another one is not.
    tab.open("/auth/logout").await;
    tab.wait_for_text(&css("main"), EMAIL).await;
    other.open("/auth/logout").await;
    assert!(!other.shows(&button("Sign out")).await);

    // In another browser, with the keyboard.
    sign_in(&other, EMAIL, "wrong horse").await;
    other.wait_for(&css("[role=alert]")).await;
    assert_eq!(other.value(&field("Email address")).await, EMAIL);
    other.fill(&field("Password"), PASSWORD).await;
    other.press(Key::Tab).await;
    assert_eq!(other.focused().await, "Sign in");
    other.press(Key::Enter).await;
    other.wait_for_path("/auth/logout").await;

    // Signing out everywhere ends both sessions.
    other.click(&button("Sign out everywhere")).await;
    other.wait_until_gone(&button("Sign out everywhere")).await;
    for tab in [tab, other] {
        tab.open("/auth/logout").await;
        assert!(!tab.shows(&button("Sign out")).await);
        tab.close().await;
    }
}

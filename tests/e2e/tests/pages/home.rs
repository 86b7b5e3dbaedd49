//! The list of links: paging, search while typing, copying, and creating a link without a mouse.

use serde_json::json;
use waypost_e2e::chromium::{Chromium, Key, css, field, link};

use crate::site::{Site, Who};

const ROWS: &str = "return document.querySelectorAll('#links .row').length";

#[tokio::test(flavor = "multi_thread")]
async fn links_are_found_while_typing_and_in_pages() {
    let site = Site::with_data().await;
    let chromium = Chromium::start().await;
    let tab = site.tab(&chromium, Who::Member).await;
    tab.open("/dashboard").await;
    let first = tab.text(&css("#links .row-name")).await;
    assert!(tab.run(ROWS).await.as_u64().is_some_and(|rows| rows >= 20));
    tab.click(&link("Next page")).await;
    tab.wait_for(&link("First page")).await;
    assert_ne!(tab.text(&css("#links .row-name")).await, first);
    tab.click(&link("First page")).await;
    tab.wait_until_gone(&link("First page")).await;
    assert_eq!(tab.text(&css("#links .row-name")).await, first);

    // Without pressing Enter.
    tab.type_into(&field("Search"), "chapter 42").await;
    tab.wait_until("one link is found", async || tab.run(ROWS).await == 1)
        .await;
    let found = tab.text(&css("#links")).await;
    assert!(found.contains("chapter-42"), "{found}");
    assert_eq!(tab.focused().await, "Search");
    assert_eq!(tab.barriers().await, [""; 0]);
    tab.type_into(&field("Search"), " nothing").await;
    tab.wait_for(&css("#links .empty")).await;
    tab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_shortened_and_copied_without_a_mouse() {
    let site = Site::with_people();
    let chromium = Chromium::start().await;
    let tab = site.tab(&chromium, Who::Member).await;
    let allowed = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    tab.command("Browser.grantPermissions", allowed).await;
    tab.open("/dashboard").await;
    let tab_to = async |name: &str| {
        for _ in 0..40 {
            if tab.focused().await == name {
                return;
            }
            tab.press(Key::Tab).await;
        }
        panic!("Tab does not reach “{name}”");
    };
    tab_to("Shorten a URL").await;
    tab.type_into(&css(":focus"), "https://example.com/by-hand")
        .await;
    tab.press(Key::Tab).await;
    assert_eq!(tab.focused().await, "Shorten");
    tab.press(Key::Enter).await;
    let made = tab.text(&css(".made-link a")).await;
    tab_to(&format!("Copy {made}")).await;
    tab.press(Key::Enter).await;
    tab.wait_for_text(&css("#status"), &made).await;
    assert_eq!(
        tab.run("return navigator.clipboard.readText()").await,
        made.as_str()
    );
    tab.close().await;
}

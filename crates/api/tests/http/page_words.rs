//! Sentences of pages that depend on the state or the settings, and must be true.

use time::Duration;
use time::format_description::well_known::Rfc3339;
use waypost_core::Clock as _;

use crate::admin_pages::rooted;
use crate::browser::{Browser, add, signed_in};
use crate::settings_pages::send_form;
use crate::setup::TestServer;

#[tokio::test]
async fn a_session_near_its_maximum_age_is_not_said_to_last_longer_with_use() {
    let server = TestServer::closed().await;
    add(&server, "ada").await;
    let browser = signed_in(&server).await;
    let path = "/settings/sessions";
    // A session lasts 14 days without use and 90 days in all.
    for day in (0..=70).step_by(10) {
        let page = browser.get(path).await.body;
        assert!(page.contains(", later if you use it"), "day {day}: {page}");
        server.clock.advance(Duration::days(10));
    }
    let page = browser.get(path).await.body;
    assert!(page.contains("Expires ") && !page.contains("later if you use it"));
    server.clock.advance(Duration::days(10));
    let page = browser.get("/dashboard").await;
    assert_eq!(page.status, 303, "{page:?}");
}

/// Creates a link, and returns the path of its page.
async fn created(browser: &Browser<'_>, code: &str) -> String {
    let fields = [("target", "https://example.com/"), ("code", code)];
    let made = browser.fill("/dashboard", &fields).await;
    let (_, id) = made.header("location").split_once("created=").unwrap();
    format!("/dashboard/links/{id}")
}

/// Deletes a link by its page.
async fn delete(browser: &Browser<'_>, path: &str) {
    let fields = [("version", "1")];
    let deleted = send_form(browser, path, &format!("{path}/delete"), &fields).await;
    assert_eq!(deleted.status, 303, "{deleted:?}");
}

#[tokio::test]
async fn pages_say_until_when_a_deleted_link_can_be_restored() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let path = created(&browser, "wiki").await;
    let home = browser.get("/dashboard").await.body;
    assert!(home.contains("can be restored for 30 days."), "{home}");
    let editor = browser.get(&path).await.body;
    assert!(
        editor.contains("you can restore it for 30 days."),
        "{editor}"
    );
    delete(&browser, &path).await;
    let list = browser.get("/dashboard/deleted").await.body;
    assert!(list.contains("restore a link for 30 days"), "{list}");
    let page = browser.get(&path).await.body;
    let until = server.clock.now() + Duration::days(30);
    let until = until.format(&Rfc3339).unwrap();
    let (_, rest) = page.split_once("it can be restored until ").unwrap();
    let (sentence, _) = rest.split_once(". Then the server deletes it").unwrap();
    assert!(sentence.contains(&until[..16]), "{until}: {sentence}");
}

#[tokio::test]
async fn pages_name_admins_among_those_who_can_follow_a_secure_link() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let path = created(&browser, "wiki").await;
    let page = browser.get(&path).await.body;
    let words = "only its owners, people it is shared with and admins can follow it";
    assert!(page.contains(words), "{page}");
}

#[tokio::test]
async fn the_tools_page_leads_to_the_tab_where_tokens_are_created() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let page = browser.get("/dashboard/tools").await.body;
    assert!(page.contains("href=\"/settings/tokens\""), "{page}");
    let tokens = browser.get("/settings/tokens").await.body;
    assert!(tokens.contains("action=\"/settings/tokens\""), "{tokens}");
}

#[tokio::test]
async fn the_filter_by_state_finds_what_it_says() {
    let server = TestServer::closed().await;
    let (_, browser) = rooted(&server).await;
    let (kept, gone) = (
        created(&browser, "kept").await,
        created(&browser, "gone").await,
    );
    delete(&browser, &gone).await;
    for (query, found, left_out, label) in [
        ("", &kept, &gone, "<option value=\"\">not deleted</option>"),
        (
            "?deleted=true",
            &gone,
            &kept,
            "<option value=\"true\" selected>deleted</option>",
        ),
    ] {
        let page = browser.get(&format!("/admin/links{query}")).await.body;
        assert!(page.contains(label), "{query}: {page}");
        assert!(
            page.contains(&format!("href=\"{found}\"")),
            "{query}: {page}"
        );
        assert!(
            !page.contains(&format!("href=\"{left_out}\"")),
            "{query}: {page}"
        );
    }
}

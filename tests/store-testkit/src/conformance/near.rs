//! Cases of [`CatalogStore::near_links`](waypost_store::CatalogStore::near_links).

use waypost_core::{LinkDetails, NearCodes, ShortCode, Visibility};
use waypost_store::{LinkEdit, LinkReader, Store};

use super::{StoreFactory, add_users, codes, insert, update};
use crate::samples::Samples;

/// Returns the codes found near a typed one.
async fn near(store: &dyn Store, reader: LinkReader, typed: &str, limit: u32) -> Vec<String> {
    let near = NearCodes::of(&ShortCode::parse(typed).unwrap());
    let links = store.near_links(reader, &near, limit).await.unwrap();
    codes(&links).into_iter().map(ToOwned::to_owned).collect()
}

/// One character is missing, wrong or too many, two are swapped, or more follow: finds links that
/// are not deleted, in the order of their codes and each once.
pub async fn links_with_a_code_near_to_a_typed_one_are_found(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for code in [
        "Wikis",
        "wkii",
        "wik",
        "xwiki",
        "wiki-old",
        "w-iki",
        "docs",
        "docs/wiki",
        "news",
    ] {
        insert(&*store, &samples.link(code)).await;
    }
    let gone = samples.link("wiky");
    insert(&*store, &gone).await;
    update(&*store, &gone, LinkEdit::Delete).await;
    let all = LinkReader::All;
    let expected = ["w-iki", "wik", "wiki-old", "wikis", "wkii", "xwiki"];
    assert_eq!(near(&*store, all, "WIKI", 10).await, expected);
    assert_eq!(near(&*store, all, "docs/api", 10).await, ["docs"]);
    let expected = ["docs", "docs/wiki"];
    assert_eq!(near(&*store, all, "doc", 10).await, expected);
    let none: [&str; 0] = [];
    assert_eq!(near(&*store, all, "something-else", 10).await, none);
}

/// Public links, the user's own, and those shared with them.
pub async fn near_links_are_those_that_a_reader_may_see(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    for (code, visibility) in [
        ("wiki1", Visibility::Public),
        ("wiki2", Visibility::Private),
        ("wiki3", Visibility::Secure),
    ] {
        let details = LinkDetails {
            visibility,
            ..LinkDetails::default()
        };
        let link = samples.link_with(code, details);
        store.insert_link(&link, Some(ada)).await.unwrap();
        if visibility == Visibility::Secure {
            update(&*store, &link, LinkEdit::Share(bob)).await;
        }
    }
    let all = ["wiki1", "wiki2", "wiki3"];
    for (reader, seen) in [
        (LinkReader::All, &all[..]),
        (LinkReader::User(ada), &all[..]),
        (LinkReader::User(bob), &["wiki1", "wiki3"]),
        (LinkReader::User(eve), &["wiki1"]),
    ] {
        assert_eq!(near(&*store, reader, "wiki", 10).await, seen, "{reader:?}");
    }
}

/// The first ones by code; those that differ in one place are found in addition.
pub async fn so_many_links_whose_code_begins_so_are_found(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for code in [
        "report-1", "report-2", "report-3", "report-4", "reports", "rport",
    ] {
        insert(&*store, &samples.link(code)).await;
    }
    let expected = ["report-1", "report-2", "reports", "rport"];
    assert_eq!(near(&*store, LinkReader::All, "report", 2).await, expected);
}

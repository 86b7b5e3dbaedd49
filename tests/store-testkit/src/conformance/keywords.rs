//! Cases of [`LinkStore`](waypost_store::LinkStore) and
//! [`CatalogStore`](waypost_store::CatalogStore): codes of several segments, and keywords, which
//! pass on the rest of the path.

use waypost_core::Link;
use waypost_store::{LinkEdit, Store, StoreError};

use super::{
    StoreFactory, assert_counted, assert_same, codes, find, insert, insert_all, recoded, record,
    rename, update,
};
use crate::samples::{Samples, code, target};

fn keyword(samples: &Samples, text: &str) -> Link {
    Link {
        target: target("https://example.com/{slug}"),
        is_keyword: true,
        ..samples.link(text)
    }
}

async fn goes_on(store: &dyn Store, text: &str) -> bool {
    store.code_route(&code(text)).await.unwrap().has_longer
}

async fn refuses(store: &dyn Store, link: &Link) {
    let refused = store.insert_link(link, None).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict)),
        "{}: {refused:?}",
        link.code
    );
    assert_eq!(store.link(link.id).await.unwrap(), None);
}

/// A code of several segments is a code like any other.
pub async fn a_code_of_several_segments_is_found_as_a_whole(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let long = samples.link("Docs/API/v1");
    insert(&*store, &long).await;
    assert_same(&find(&*store, &code("docs/api/V1")).await, &long);
    for text in ["docs", "docs/api", "docs/api/v", "docs/api/v1/x", "api/v1"] {
        assert_eq!(
            store.link_by_code(&code(text)).await.unwrap(),
            None,
            "{text}"
        );
    }
    let route = store.code_route(&long.code).await.unwrap();
    assert_same(&route.link.unwrap(), &long);
}

/// It is known whether longer codes continue a code, for codes with and without a link.
pub async fn it_is_known_which_codes_go_on(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = [
        "docs/api/v1",
        "docs/x",
        "docs",
        "docs-x",
        "docs0",
        "doc/z_1",
    ]
    .map(|text| samples.link(text));
    insert_all(&*store, &links).await;
    for (text, expected) in [
        ("docs", true),
        ("docs/api", true),
        ("docs/api/v1", false),
        ("docs/x", false),
        ("docs/ap", false),
        ("docs-x", false),
        ("docs0", false),
        ("doc", true),
        ("do", false),
        ("api", false),
    ] {
        assert_eq!(goes_on(&*store, text).await, expected, "{text}");
    }
    // A former code keeps working; one of a deleted link may work again.
    let renamed = rename(&*store, &links[1], "y").await;
    update(&*store, &renamed, LinkEdit::Delete).await;
    store.delete_link(links[0].id).await.unwrap();
    assert!(goes_on(&*store, "docs").await);
    assert!(!goes_on(&*store, "docs/api").await);
    store.delete_link(renamed.id).await.unwrap();
    assert!(!goes_on(&*store, "docs").await);
}

/// A link is a keyword from the beginning, whatever changes.
pub async fn a_keyword_stays_one(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (gh, link) = (keyword(&samples, "gh"), samples.link("link"));
    insert_all(&*store, &[gh.clone(), link.clone()]).await;
    assert!(find(&*store, &gh.code).await.is_keyword);
    assert!(!find(&*store, &link.code).await.is_keyword);
    let renamed = rename(&*store, &gh, "GitHub").await;
    assert!(renamed.is_keyword);
    assert!(find(&*store, &code("gh")).await.is_keyword);
    let deleted = update(&*store, &renamed, LinkEdit::Delete).await;
    let restored = update(&*store, &deleted, LinkEdit::Restore(deleted.content())).await;
    assert!(restored.is_keyword);
    let changed = recoded(&link, "gh2");
    assert!(
        !update(&*store, &link, LinkEdit::Content(changed))
            .await
            .is_keyword
    );
}

/// A keyword would hide longer codes, so neither can be created if the other exists.
pub async fn a_keyword_and_a_code_that_goes_on_from_it_are_a_conflict(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (gh, docs) = (keyword(&samples, "gh"), samples.link("docs/api"));
    insert_all(&*store, &[gh.clone(), docs.clone()]).await;
    refuses(&*store, &samples.link("GH")).await;
    refuses(&*store, &keyword(&samples, "gh")).await;
    refuses(&*store, &samples.link("gh/org")).await;
    refuses(&*store, &samples.link("gh/org/repo")).await;
    refuses(&*store, &keyword(&samples, "docs")).await;
    insert_all(
        &*store,
        &[
            samples.link("ghs/org"),
            samples.link("docs"),
            keyword(&samples, "doc"),
        ],
    )
    .await;
    // Neither can be created by a change.
    for (link, to) in [(&docs, "gh/x"), (&gh, "docs")] {
        let edit = LinkEdit::Content(recoded(link, to));
        let refused = store.update_link(&super::change(link, edit)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
        assert_same(&find(&*store, &link.code).await, link);
    }
    // Nor in the place of a link that can be restored.
    let deleted = update(&*store, &gh, LinkEdit::Delete).await;
    refuses(&*store, &samples.link("gh/org")).await;
    store.delete_link(deleted.id).await.unwrap();
    insert(&*store, &samples.link("gh/org")).await;
}

/// A code is reported as available if and only if a new link can have it.
pub async fn it_is_known_who_holds_a_code(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [wiki, gone] = ["Wiki", "gone/for-now"].map(|text| samples.link(text));
    let gh = keyword(&samples, "gh");
    insert_all(&*store, &[wiki.clone(), gone.clone(), gh.clone()]).await;
    rename(&*store, &wiki, "handbook").await;
    update(&*store, &gone, LinkEdit::Delete).await;
    for (text, holder) in [
        ("wiki", Some(wiki.id)),
        ("HANDBOOK", Some(wiki.id)),
        ("gone/for-now", Some(gone.id)),
        ("gh", Some(gh.id)),
        ("gh/org/repo", Some(gh.id)),
        ("gone", None),
        ("wiki/x", None),
        ("ghs", None),
    ] {
        let found = store.holder_of_code(&code(text)).await.unwrap();
        assert_eq!(found, holder, "{text}");
        let link = samples.link(text);
        match holder {
            Some(_) => refuses(&*store, &link).await,
            None => insert(&*store, &link).await,
        }
    }
}

/// Keywords are listed by code, in pages.
pub async fn keywords_are_listed_in_the_order_of_their_codes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    assert_eq!(store.keywords(None, 10).await.unwrap(), []);
    for text in ["m", "z-1", "A", "gh", "b_1"] {
        insert(&*store, &keyword(&samples, text)).await;
        insert(&*store, &samples.link(&format!("link-{text}"))).await;
    }
    let listed = store.keywords(None, 10).await.unwrap();
    assert_eq!(codes(&listed), ["a", "b_1", "gh", "m", "z-1"]);
    assert!(listed.iter().all(|link| link.is_keyword));
    let page = store.keywords(None, 2).await.unwrap();
    assert_eq!(codes(&page), ["a", "b_1"]);
    let page = store.keywords(Some(&page[1].code), 2).await.unwrap();
    assert_eq!(codes(&page), ["gh", "m"]);
    update(&*store, &page[0], LinkEdit::Delete).await;
    let page = store.keywords(Some(&code("B_1")), 9).await.unwrap();
    assert_eq!(codes(&page), ["m", "z-1"]);
    assert_eq!(store.keywords(Some(&code("zz")), 9).await.unwrap(), []);
}

/// Clicks on keywords are clicks.
pub async fn clicks_on_keywords_are_counted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let gh = keyword(&samples, "gh");
    insert(&*store, &gh).await;
    record(&*store, &[samples.click(&gh), samples.click(&gh)]).await;
    assert_counted(&*store, &gh, 2, 0).await;
}

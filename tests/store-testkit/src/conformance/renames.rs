//! Cases of [`LinkStore`](waypost_store::LinkStore): links that get another code and keep their
//! former ones.

use std::collections::BTreeSet;

use waypost_core::{Link, LinkContent, LinkId};
use waypost_store::{LinkEdit, Store, StoreError, Updated};

use super::concurrency::at_once;
use super::{
    StoreFactory, add_user, assert_same, change, find, find_by_id, insert, insert_all, recoded,
    rename, update,
};
use crate::samples::{FAR_FUTURE, Samples, code, target};

/// Returns the codes of a link in their normal form.
async fn codes_of(store: &dyn Store, id: LinkId) -> Vec<String> {
    let codes = store.codes_of_link(id).await.unwrap();
    codes.iter().map(|code| code.as_str().to_owned()).collect()
}

/// Returns the codes in the change feed after a number, in alphabetical order.
async fn changed_since(store: &dyn Store, seq: u64) -> Vec<String> {
    let changes = store.changes_after(seq, 1_000).await.unwrap();
    let codes = changes.iter().filter_map(|change| change.code.as_ref());
    let codes = codes.map(waypost_core::ShortCode::spelling);
    let mut codes: Vec<String> = codes.map(ToOwned::to_owned).collect();
    codes.sort();
    codes
}

/// Asserts that a link and its codes are unchanged, and that the change feed reports no change.
async fn assert_untouched(store: &dyn Store, link: &Link, codes: &[&str], seq: u64) {
    assert_same(&find_by_id(store, link.id).await, link);
    assert_eq!(codes_of(store, link.id).await, codes);
    for text in codes {
        assert_same(&find(store, &code(text)).await, link);
    }
    let number = usize::try_from(link.version).unwrap();
    let versions = store.link_versions(link.id, None, 100).await.unwrap();
    assert_eq!(versions.len(), number);
    assert_eq!(changed_since(store, seq).await, [""; 0]);
}

/// A code that was printed on paper still works.
pub async fn a_former_code_leads_to_its_link_in_any_case(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("Wiki"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    let link = rename(&*store, &link, "Handbook").await;
    assert_eq!(link.code.spelling(), "Handbook");
    let link = rename(&*store, &link, "team-docs").await;
    let typed = ["wiki", "WIKI", "handbook", "HandBook", "team-docs"];
    for text in typed {
        let found = find(&*store, &code(text)).await;
        assert_same(&found, &link);
        assert_eq!(found.code.spelling(), "team-docs", "{text}");
    }
    assert_same(&find(&*store, &other.code).await, &other);
    assert_eq!(store.link_by_code(&code("team")).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().links, 2);
}

/// The codes of a link are found by its ID, whatever its present code.
pub async fn the_codes_of_a_link_are_those_it_ever_had(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("m"), samples.link("n"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    assert_eq!(codes_of(&*store, link.id).await, ["m"]);
    let mut renamed = link.clone();
    for text in ["Z", "a_b", "a-b", "0", "B"] {
        renamed = rename(&*store, &renamed, text).await;
    }
    let expected = ["0", "a-b", "a_b", "b", "m", "z"];
    assert_eq!(codes_of(&*store, link.id).await, expected);
    assert_eq!(codes_of(&*store, other.id).await, ["n"]);
    let never = samples.link("never");
    assert_eq!(codes_of(&*store, never.id).await, [""; 0]);
    // Deleted, it keeps them.
    update(&*store, &renamed, LinkEdit::Delete).await;
    assert_eq!(codes_of(&*store, link.id).await, expected);
}

/// A code that a link has, or had, is reserved against new links and others.
pub async fn a_code_stays_reserved_for_its_link_and_nothing_changes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    let link = rename(&*store, &link, "handbook").await;
    let seq = store.last_change().await.unwrap();
    for text in ["wiki", "Wiki", "handbook", "HANDBOOK"] {
        let newcomer = samples.link(text);
        let answer = store.insert_link(&newcomer, None).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        assert_eq!(store.link(newcomer.id).await.unwrap(), None);
        // A rejected change has no effect, not even its valid parts.
        let content = LinkContent {
            target: target("https://example.com/elsewhere"),
            ..recoded(&other, text)
        };
        for edit in [
            LinkEdit::Content(content.clone()),
            LinkEdit::Restore(content),
        ] {
            let answer = store.update_link(&change(&other, edit)).await;
            assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        }
        assert_untouched(&*store, &other, &["other"], seq).await;
        assert_untouched(&*store, &link, &["handbook", "wiki"], seq).await;
    }
    assert_eq!(store.counts().await.unwrap().links, 2);
}

/// A link gets its former code back, and keeps the other one.
pub async fn a_link_takes_back_a_code_that_it_had(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    let mut renamed = link;
    for text in ["handbook", "WIKI", "Handbook", "wiki"] {
        renamed = rename(&*store, &renamed, text).await;
        assert_eq!(renamed.code.spelling(), text);
        for typed in ["wiki", "handbook"] {
            assert_same(&find(&*store, &code(typed)).await, &renamed);
        }
        let codes = codes_of(&*store, renamed.id).await;
        assert_eq!(codes, ["handbook", "wiki"]);
    }
    assert_eq!(renamed.version, 5);
}

/// Another spelling is shown from then on, and is still the same code.
pub async fn another_spelling_of_its_code_is_a_change_of_a_link(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    let seq = store.last_change().await.unwrap();
    let mut spelled = link;
    for (number, text) in (1..).zip(["WiKi", "wIKI", "wiki"]) {
        spelled = rename(&*store, &spelled, text).await;
        assert_eq!(spelled.code.spelling(), text);
        let found = find(&*store, &code("wiki")).await;
        assert_same(&found, &spelled);
        assert_eq!(codes_of(&*store, spelled.id).await, ["wiki"]);
        let changed = changed_since(&*store, seq).await;
        assert_eq!(changed, vec!["wiki"; number]);
    }
}

/// A cache of a link by any of its codes learns of each of its changes, and of no other link's.
pub async fn a_change_of_a_link_names_each_of_its_codes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let ada = add_user(&*store, &samples, "ada").await;
    let (link, other) = (samples.link("A"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other]).await;
    let mut seq = store.last_change().await.unwrap();
    let mut link = rename(&*store, &link, "B").await;
    assert_eq!(changed_since(&*store, seq).await, ["a", "b"]);
    link = rename(&*store, &link, "C").await;
    for edit in [
        LinkEdit::Content(link.content()),
        LinkEdit::Share(ada),
        LinkEdit::Unshare(ada),
        LinkEdit::MakePrimary(ada),
        LinkEdit::RemoveOwner(ada),
        LinkEdit::Delete,
        LinkEdit::Restore(link.content()),
        LinkEdit::Delete,
    ] {
        seq = store.last_change().await.unwrap();
        link = update(&*store, &link, edit.clone()).await;
        let changed = changed_since(&*store, seq).await;
        assert_eq!(changed, ["a", "b", "c"], "{edit:?}");
    }
    seq = store.last_change().await.unwrap();
    let purged = store.purge_deleted_links(FAR_FUTURE, 10).await;
    assert_eq!(purged.unwrap(), 1);
    assert_eq!(changed_since(&*store, seq).await, ["a", "b", "c"]);

    let link = samples.link("D");
    insert(&*store, &link).await;
    rename(&*store, &link, "E").await;
    seq = store.last_change().await.unwrap();
    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(changed_since(&*store, seq).await, ["d", "e"]);
}

/// A permanently deleted link loses all of its codes, which are then available.
pub async fn a_link_that_is_gone_frees_all_of_its_codes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    rename(&*store, &link, "handbook").await;
    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(codes_of(&*store, link.id).await, [""; 0]);
    for text in ["wiki", "handbook"] {
        assert_eq!(store.link_by_code(&code(text)).await.unwrap(), None);
    }
    let next = samples.link("Handbook");
    insert(&*store, &next).await;
    let next = rename(&*store, &next, "WIKI").await;
    assert_same(&find(&*store, &code("handbook")).await, &next);
}

/// A code goes to one of several concurrent callers, whether their links are new or not.
pub async fn one_of_many_who_rename_to_the_same_code_gets_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(16);
    insert_all(&*store, &links[..12]).await;
    let spellings = ["wiki", "Wiki", "WIKI", "wIKi"];
    let answers = at_once(16, |number| {
        let (store, link) = (store.clone(), links[number].clone());
        let content = recoded(&link, spellings[number % 4]);
        async move {
            if number < 12 {
                let change = change(&link, LinkEdit::Content(content));
                let ended = store.update_link(&change).await?;
                assert!(matches!(ended, Updated::Done(_)), "{ended:?}");
                return Ok(());
            }
            let link = Link {
                code: content.code,
                ..link
            };
            store.insert_link(&link, None).await
        }
    })
    .await;
    let mut winners = Vec::new();
    for (link, answer) in links.iter().zip(answers) {
        match answer {
            Ok(()) => winners.push(link.id),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let found = find(&*store, &code("wiki")).await;
    assert_eq!(winners, [found.id]);
    // The others are unchanged.
    for link in links.iter().take(12).filter(|link| link.id != found.id) {
        assert_same(&find(&*store, &link.code).await, link);
    }
}

/// Links that are renamed concurrently, back and forth, lose no code.
pub async fn links_renamed_at_once_keep_all_their_codes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = Samples::new(1).links(8);
    insert_all(&*store, &links).await;
    at_once(8, |number| {
        let (store, mut link) = (store.clone(), links[number].clone());
        async move {
            for step in 0..6 {
                link = rename(&*store, &link, &format!("code-{number}-{}", step % 4)).await;
            }
        }
    })
    .await;
    for (number, link) in links.iter().enumerate() {
        let mut expected: BTreeSet<String> =
            (0..4).map(|step| format!("code-{number}-{step}")).collect();
        expected.insert(link.code.as_str().to_owned());
        let expected: Vec<String> = expected.into_iter().collect();
        assert_eq!(codes_of(&*store, link.id).await, expected);
        for text in &expected {
            let found = find(&*store, &code(text)).await;
            assert_eq!((found.id, found.version), (link.id, 7));
        }
    }
}

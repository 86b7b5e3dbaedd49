//! Cases of [`ChangeStore`](waypost_store::ChangeStore): the change feed of links.

use time::OffsetDateTime;
use time::macros::datetime;
use waypost_store::{LinkChange, Store};

use super::concurrency::at_once;
use super::{StoreFactory, insert, insert_all};
use crate::samples::{FAR_FUTURE, Samples};

/// Earlier than any change, all of which happen while the test runs.
const LONG_AGO: OffsetDateTime = datetime!(2020-01-01 00:00 UTC);

async fn changes(store: &dyn Store, seq: u64) -> Vec<LinkChange> {
    let changes = store.changes_after(seq, 1_000).await.unwrap();
    let ascending = changes.windows(2).all(|pair| pair[0].seq < pair[1].seq);
    assert!(ascending, "{changes:?}");
    assert!(
        changes.iter().all(|change| change.seq > seq),
        "{changes:?} behind {seq}"
    );
    changes
}

/// Returns the codes of the changes after a number.
async fn codes(store: &dyn Store, seq: u64) -> Vec<String> {
    let spelling = |change: LinkChange| change.code.expect("a code").spelling().to_owned();
    changes(store, seq)
        .await
        .into_iter()
        .map(spelling)
        .collect()
}

/// Without changes the number is 0.
pub async fn a_store_without_changes_has_number_zero(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.last_change().await.unwrap(), 0);
    assert_eq!(changes(&*store, 0).await, vec![]);
    assert_eq!(store.purge_changes(FAR_FUTURE, 10).await.unwrap(), 0);
    assert_eq!(store.last_change().await.unwrap(), 0);
}

/// A reader that continues after the last number sees the later changes, in their order.
pub async fn inserting_and_deleting_are_changes_in_ascending_order(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [a, b] = ["a", "b"].map(|code| samples.link(code));
    insert(&*store, &a).await;
    insert(&*store, &b).await;
    assert!(store.delete_link(a.id).await.unwrap());
    assert_eq!(codes(&*store, 0).await, ["a", "b", "a"]);
    let seen = store.last_change().await.unwrap();
    assert_eq!(changes(&*store, 0).await.last().unwrap().seq, seen);
    assert_eq!(changes(&*store, seen).await, vec![]);

    insert(&*store, &a).await;
    assert!(store.delete_link(b.id).await.unwrap());
    assert_eq!(codes(&*store, seen).await, ["a", "b"]);
    assert_eq!(codes(&*store, 0).await, ["a", "b", "a", "a", "b"]);
    assert!(store.last_change().await.unwrap() > seen);
}

/// Caches look up by the normal form.
pub async fn a_change_names_the_code_in_its_normal_form(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("WiKi");
    insert(&*store, &link).await;
    store.delete_link(link.id).await.unwrap();
    assert_eq!(codes(&*store, 0).await, ["wiki", "wiki"]);
}

/// A rejected insertion, a deletion of nothing and a click leave no change.
pub async fn what_changes_nothing_is_no_change(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    assert!(
        store
            .insert_link(&samples.link("WIKI"), None)
            .await
            .is_err()
    );
    assert!(store.insert_link(&link, None).await.is_err());
    let never = samples.link("never");
    assert!(!store.delete_link(never.id).await.unwrap());
    store
        .record_clicks(&samples.clicks(&link, 3))
        .await
        .unwrap();
    assert_eq!(codes(&*store, 0).await, ["wiki"]);
    assert!(store.delete_link(link.id).await.unwrap());
    assert!(!store.delete_link(link.id).await.unwrap());
    assert_eq!(codes(&*store, 0).await, ["wiki", "wiki"]);
}

/// Any number of changes can be read in steps.
pub async fn changes_are_read_behind_a_number_within_a_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    insert_all(&*store, &Samples::new(1).links(7)).await;
    let all = changes(&*store, 0).await;
    assert_eq!(all.len(), 7);
    assert_eq!(store.changes_after(0, 0).await.unwrap(), vec![]);
    assert_eq!(store.changes_after(0, 3).await.unwrap(), all[..3]);
    let behind = store.changes_after(all[2].seq, 3).await.unwrap();
    assert_eq!(behind, all[3..6]);
    let rest = store.changes_after(all[5].seq, u32::MAX).await.unwrap();
    assert_eq!(rest, all[6..]);
    assert_eq!(store.changes_after(u64::MAX, 3).await.unwrap(), vec![]);
}

/// The limit counts from the oldest change, and the newest one stays.
pub async fn purging_changes_takes_the_oldest_and_keeps_the_newest(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    insert_all(&*store, &Samples::new(1).links(6)).await;
    let all = changes(&*store, 0).await;
    assert_eq!(store.purge_changes(FAR_FUTURE, 0).await.unwrap(), 0);
    assert_eq!(store.purge_changes(FAR_FUTURE, 2).await.unwrap(), 2);
    assert_eq!(changes(&*store, 0).await, all[2..]);
    let left = store.purge_changes(FAR_FUTURE, u32::MAX).await.unwrap();
    assert_eq!(left, 3);
    assert_eq!(changes(&*store, 0).await, all[5..]);
    assert_eq!(store.purge_changes(FAR_FUTURE, 10).await.unwrap(), 0);
    assert_eq!(store.last_change().await.unwrap(), all[5].seq);
}

/// Changes of today are not purged with old ones.
pub async fn purging_changes_leaves_what_is_not_old_enough(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    insert_all(&*store, &Samples::new(1).links(3)).await;
    assert_eq!(store.purge_changes(LONG_AGO, 10).await.unwrap(), 0);
    assert_eq!(changes(&*store, 0).await.len(), 3);
}

/// A number is never assigned twice, whatever was purged.
pub async fn numbers_go_on_after_everything_else_is_purged(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut seen = 0;
    for link in samples.links(4) {
        insert(&*store, &link).await;
        let last = store.last_change().await.unwrap();
        assert!(last > seen, "{last} after {seen}");
        seen = last;
        store.purge_changes(FAR_FUTURE, 10).await.unwrap();
        assert_eq!(changes(&*store, 0).await.len(), 1);
    }
}

/// Each of any number of concurrent changes has a number of its own.
pub async fn concurrent_changes_have_numbers_of_their_own(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = Samples::new(1).links(24);
    at_once(24, |number| {
        let (store, link) = (store.clone(), links[number].clone());
        async move {
            store.insert_link(&link, None).await.unwrap();
            if number % 2 == 0 {
                assert!(store.delete_link(link.id).await.unwrap());
            }
        }
    })
    .await;
    let all = changes(&*store, 0).await;
    assert_eq!(all.len(), 36);
    for (number, link) in links.iter().enumerate() {
        let of_link = all
            .iter()
            .filter(|change| change.code.as_ref() == Some(&link.code));
        assert_eq!(of_link.count(), 2 - number % 2);
    }
    assert_eq!(store.last_change().await.unwrap(), all[35].seq);
}

//! Cases of [`LinkStore`](waypost_store::LinkStore): links that are deleted so that they can be
//! restored.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use waypost_core::{Link, LinkContent, PageRequest, Title, UserId};
use waypost_store::{LinkEdit, LinkUpdate, PageOf, Store, StoreError, Updated};

use super::concurrency::at_once;
use super::links::MOMENTS;
use super::rows::assert_clicks;
use super::{
    LATER, StoreFactory, add_user, add_users, all_of, assert_counted, assert_same, change, codes,
    find, find_by_id, insert, insert_all, ledger_of, recoded, record, rename, update, updated,
};
use crate::samples::{FAR_FUTURE, START, Samples, code, target};

async fn delete_at(store: &dyn Store, link: &Link, at: OffsetDateTime) -> Link {
    let delete = LinkUpdate {
        at,
        ..change(link, LinkEdit::Delete)
    };
    updated(store, &delete).await
}

async fn delete(store: &dyn Store, link: &Link) -> Link {
    delete_at(store, link, LATER).await
}

async fn restore(store: &dyn Store, link: &Link) -> Link {
    update(store, link, LinkEdit::Restore(link.content())).await
}

/// A deleted link does not work, and is still found by its ID.
pub async fn a_link_in_the_bin_is_found_by_its_id_alone(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("Wiki"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    let link = rename(&*store, &link, "Handbook").await;
    let expected = Link {
        version: 3,
        deleted_at: Some(LATER),
        ..link.clone()
    };
    let deleted = delete(&*store, &link).await;
    assert_same(&deleted, &expected);
    assert_same(&find_by_id(&*store, link.id).await, &expected);
    for text in ["wiki", "Handbook"] {
        assert_eq!(store.link_by_code(&code(text)).await.unwrap(), None);
    }
    assert_same(&find(&*store, &other.code).await, &other);
}

/// The time of a deletion is an instant, truncated to the microsecond.
pub async fn the_moment_of_a_deletion_is_the_same_instant_in_utc(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    let mut link = link;
    for at in MOMENTS {
        let deleted = delete_at(&*store, &link, at + Duration::nanoseconds(999)).await;
        assert_eq!(deleted.deleted_at, Some(at));
        assert_eq!(deleted.updated_at, at);
        assert_same(&find_by_id(&*store, link.id).await, &deleted);
        link = restore(&*store, &deleted).await;
    }
}

/// A deleted link keeps its codes reserved against new links and others.
pub async fn the_codes_of_a_link_in_the_bin_stay_reserved(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    let link = rename(&*store, &link, "handbook").await;
    let deleted = delete(&*store, &link).await;
    for text in ["Wiki", "HANDBOOK"] {
        let answer = store.insert_link(&samples.link(text), None).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        let content = LinkEdit::Content(recoded(&other, text));
        let answer = store.update_link(&change(&other, content)).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    assert_same(&find(&*store, &other.code).await, &other);
    assert_same(&find_by_id(&*store, link.id).await, &deleted);
    assert_eq!(store.counts().await.unwrap().links, 1);
}

/// A link is restored with the given content, under any of its codes, or a new one.
pub async fn a_link_is_restored_with_its_content(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut link = rename(&*store, &link, "handbook").await;
    for text in ["handbook", "Wiki", "Docs", "wiki"] {
        let deleted = delete(&*store, &link).await;
        let mut content = LinkContent {
            target: target(&format!("https://example.com/restored/{text}")),
            ..recoded(&deleted, text)
        };
        content.details.title = Title::parse(text).unwrap();
        let expected = Link {
            code: content.code.clone(),
            target: content.target.clone(),
            details: content.details.clone(),
            version: deleted.version + 1,
            deleted_at: None,
            ..deleted.clone()
        };
        link = update(&*store, &deleted, LinkEdit::Restore(content)).await;
        assert_same(&link, &expected);
        for typed in ["wiki", "handbook", text] {
            assert_same(&find(&*store, &code(typed)).await, &link);
        }
    }
    assert_eq!(store.counts().await.unwrap().links, 1);
}

/// A link cannot be restored under a code of another link, and stays deleted.
pub async fn a_link_restored_under_the_code_of_another_stays_deleted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    insert_all(&*store, &[link.clone(), other.clone()]).await;
    let other = rename(&*store, &other, "another").await;
    let deleted = delete(&*store, &link).await;
    for text in ["Other", "another"] {
        let edit = LinkEdit::Restore(recoded(&deleted, text));
        let answer = store.update_link(&change(&deleted, edit)).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        assert_same(&find_by_id(&*store, link.id).await, &deleted);
    }
    assert_eq!(store.link_by_code(&link.code).await.unwrap(), None);
    assert_same(&find(&*store, &code("other")).await, &other);
}

/// Returns the codes on the first page, and the reported total.
async fn listed(store: &dyn Store, of: PageOf) -> (Vec<String>, u64) {
    let page = PageRequest::new(1, 100).unwrap();
    let page = store.links_page(of, page).await.unwrap();
    let codes = codes(&page.items).into_iter().map(ToOwned::to_owned);
    (codes.collect(), page.total)
}

async fn assert_listed(store: &dyn Store, owner: UserId, mine: &[&str], nobodys: &[&str]) {
    let expected = |codes: &[&str]| {
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        let count = u64::try_from(codes.len()).unwrap();
        (codes, count)
    };
    let all = [mine, nobodys].concat();
    assert_eq!(listed(store, PageOf::All).await, expected(&all));
    assert_eq!(listed(store, PageOf::Owner(owner)).await, expected(mine));
    assert_eq!(listed(store, PageOf::Nobody).await, expected(nobodys));
    let links = store.links_after(None, 100).await.unwrap();
    assert_eq!(codes(&links), all);
    let counted = store.counts().await.unwrap().links;
    assert_eq!(counted, expected(&all).1);
}

/// A deleted link is in no list and no count, and in all of them again once it is restored.
pub async fn lists_and_counts_leave_out_what_is_in_the_bin(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let ada = add_user(&*store, &samples, "ada").await;
    let nobodys = ["a", "b"].map(|text| samples.link(text));
    insert_all(&*store, &nobodys).await;
    let mine = ["c", "d"].map(|text| samples.link(text));
    for link in &mine {
        store.insert_link(link, Some(ada)).await.unwrap();
    }
    assert_listed(&*store, ada, &["d", "c"], &["b", "a"]).await;
    let first = delete(&*store, &nobodys[1]).await;
    assert_listed(&*store, ada, &["d", "c"], &["a"]).await;
    let second = delete(&*store, &mine[0]).await;
    assert_listed(&*store, ada, &["d"], &["a"]).await;
    restore(&*store, &first).await;
    assert_listed(&*store, ada, &["d"], &["b", "a"]).await;
    restore(&*store, &second).await;
    assert_listed(&*store, ada, &["d", "c"], &["b", "a"]).await;
    let again = find_by_id(&*store, second.id).await;
    delete(&*store, &again).await;
    store.purge_deleted_links(FAR_FUTURE, 10).await.unwrap();
    assert_listed(&*store, ada, &["d"], &["b", "a"]).await;
}

/// A click during the deletion of a link is counted: it happened, and the link may be restored.
pub async fn clicks_on_a_link_in_the_bin_are_counted(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let clicks = samples.clicks(&link, 5);
    record(&*store, &clicks[..3]).await;
    let deleted = delete(&*store, &link).await;
    assert_eq!(deleted.clicks, 3);
    let recorded = store.record_clicks(&clicks[3..]).await.unwrap();
    assert_eq!(recorded, all_of(2));
    let ledger = ledger_of(&*store, link.id).await.unwrap();
    assert!(ledger.agrees(), "{ledger:?}");
    assert_eq!((ledger.total, ledger.rows), (5, 5));
    assert_eq!(find_by_id(&*store, link.id).await.clicks, 5);
    assert_clicks(rows.as_deref(), &clicks).await;
    let restored = restore(&*store, &deleted).await;
    assert_eq!(restored.clicks, 5);
    assert_counted(&*store, &restored, 5, 0).await;
}

/// In the middle of a millisecond.
const BOUNDARY: OffsetDateTime = datetime!(2026-03-01 12:00:00.123_456 UTC);

/// Creates links that were deleted around [`BOUNDARY`], a microsecond apart: two before it, one at
/// it, two after it.
async fn deleted_around_boundary(store: &dyn Store, samples: &Samples) -> Vec<Link> {
    let mut links = Vec::new();
    for (micros, link) in (-2..).zip(samples.links(5)) {
        insert(store, &link).await;
        let at = BOUNDARY + Duration::microseconds(micros);
        links.push(delete_at(store, &link, at).await);
    }
    links
}

/// A link deleted exactly at the boundary was not deleted before it.
pub async fn deleted_links_before_is_exact_to_the_microsecond(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    insert(&*store, &samples.link("kept")).await;
    let older_than = async |before| store.deleted_links_before(before).await.unwrap();
    assert_eq!(older_than(FAR_FUTURE).await, 0);
    let links = deleted_around_boundary(&*store, &samples).await;
    for (older, link) in (0..).zip(&links) {
        let at = link.deleted_at.unwrap();
        assert_eq!(older_than(at).await, older, "{at}");
        assert_eq!(older_than(at + Duration::MICROSECOND).await, older + 1);
    }
    for before in [
        datetime!(2026-03-01 17:30:00.123_456 +05:30),
        datetime!(2026-03-01 01:00:00.123_456_999 -11:00),
    ] {
        assert_eq!(older_than(before).await, 2, "{before}");
    }
    assert_eq!(older_than(FAR_FUTURE).await, 5);
    // A restored link is not deleted; deleted again, it counts from then.
    let restored = restore(&*store, &links[0]).await;
    assert_eq!(older_than(BOUNDARY).await, 1);
    delete(&*store, &restored).await;
    assert_eq!(older_than(BOUNDARY).await, 1);
    assert_eq!(older_than(FAR_FUTURE).await, 5);
}

/// Links that can still be restored are not purged, and each step purges at most its limit.
pub async fn purging_the_bin_takes_what_is_old_within_its_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let kept = samples.link("kept");
    insert(&*store, &kept).await;
    let links = deleted_around_boundary(&*store, &samples).await;
    let purge = async |before, limit| store.purge_deleted_links(before, limit).await.unwrap();
    assert_eq!(purge(START, 10).await, 0);
    assert_eq!(purge(BOUNDARY, 0).await, 0);
    assert_eq!(store.first_deleted_link(START).await.unwrap(), None);
    let mut old: Vec<_> = links.iter().take(2).map(|link| link.id).collect();
    old.sort_unstable();
    for (purged, left) in [(1, 1), (1, 0), (0, 0)] {
        let before = BOUNDARY + Duration::nanoseconds(999);
        let first = store.first_deleted_link(before).await.unwrap();
        assert_eq!(first, old.first().copied());
        assert_eq!(purge(before, 1).await, purged);
        old = old.split_off(old.len().min(1));
        let all = store.deleted_links_before(FAR_FUTURE).await.unwrap();
        assert_eq!(all, 3 + left);
        let older = store.deleted_links_before(BOUNDARY).await.unwrap();
        assert_eq!(older, left);
    }
    for (number, link) in links.iter().enumerate() {
        let found = store.link(link.id).await.unwrap();
        assert_eq!(found.is_some(), number >= 2, "{number}");
        // The code of a purged link is available.
        let next = samples.link(link.code.as_str());
        let answer = store.insert_link(&next, None).await;
        assert_eq!(answer.is_ok(), number < 2, "{answer:?}");
    }
    restore(&*store, &links[3]).await;
    assert_eq!(purge(FAR_FUTURE, u32::MAX).await, 2);
    assert_eq!(purge(FAR_FUTURE, u32::MAX).await, 0);
    assert_same(&find(&*store, &kept.code).await, &kept);
    find(&*store, &links[3].code).await;
    assert_eq!(store.counts().await.unwrap().links, 4);
}

/// Nothing of a purged link is left: neither clicks, history, codes nor owners.
pub async fn what_belongs_to_a_purged_link_goes_with_it(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    store.insert_link(&link, Some(ada)).await.unwrap();
    insert(&*store, &other).await;
    let renamed = rename(&*store, &link, "handbook").await;
    let shared = update(&*store, &renamed, LinkEdit::Share(eve)).await;
    record(&*store, &samples.clicks(&link, 3)).await;
    let left = samples.clicks(&other, 2);
    record(&*store, &left).await;
    let deleted = delete(&*store, &shared).await;
    assert_eq!(store.purge_deleted_links(FAR_FUTURE, 9).await.unwrap(), 1);

    assert_eq!(store.link(link.id).await.unwrap(), None);
    assert_eq!(store.codes_of_link(link.id).await.unwrap(), []);
    let versions = store.link_versions(link.id, None, 10).await.unwrap();
    assert_eq!(versions, []);
    let owners = store.owners_of_links(&[link.id]).await.unwrap();
    assert!(owners.is_empty(), "{owners:?}");
    assert_eq!(store.shares_of_link(link.id).await.unwrap(), []);
    assert_eq!(ledger_of(&*store, link.id).await, None);
    assert_clicks(rows.as_deref(), &left).await;
    if let Some(rows) = rows {
        let days = rows.days().await;
        let of_links: Vec<_> = days.iter().map(|day| day.link_id).collect();
        assert_eq!(of_links, [other.id]);
    }
    let ended = store.update_link(&change(&deleted, LinkEdit::Delete)).await;
    assert_eq!(ended.unwrap(), Updated::Missing);
    // Nobody owns it, so its owner can be deleted; and another link may have its ID and codes.
    assert!(store.delete_user(ada).await.unwrap());
    insert(&*store, &link).await;
    assert_eq!(
        store.link_versions(link.id, None, 9).await.unwrap().len(),
        1
    );
    assert_counted(&*store, &link, 0, 0).await;
}

/// Restoring a link during a purge restores it or reports that it is gone; it is never half there.
pub async fn a_link_is_restored_or_purged_but_not_both(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let mut deleted = Vec::new();
    for link in samples.links(12) {
        insert(&*store, &link).await;
        record(&*store, &samples.clicks(&link, 1)).await;
        deleted.push(delete(&*store, &link).await);
    }
    let counted = at_once(16, |number| {
        let (store, link) = (store.clone(), deleted.get(number).cloned());
        async move {
            let Some(link) = link else {
                let purged = store.purge_deleted_links(FAR_FUTURE, 3).await;
                return (0, purged.unwrap());
            };
            let restore = change(&link, LinkEdit::Restore(link.content()));
            match store.update_link(&restore).await.unwrap() {
                Updated::Done(_) => (1, 0),
                Updated::Missing => (0, 0),
                Updated::Stale => panic!("there are no other changes"),
            }
        }
    })
    .await;
    let restored: u64 = counted.iter().map(|(restored, _)| restored).sum();
    let purged: u64 = counted.iter().map(|(_, purged)| purged).sum();
    assert_eq!(restored + purged, 12);
    assert_eq!(store.counts().await.unwrap().links, restored);
    assert_eq!(store.deleted_links_before(FAR_FUTURE).await.unwrap(), 0);
    for link in &deleted {
        let by_id = store.link(link.id).await.unwrap();
        let by_code = store.link_by_code(&link.code).await.unwrap();
        assert_eq!(by_id, by_code);
        let ledger = ledger_of(&*store, link.id).await;
        assert_eq!(ledger.map(|ledger| ledger.rows), by_id.map(|_| 1));
    }
}

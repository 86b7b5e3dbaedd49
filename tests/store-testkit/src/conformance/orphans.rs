//! Cases of [`OrphanStore`](waypost_store::OrphanStore).

use time::macros::date;
use time::{Date, Duration, OffsetDateTime};
use waypost_core::{OrphanPath, micros};
use waypost_store::{LinkEdit, Orphan, OrphanQuery, OrphanTries, OrphansAdded, Store};

use super::concurrency::at_once;
use super::{StoreFactory, change, insert, updated};
use crate::samples::{START, Samples};

const TODAY: Date = date!(2026 - 03 - 01);
const YESTERDAY: Date = date!(2026 - 02 - 28);
/// More paths than any case has on a day.
const PLENTY: u32 = 1_000;

fn path(text: &str) -> OrphanPath {
    OrphanPath::parse(text).unwrap()
}

/// Returns requests to a path, the first at `START`, the last a second later for each.
fn tries(day: Date, text: &str, hits: u64) -> OrphanTries {
    OrphanTries {
        day,
        path: path(text),
        hits,
        first_at: START + Duration::nanoseconds(1_234),
        last_at: START + Duration::seconds(i64::try_from(hits).unwrap()),
    }
}

fn all(limit: u32) -> OrphanQuery {
    OrphanQuery {
        from: Date::MIN.replace_year(1970).unwrap(),
        to: date!(2100 - 01 - 01),
        after: None,
        limit,
    }
}

async fn add(store: &dyn Store, tries: &[OrphanTries], paths_per_day: u32) -> OrphansAdded {
    store.add_orphans(tries, paths_per_day).await.unwrap()
}

async fn listed(store: &dyn Store, query: &OrphanQuery) -> Vec<(String, u64)> {
    let orphans = store.orphans(query).await.unwrap();
    let listed = orphans
        .iter()
        .map(|orphan| (orphan.path.to_string(), orphan.hits));
    listed.collect()
}

fn expected(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = pairs.iter().map(|(path, hits)| ((*path).to_owned(), *hits));
    owned.collect()
}

const fn added(added: u64, left_out: u64) -> OrphansAdded {
    OrphansAdded { added, left_out }
}

/// Hits of a path add up, on each day and over days, with the first and the last time of all.
pub async fn tries_of_a_path_add_up(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(add(&*store, &[], PLENTY).await, added(0, 0));
    assert_eq!(listed(&*store, &all(9)).await, expected(&[]));
    let first = [tries(YESTERDAY, "wiki", 2), tries(TODAY, "wiki", 3)];
    assert_eq!(add(&*store, &first, PLENTY).await, added(5, 0));
    let early = OrphanTries {
        first_at: START - Duration::HOUR,
        last_at: START - Duration::MINUTE,
        ..tries(TODAY, "wiki", 4)
    };
    let more = [early, tries(TODAY, "docs/-api_", 1)];
    assert_eq!(add(&*store, &more, PLENTY).await, added(5, 0));

    let orphans = store.orphans(&all(9)).await.unwrap();
    let of = |text: &str, hits, days, first_at: OffsetDateTime, last_at| Orphan {
        path: path(text),
        hits,
        days,
        first_at: micros(first_at),
        last_at,
    };
    let began = START + Duration::nanoseconds(1_234);
    let at = |seconds| START + Duration::seconds(seconds);
    assert_eq!(
        orphans,
        [
            of("wiki", 9, 2, START - Duration::HOUR, at(3)),
            of("docs/-api_", 1, 1, began, at(1)),
        ]
    );
    for time in orphans.iter().flat_map(|it| [it.first_at, it.last_at]) {
        assert!(time.offset().is_utc(), "{time}");
    }
    let of_days = |from, to| OrphanQuery { from, to, ..all(9) };
    let yesterday = listed(&*store, &of_days(YESTERDAY, YESTERDAY)).await;
    assert_eq!(yesterday, expected(&[("wiki", 2)]));
    let today = listed(&*store, &of_days(TODAY, TODAY)).await;
    assert_eq!(today, expected(&[("wiki", 7), ("docs/-api_", 1)]));
    let none = listed(&*store, &of_days(TODAY, YESTERDAY)).await;
    assert_eq!(none, expected(&[]));
}

/// When a day is full, requests for its existing paths are still counted, and other days have
/// limits of their own.
pub async fn a_day_keeps_so_many_paths_and_no_more(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let three = ["a", "b", "c"].map(|text| tries(TODAY, text, 2));
    assert_eq!(add(&*store, &three, 2).await, added(4, 2));
    let kept = listed(&*store, &all(9)).await;
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(add(&*store, &three, 2).await, added(4, 2));
    let of_yesterday = [tries(YESTERDAY, "d", 1)];
    assert_eq!(add(&*store, &of_yesterday, 2).await, added(1, 0));
    // A deleted path makes no room for others.
    let forgotten = path(&kept[0].0);
    assert!(store.delete_orphan(&forgotten).await.unwrap());
    assert_eq!(add(&*store, &[tries(TODAY, "e", 1)], 2).await, added(0, 1));
    let many: Vec<_> = (0..500)
        .map(|number| tries(TODAY, &format!("many-{number}"), 1))
        .collect();
    assert_eq!(add(&*store, &many, 302).await, added(300, 200));
}

/// Most hits come first, then the order of their texts, and pages follow each other.
pub async fn orphans_are_listed_by_hits_in_pages(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let some = [
        tries(TODAY, "b", 2),
        tries(YESTERDAY, "b", 1),
        tries(TODAY, "a/b", 3),
        tries(TODAY, "a-b", 3),
        tries(TODAY, "z", 10),
        tries(TODAY, "y", 1),
    ];
    add(&*store, &some, PLENTY).await;
    let in_order = expected(&[("z", 10), ("a-b", 3), ("a/b", 3), ("b", 3), ("y", 1)]);
    assert_eq!(listed(&*store, &all(9)).await, in_order);
    for size in 1..=5 {
        let mut query = all(size);
        let mut pages = Vec::new();
        loop {
            let page = store.orphans(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(last.cursor());
            pages.extend(page.iter().map(|it| (it.path.to_string(), it.hits)));
        }
        assert_eq!(pages, in_order, "in pages of {size}");
    }
}

/// A path that is a code now, or begins with one, is left out; that of a deleted link is not.
pub async fn what_leads_somewhere_now_is_not_listed(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let texts = ["wiki", "wiki/page", "docs/api", "docs/api/v1", "wikis"];
    add(&*store, &texts.map(|text| tries(TODAY, text, 1)), PLENTY).await;
    let link = samples.link("Wiki");
    insert(&*store, &link).await;
    insert(&*store, &samples.link("docs/api")).await;
    let left = expected(&[("docs/api/v1", 1), ("wikis", 1)]);
    assert_eq!(listed(&*store, &all(9)).await, left);
    updated(&*store, &change(&link, LinkEdit::Delete)).await;
    let names = ["docs/api/v1", "wiki", "wiki/page", "wikis"];
    let left = expected(&names.map(|name| (name, 1)));
    assert_eq!(listed(&*store, &all(9)).await, left);
}

/// Rows of days before a day are deleted, up to a limit at a time.
pub async fn old_orphans_are_purged_and_others_stay(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let before = YESTERDAY.previous_day().unwrap();
    let some = [
        tries(before, "a", 1),
        tries(before, "b", 1),
        tries(YESTERDAY, "a", 1),
        tries(TODAY, "a", 1),
    ];
    add(&*store, &some, PLENTY).await;
    assert_eq!(store.purge_orphans(before, 9).await.unwrap(), 0);
    assert_eq!(store.purge_orphans(TODAY, 2).await.unwrap(), 2);
    assert_eq!(store.purge_orphans(TODAY, 2).await.unwrap(), 1);
    assert_eq!(store.purge_orphans(TODAY, 2).await.unwrap(), 0);
    assert_eq!(listed(&*store, &all(9)).await, expected(&[("a", 1)]));
    // A day that was purged completely begins anew.
    let again = [tries(before, "c", 1)];
    assert_eq!(add(&*store, &again, 1).await, added(1, 0));
}

/// A deleted path is gone on all days, and comes back when it is requested again.
pub async fn an_orphan_is_forgotten(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let some = [
        tries(YESTERDAY, "wiki", 1),
        tries(TODAY, "wiki", 1),
        tries(TODAY, "wiki/page", 1),
    ];
    add(&*store, &some, PLENTY).await;
    assert!(store.delete_orphan(&path("wiki")).await.unwrap());
    assert!(!store.delete_orphan(&path("wiki")).await.unwrap());
    assert_eq!(
        listed(&*store, &all(9)).await,
        expected(&[("wiki/page", 1)])
    );
    add(&*store, &some[1..2], PLENTY).await;
    let left = expected(&[("wiki", 1), ("wiki/page", 1)]);
    assert_eq!(listed(&*store, &all(9)).await, left);
}

/// Concurrent writers lose no hits, and do not exceed the number of paths of a day.
pub async fn tries_of_writers_at_once_are_all_counted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let added = at_once(8, |number| {
        let store = store.clone();
        async move {
            let mut sum = OrphansAdded::default();
            for round in 0..5 {
                let own = format!("own-{number}-{round}");
                // The order differs, so that writers might deadlock.
                let mut batch = vec![
                    tries(TODAY, "wiki", 3),
                    tries(YESTERDAY, "wiki", 1),
                    tries(TODAY, &own, 1),
                ];
                batch.rotate_left(number % 3);
                let added = store.add_orphans(&batch, 20).await.unwrap();
                sum.added += added.added;
                sum.left_out += added.left_out;
            }
            sum
        }
    })
    .await;
    let sum = |of: fn(&OrphansAdded) -> u64| added.iter().map(of).sum::<u64>();
    assert_eq!(sum(|it| it.added + it.left_out), 8 * 5 * 5);
    let orphans = listed(&*store, &all(100)).await;
    assert_eq!(orphans[0], ("wiki".to_owned(), 8 * 5 * 4));
    assert_eq!(orphans.len(), 20);
    let kept: u64 = orphans.iter().map(|(_, hits)| hits).sum();
    assert_eq!(kept, sum(|it| it.added));
}

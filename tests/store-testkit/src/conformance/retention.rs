//! Cases of [`ClickStore`](waypost_store::ClickStore): old clicks are counted and purged, and those
//! of a deleted link are deleted with it.

use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};
use waypost_core::{Click, Link};
use waypost_store::rollup::Part;
use waypost_store::{PurgeScope, Store};

use super::rows::{assert_clicks, assert_days};
use super::{
    StoreFactory, add_user, all_of, assert_counted, insert, insert_all, ledger_of, record,
};
use crate::samples::{FAR_FUTURE, START, Samples};

/// In the middle of a millisecond.
const BOUNDARY: OffsetDateTime = datetime!(2026-03-01 12:00:00.123_456 UTC);

/// Times around [`BOUNDARY`], most of them in its millisecond, oldest first: three before it, one
/// at it, three after it.
const AROUND: [OffsetDateTime; 7] = [
    datetime!(2026-03-01 12:00:00.122_999 UTC),
    datetime!(2026-03-01 12:00:00.123 UTC),
    datetime!(2026-03-01 12:00:00.123_455 UTC),
    BOUNDARY,
    datetime!(2026-03-01 12:00:00.123_457 UTC),
    datetime!(2026-03-01 12:00:00.123_999 UTC),
    datetime!(2026-03-01 12:00:00.124 UTC),
];

/// Returns one click at each of the times, in random order.
fn clicks_at(samples: &Samples, link: &Link, moments: &[OffsetDateTime]) -> Vec<Click> {
    let mut clicks: Vec<Click> = moments
        .iter()
        .map(|at| samples.click_at(link, *at))
        .collect();
    clicks.rotate_left(moments.len() / 2);
    clicks
}

async fn older_than(store: &dyn Store, before: OffsetDateTime) -> u64 {
    store.clicks_before(before.into()).await.unwrap()
}

async fn purge(store: &dyn Store, before: OffsetDateTime, limit: u32) -> u64 {
    store.purge_clicks(before.into(), limit).await.unwrap()
}

/// A click exactly at the boundary is not older than it, one a microsecond before is.
pub async fn clicks_before_is_exact_to_the_microsecond(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 0);
    record(&*store, &clicks_at(&samples, &link, &AROUND)).await;
    for (older, at) in (0..).zip(AROUND) {
        assert_eq!(older_than(&*store, at).await, older, "{at}");
        let after = at + Duration::MICROSECOND;
        assert_eq!(older_than(&*store, after).await, older + 1, "{at}");
    }
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 7);
}

/// All click records count, of any link and age; purged ones do not.
pub async fn it_is_known_whether_there_are_so_many_clicks(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    for number in [1, 2, u64::MAX] {
        assert!(!store.has_clicks(number).await.unwrap(), "{number} of none");
    }
    for link in &links {
        record(&*store, &clicks_at(&samples, link, &AROUND)).await;
    }
    for (purged, rows) in [(0, 14), (6, 8), (8, 0)] {
        assert_eq!(purge(&*store, FAR_FUTURE, purged).await, u64::from(purged));
        for number in 0..20 {
            let has = store.has_clicks(number).await.unwrap();
            assert_eq!(has, number <= rows, "{number} of {rows}");
        }
        assert!(!store.has_clicks(u64::MAX).await.unwrap());
    }
}

/// The boundary is an instant, truncated to the microsecond as every time is, in any zone.
pub async fn the_boundary_of_age_may_be_given_in_any_zone(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    record(&*store, &clicks_at(&samples, &link, &AROUND)).await;
    for before in [
        datetime!(2026-03-01 17:30:00.123_456 +05:30),
        datetime!(2026-03-01 01:00:00.123_456 -11:00),
        BOUNDARY + Duration::nanoseconds(999),
    ] {
        assert_eq!(older_than(&*store, before).await, 3, "{before}");
    }
    let before = datetime!(2026-03-02 02:00:00.123_456_999 +14:00);
    assert_eq!(purge(&*store, before, 100).await, 3);
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 4);
}

/// Clicks at the boundary stay, even if the limit falls into its millisecond.
pub async fn purging_stops_exactly_at_the_boundary(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let clicks = clicks_at(&samples, &link, &AROUND);
    record(&*store, &clicks).await;
    for (purged, left) in [(1, 2), (1, 1), (1, 0), (0, 0)] {
        assert_eq!(purge(&*store, BOUNDARY, 1).await, purged);
        assert_eq!(older_than(&*store, BOUNDARY).await, left);
    }
    assert_counted(&*store, &link, 7, 3).await;
    let kept = clicks.iter().filter(|click| click.clicked_at >= BOUNDARY);
    assert_clicks(rows.as_deref(), kept).await;
}

/// Each step purges the oldest clicks of all links, at most its limit.
pub async fn purging_takes_the_oldest_first_within_its_limit(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let moments: Vec<OffsetDateTime> = (0..10).map(|days| START + Duration::days(days)).collect();
    // Recorded newest first, so that the order of recording is not that of age.
    let clicks: Vec<Click> = moments
        .iter()
        .enumerate()
        .map(|(number, at)| samples.click_at(&links[number % 2], *at))
        .rev()
        .collect();
    record(&*store, &clicks).await;

    assert_eq!(purge(&*store, moments[8], 0).await, 0);
    assert_eq!(purge(&*store, START, 100).await, 0);
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 10);
    for (limit, purged, gone) in [(3, 3, 3), (1, 1, 4), (3, 3, 7), (3, 1, 8), (3, 0, 8)] {
        assert_eq!(purge(&*store, moments[8], limit).await, purged);
        // Those that are gone are the oldest ones.
        assert_eq!(older_than(&*store, moments[gone]).await, 0);
        let left = 10 - u64::try_from(gone).unwrap();
        assert_eq!(older_than(&*store, FAR_FUTURE).await, left);
    }
    assert_eq!(purge(&*store, FAR_FUTURE, u32::MAX).await, 2);
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 0);
}

/// Purging deletes times and origins, never numbers.
pub async fn totals_and_rollups_survive_purging(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let old = START - Duration::days(100);
    let mut all = Vec::new();
    for (link, count) in links.iter().zip([2, 5, 0]) {
        all.extend((0..count).map(|_| samples.click_at(link, old)));
        all.extend(samples.clicks(link, 3));
    }
    record(&*store, &all).await;
    assert_days(rows.as_deref(), &all).await;
    assert_eq!(purge(&*store, START, 4).await, 4);
    assert_eq!(purge(&*store, START, 4).await, 3);
    for (link, total, purged) in [(0, 5, 2), (1, 8, 5), (2, 3, 0)] {
        assert_counted(&*store, &links[link], total, purged).await;
    }
    assert_days(rows.as_deref(), &all).await;

    // Counting continues from there, and so does purging.
    record(&*store, &samples.clicks(&links[1], 1)).await;
    record(&*store, &[samples.click_at(&links[1], old)]).await;
    assert_counted(&*store, &links[1], 10, 5).await;
    assert_eq!(purge(&*store, START, 4).await, 1);
    assert_counted(&*store, &links[1], 10, 6).await;
}

/// Deleting a link deletes its clicks, its rollup and its number of purged clicks; those of others
/// stay.
pub async fn deleting_a_link_takes_its_clicks_along(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    insert(&*store, &link).await;
    insert(&*store, &other).await;
    let kept = samples.clicks(&other, 2);
    record(&*store, &kept).await;
    record(&*store, &samples.clicks(&link, 4)).await;
    record(&*store, &[samples.click_at(&link, START - Duration::DAY)]).await;
    assert_eq!(purge(&*store, START, 10).await, 1);

    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(ledger_of(&*store, link.id).await, None);
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 2);
    assert_counted(&*store, &other, 2, 0).await;
    assert_clicks(rows.as_deref(), &kept).await;

    assert!(store.delete_link(other.id).await.unwrap());
    assert_eq!(older_than(&*store, FAR_FUTURE).await, 0);
    assert_eq!(purge(&*store, FAR_FUTURE, 10).await, 0);
    assert_clicks(rows.as_deref(), []).await;
    assert_days(rows.as_deref(), []).await;
}

/// A link that is created again, under the same code or even the same ID, starts at 0.
pub async fn a_link_that_comes_back_starts_at_zero(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let first = samples.link("wiki");
    let second = samples.link("WIKI");
    let clicks = samples.clicks(&first, 3);
    for link in [&first, &second, &first] {
        insert(&*store, link).await;
        assert_counted(&*store, link, 0, 0).await;
        record(&*store, &[samples.click_at(link, START - Duration::DAY)]).await;
        record(&*store, &samples.clicks(link, 1)).await;
        assert_eq!(purge(&*store, START, 10).await, 1);
        assert_counted(&*store, link, 2, 1).await;
        assert!(store.delete_link(link.id).await.unwrap());
    }
    // The IDs of clicks that were deleted with their link are available, too.
    insert(&*store, &first).await;
    for _ in 0..2 {
        assert_eq!(store.record_clicks(&clicks).await.unwrap(), all_of(3));
        assert_counted(&*store, &first, 3, 0).await;
        assert!(store.delete_link(first.id).await.unwrap());
        insert(&*store, &first).await;
    }
}

/// The clicks of one link can be purged separately, all of them or the old ones.
pub async fn the_clicks_of_one_link_are_purged_alone(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let [link, other, missing] = samples.links(3).try_into().expect("three");
    insert(&*store, &link).await;
    insert(&*store, &other).await;
    let of_link = clicks_at(&samples, &link, &AROUND);
    let of_other = clicks_at(&samples, &other, &AROUND);
    record(&*store, &[of_link.as_slice(), &of_other].concat()).await;
    let scope = |link: &Link, before| PurgeScope {
        before,
        link: Some(link.id),
    };

    for (link, before, found) in [
        (&link, BOUNDARY, 3),
        (&link, AROUND[0], 0),
        (&link, FAR_FUTURE, 7),
        (&missing, FAR_FUTURE, 0),
    ] {
        let counted = store.clicks_before(scope(link, before)).await.unwrap();
        assert_eq!(counted, found, "{before}");
    }
    let gone = store.purge_clicks(scope(&missing, FAR_FUTURE), 9).await;
    assert_eq!(gone.unwrap(), 0);
    for (limit, purged) in [(0, 0), (2, 2), (9, 1), (9, 0)] {
        let gone = store.purge_clicks(scope(&link, BOUNDARY), limit).await;
        assert_eq!(gone.unwrap(), purged);
    }
    assert_counted(&*store, &link, 7, 3).await;
    assert_counted(&*store, &other, 7, 0).await;
    let gone = store.purge_clicks(scope(&link, FAR_FUTURE), u32::MAX).await;
    assert_eq!(gone.unwrap(), 4);
    assert_counted(&*store, &link, 7, 7).await;
    assert_clicks(rows.as_deref(), &of_other).await;
}

/// Every number shown of a link comes from data that a purge leaves alone.
pub async fn statistics_do_not_change_by_a_purge(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    let owner = add_user(&*store, &samples, "ada").await;
    for link in &links {
        store.insert_link(link, Some(owner)).await.unwrap();
    }
    let clicks: Vec<Click> = (0..60)
        .map(|number: i32| {
            let link = &links[usize::try_from(number).unwrap() % 2];
            samples.click_at(link, START - Duration::hours(7) * number)
        })
        .collect();
    record(&*store, &clicks).await;

    let (from, to) = (date!(2000 - 01 - 01), date!(2100 - 01 - 01));
    let statistics = async || {
        let mut all = Vec::new();
        for link in &links {
            all.push((
                store.link(link.id).await.unwrap(),
                store.link_days(link.id, from, to).await.unwrap(),
                store
                    .link_day_facts(link.id, from, to, Part::All)
                    .await
                    .unwrap(),
                store.click_span(link.id).await.unwrap(),
            ));
        }
        let of_owner = (
            store.owned_days(owner, from, to).await.unwrap(),
            store.owned_total(owner).await.unwrap(),
            store.owned_top(owner, from, to, 9).await.unwrap(),
        );
        (all, of_owner)
    };
    let before = statistics().await;
    let span = before.0[0].3.expect("it was clicked");
    assert_eq!(span.last, START);
    assert_eq!(purge(&*store, START - Duration::days(3), 9).await, 9);
    assert!(store.purge_visitors(to, 5).await.unwrap() > 0);
    assert_eq!(statistics().await, before);
    assert!(store.oldest_click(links[0].id).await.unwrap() > Some(span.first));
    while purge(&*store, FAR_FUTURE, 20).await > 0 {}
    while store.purge_visitors(to, 20).await.unwrap() > 0 {}
    assert_eq!(statistics().await, before);
    assert_eq!(store.oldest_click(links[0].id).await.unwrap(), None);
}

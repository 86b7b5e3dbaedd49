//! Cases of [`LinkStore`](waypost_store::LinkStore): pages by number, and cursors.

use std::cmp::Reverse;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use waypost_core::{Link, LinkCursor, PageRequest};
use waypost_store::{LinkEdit, PageOf, Store};

use super::links::MOMENTS;
use super::{StoreFactory, add_users, assert_same, codes, insert, insert_all, update};
use crate::samples::{START, Samples};

fn page(number: u32, limit: u32) -> PageRequest {
    PageRequest::new(number, limit).unwrap()
}

fn newest_first(mut links: Vec<Link>) -> Vec<Link> {
    links.sort_by_key(|link| Reverse((link.created_at, link.id)));
    links
}

/// Returns all links, by a cursor that is written and parsed again between the steps.
async fn walk(store: &dyn Store, limit: u32) -> Vec<Link> {
    let mut seen: Vec<Link> = Vec::new();
    loop {
        let cursor = seen.last().map(|link| {
            let text = LinkCursor::from(link).to_string();
            text.parse().unwrap()
        });
        let step = store.links_after(cursor, limit).await.unwrap();
        if step.is_empty() {
            return seen;
        }
        seen.extend(step);
        assert!(seen.len() <= 1_000, "the walk does not end");
    }
}

/// Asserts that both kinds of lists show these links in this order.
async fn assert_listed(store: &dyn Store, links: &[Link]) {
    let all = store.links_page(PageOf::All, page(1, 100)).await.unwrap();
    assert_eq!(codes(&all.items), codes(links));
    assert_eq!(all.total, u64::try_from(links.len()).unwrap());
    assert_eq!(codes(&walk(store, 3).await), codes(links));
    for (shown, link) in all.items.iter().zip(links) {
        assert_same(shown, link);
    }
}

/// The newest link comes first, in whichever order they were inserted, and the total is right.
pub async fn pages_show_the_newest_first_with_the_total(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let mut links = Samples::new(1).links(25);
    links.swap(3, 20);
    links.rotate_left(11);
    insert_all(&*store, &links).await;
    let expected = newest_first(links);
    for (number, range) in [(1, 0..10), (2, 10..20), (3, 20..25)] {
        let shown = store
            .links_page(PageOf::All, page(number, 10))
            .await
            .unwrap();
        assert_eq!(codes(&shown.items), codes(&expected[range]));
        assert_eq!(shown.total, 25);
    }
    assert_listed(&*store, &expected).await;
}

/// Links of the same microsecond are in the order of their IDs.
pub async fn links_of_one_microsecond_are_in_the_order_of_their_ids(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links: Vec<Link> = (0..12)
        .map(|number| samples.link_at(&format!("tie-{number}"), START))
        .collect();
    insert_all(&*store, &links).await;
    assert_listed(&*store, &newest_first(links)).await;
}

/// Time comes before the ID, to the microsecond, whatever the zone and the number of digits.
pub async fn links_are_in_the_order_of_their_times_across_zones(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let apart: Vec<OffsetDateTime> = vec![
        datetime!(2026-07-01 12:00:00 UTC),
        datetime!(2026-07-01 12:00:00.000_001 UTC),
        datetime!(2026-07-01 12:00:00.000_01 UTC),
        datetime!(2026-07-01 17:30:00.1 +05:30),
        datetime!(2026-07-01 01:00:00.100_001 -11:00),
        datetime!(2026-07-01 12:00:00.2 UTC),
        datetime!(2026-07-01 12:00:00.999_999 UTC),
        datetime!(2026-07-01 12:00:01 UTC),
    ];
    // IDs drawn at the same moment, assigned in the opposite order of time.
    let mut ids: Vec<_> = (0..apart.len())
        .map(|_| samples.link_at("a", START).id)
        .collect();
    ids.sort_by_key(|id| Reverse(*id));
    let mut links: Vec<Link> = apart
        .into_iter()
        .zip(ids)
        .enumerate()
        .map(|(number, (at, id))| Link {
            id,
            ..samples.link_at(&format!("apart-{number}"), at)
        })
        .collect();
    for (number, at) in MOMENTS.into_iter().enumerate() {
        links.push(samples.link_at(&format!("moment-{number}"), at));
    }
    insert_all(&*store, &links).await;
    assert_listed(&*store, &newest_first(links)).await;
}

/// Each owner has pages of all links that they own, alone or with others, and so have the links
/// without an owner.
pub async fn pages_of_an_owner_and_of_nobody_show_what_is_theirs(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, bob, eve] = add_users(&*store, &samples, ["ada", "bob", "eve"]).await;
    let links = newest_first(samples.links(24));
    for (number, link) in links.iter().enumerate() {
        let owner = [None, Some(ada), Some(bob), Some(bob)][number % 4];
        store.insert_link(link, owner).await.unwrap();
        // Every fourth link is Bob's and hers; links that are shared with a user are not in that
        // user's pages.
        let edit = match number % 4 {
            3 => LinkEdit::AddOwner(ada),
            _ => LinkEdit::Share(eve),
        };
        update(&*store, link, edit).await;
    }
    for (of, kinds) in [
        (PageOf::All, &[0, 1, 2, 3][..]),
        (PageOf::Owner(ada), &[1, 3]),
        (PageOf::Owner(bob), &[2, 3]),
        (PageOf::Owner(eve), &[]),
        (PageOf::Owner(samples.user("nobody@example.com").id), &[]),
        (PageOf::Nobody, &[0]),
    ] {
        let numbered = links.iter().enumerate();
        let theirs = numbered.filter(|(number, _)| kinds.contains(&(number % 4)));
        let expected: Vec<Link> = theirs.map(|(_, link)| link.clone()).collect();
        let total = u64::try_from(expected.len()).unwrap();
        let mut shown = Vec::new();
        for number in 1..=6 {
            let part = store.links_page(of, page(number, 5)).await.unwrap();
            assert_eq!(part.total, total, "{of:?}");
            assert!(part.items.len() <= 5);
            shown.extend(part.items);
        }
        assert_eq!(codes(&shown), codes(&expected), "{of:?}");
    }
}

/// A page after the last one is empty and still has the total.
pub async fn a_page_behind_the_last_one_is_empty(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let nothing = store.links_page(PageOf::All, page(1, 10)).await.unwrap();
    assert_eq!((nothing.items, nothing.total), (vec![], 0));
    insert_all(&*store, &Samples::new(1).links(3)).await;
    for behind in [page(2, 3), page(4, 1), page(u32::MAX, 100)] {
        let shown = store.links_page(PageOf::All, behind).await.unwrap();
        assert_eq!((shown.items, shown.total), (vec![], 3));
    }
}

/// A limit of 0 returns nothing, the greatest one everything.
pub async fn cursor_limits_are_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.links_after(None, 10).await.unwrap(), vec![]);
    let links = newest_first(Samples::new(1).links(5));
    insert_all(&*store, &links).await;
    for (limit, expected) in [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (u32::MAX, 5)] {
        let shown = store.links_after(None, limit).await.unwrap();
        assert_eq!(codes(&shown), codes(&links[..expected]));
        let cursor = Some(LinkCursor::from(&links[0]));
        let shown = store.links_after(cursor, limit).await.unwrap();
        assert_eq!(codes(&shown), codes(&links[1..][..expected.min(4)]));
    }
}

/// A cursor from a link with nanoseconds, or in another zone, means the same place.
pub async fn a_cursor_means_a_microsecond_in_utc(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let at = datetime!(2026-07-01 12:00:00.123_456_999 +05:30);
    let links = newest_first(vec![
        samples.link_at("newer", at + Duration::MICROSECOND),
        samples.link_at("same", at),
        samples.link_at("older", at - Duration::MICROSECOND),
    ]);
    insert_all(&*store, &links).await;
    let cursor = Some(LinkCursor::from(&links[1]));
    let shown = store.links_after(cursor, 10).await.unwrap();
    assert_eq!(codes(&shown), ["older"]);
}

/// New links move older ones by exactly their number, and change nothing else.
pub async fn pages_move_by_what_is_inserted_and_deleted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = newest_first(samples.links(20));
    insert_all(&*store, &links).await;
    let second = async || store.links_page(PageOf::All, page(2, 5)).await.unwrap();
    assert_eq!(codes(&second().await.items), codes(&links[5..10]));

    let newer = samples.links(3);
    insert_all(&*store, &newer).await;
    let shown = second().await;
    assert_eq!(codes(&shown.items), codes(&links[2..7]));
    assert_eq!(shown.total, 23);

    // An older one: pages before it do not move.
    insert(&*store, &samples.link_at("oldest", START - Duration::DAY)).await;
    assert_eq!(codes(&second().await.items), codes(&links[2..7]));

    store.delete_link(newer[1].id).await.unwrap();
    store.delete_link(links[19].id).await.unwrap();
    let shown = second().await;
    assert_eq!(codes(&shown.items), codes(&links[3..8]));
    assert_eq!(shown.total, 22);
}

/// A walk with a cursor sees each link that stays exactly once, whatever is inserted and deleted
/// meanwhile.
pub async fn a_cursor_walk_sees_what_stayed_exactly_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    // Three links to each second, so that steps of four end within ties.
    let links: Vec<Link> = (0..30)
        .map(|number| {
            let at = START + Duration::seconds(i64::from(number / 3));
            samples.link_at(&format!("tie-{number}"), at)
        })
        .collect();
    insert_all(&*store, &links).await;
    let links = newest_first(links);

    let mut seen: Vec<Link> = Vec::new();
    for step in 0.. {
        let cursor = seen.last().map(LinkCursor::from);
        let shown = store.links_after(cursor, 4).await.unwrap();
        if shown.is_empty() {
            break;
        }
        seen.extend(shown);
        assert!(seen.len() <= 100, "the walk does not end");
        match step {
            // Newer than everything, so already passed.
            0 => insert(&*store, &samples.link_at("new", START + Duration::HOUR)).await,
            // The one that the cursor was created from, and one that was seen before.
            1 => {
                for link in [&links[7], &links[2]] {
                    assert!(store.delete_link(link.id).await.unwrap());
                }
            }
            // One that is still ahead.
            2 => assert!(store.delete_link(links[20].id).await.unwrap()),
            // A new one that is still ahead.
            3 => insert(&*store, &samples.link_at("old", START - Duration::HOUR)).await,
            _ => {}
        }
    }
    let mut expected = codes(&links);
    expected.remove(20);
    expected.push("old");
    assert_eq!(codes(&seen), expected);
}

/// A cursor is a place, not a row: it stays where it is when its link is deleted.
pub async fn the_cursor_of_a_deleted_link_still_works(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = newest_first(Samples::new(1).links(6));
    insert_all(&*store, &links).await;
    let cursor = Some(LinkCursor::from(&links[2]));
    store.delete_link(links[2].id).await.unwrap();
    let shown = store.links_after(cursor, 2).await.unwrap();
    assert_eq!(codes(&shown), codes(&links[3..5]));

    for link in &links {
        store.delete_link(link.id).await.unwrap();
    }
    assert_eq!(store.links_after(cursor, 2).await.unwrap(), vec![]);
}

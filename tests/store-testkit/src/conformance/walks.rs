//! Cases of [`CatalogStore`](waypost_store::CatalogStore): the orders of its lists, and places in
//! them.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use time::Duration;
use waypost_core::{Link, LinkCursor, LinkOrder, LinkPlace, Visibility};
use waypost_store::{LinkEdit, LinkQuery, LinkReader, Store};

use super::catalog::{all, found};
use super::{StoreFactory, add_users, codes, insert, insert_all, rename, update};
use crate::samples::{START, Samples, code, tags, words};

fn compare(order: LinkOrder, a: &Link, b: &Link) -> Ordering {
    let made = |link: &Link| (link.created_at, link.id);
    match order {
        LinkOrder::NewestFirst => made(b).cmp(&made(a)),
        LinkOrder::OldestFirst => made(a).cmp(&made(b)),
        LinkOrder::Code => a.code.as_str().cmp(b.code.as_str()),
        LinkOrder::CodeReversed => b.code.as_str().cmp(a.code.as_str()),
    }
}

fn sorted(links: &[Link], order: LinkOrder) -> Vec<Link> {
    let mut links = links.to_vec();
    links.sort_by(|a, b| compare(order, a, b));
    links
}

/// Returns the place after a link, written and parsed again as a client does it.
fn behind(link: &Link, order: LinkOrder) -> LinkPlace {
    let text = LinkPlace::behind(link, order).to_string();
    LinkPlace::parse(&text, order).unwrap()
}

/// Returns the next links of a walk.
async fn step(store: &dyn Store, query: &LinkQuery, seen: &[Link], limit: u32) -> Vec<Link> {
    let query = LinkQuery {
        after: seen.last().map(|link| behind(link, query.order)),
        limit,
        ..query.clone()
    };
    let step = store.list_links(&query).await.unwrap();
    assert!(step.len() <= usize::try_from(limit).unwrap());
    assert!(seen.len() <= 1_000, "the walk does not end");
    step
}

/// Returns everything that a query finds, in steps.
async fn walk(store: &dyn Store, query: &LinkQuery, limit: u32) -> Vec<Link> {
    let mut seen = Vec::new();
    loop {
        let links = step(store, query, &seen, limit).await;
        if links.is_empty() {
            return seen;
        }
        seen.extend(links);
    }
}

/// Creates links in random order, three to each microsecond, under codes that no collation sorts
/// like this.
fn links(samples: &Samples) -> Vec<Link> {
    let texts = [
        "b", "a-b", "ab", "A_B", "a", "0", "9", "00", "Z", "a0", "z-z", "zz", "a-a", "B1", "aa",
        "a_a", "1", "10", "2", "x", "X-1",
    ];
    let mut links: Vec<Link> = (0..)
        .zip(texts)
        .map(|(number, text)| samples.link_at(text, START + Duration::microseconds(number / 3)))
        .collect();
    links.rotate_left(5);
    links.swap(2, 11);
    links
}

/// Lists are in order of time and ID, or of the code, byte by byte, in steps of any size.
pub async fn lists_are_in_the_order_that_is_asked_for(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = links(&Samples::new(1));
    insert_all(&*store, &links).await;
    for order in LinkOrder::ALL {
        let expected = sorted(&links, order);
        let query = LinkQuery { order, ..all() };
        for limit in [1, 2, 5, 21, 100] {
            let seen = walk(&*store, &query, limit).await;
            assert_eq!(codes(&seen), codes(&expected), "{order:?}, {limit}");
        }
    }
}

/// A limit of 0 returns nothing, the greatest one everything.
pub async fn limits_of_lists_are_kept(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let links = Samples::new(1).links(5);
    for order in LinkOrder::ALL {
        let nothing = LinkQuery { order, ..all() };
        assert_eq!(store.list_links(&nothing).await.unwrap(), []);
    }
    insert_all(&*store, &links).await;
    for order in LinkOrder::ALL {
        let expected = sorted(&links, order);
        for (limit, count) in [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (u32::MAX, 5)] {
            let query = LinkQuery {
                order,
                limit,
                ..all()
            };
            let found = found(&*store, &query).await;
            assert_eq!(found, codes(&expected[..count]), "{query:?}");
        }
    }
}

/// A walk through the results of a query shows exactly these.
pub async fn a_walk_shows_what_its_query_finds(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [ada, eve] = add_users(&*store, &samples, ["ada", "eve"]).await;
    let mut links = links(&samples);
    // Of every six links: one public, two Ada's (with and without a tag), one shared with her, one
    // Eve's, and one deleted.
    for (number, link) in links.iter_mut().enumerate() {
        if number % 6 != 0 {
            link.details.visibility = Visibility::Secure;
        }
        if number % 6 != 2 {
            link.details.tags = tags(&["news"]);
        }
        let owner = [None, Some(ada), Some(ada), None, Some(eve), Some(ada)][number % 6];
        store.insert_link(link, owner).await.unwrap();
        match number % 6 {
            3 => *link = update(&*store, link, LinkEdit::Share(ada)).await,
            5 => *link = update(&*store, link, LinkEdit::Delete).await,
            _ => {}
        }
    }
    let take = |kinds: &[usize]| {
        let numbered = links.iter().enumerate();
        let of_kind = numbered.filter(|(number, _)| kinds.contains(&(number % 6)));
        of_kind.map(|(_, link)| link.clone()).collect::<Vec<Link>>()
    };
    let seen = LinkQuery {
        reader: LinkReader::User(ada),
        ..all()
    };
    let tagged = LinkQuery {
        tag: tags(&["news"]).pop(),
        words: words("exa"),
        ..seen.clone()
    };
    let own = LinkQuery {
        owner: Some(ada),
        ..tagged.clone()
    };
    let deleted = LinkQuery {
        deleted: true,
        ..tagged.clone()
    };
    for (query, expected) in [
        (seen, take(&[0, 1, 2, 3])),
        (tagged, take(&[0, 1, 3])),
        (own, take(&[1])),
        (deleted, take(&[5])),
    ] {
        for order in LinkOrder::ALL {
            let query = LinkQuery {
                order,
                ..query.clone()
            };
            let expected = sorted(&expected, order);
            for limit in [1, 2, 3, 100] {
                let shown = walk(&*store, &query, limit).await;
                assert_eq!(codes(&shown), codes(&expected), "{query:?}");
            }
        }
    }
}

/// A walk through a list sees each link that stays exactly once, whatever is created, deleted and
/// restored meanwhile. A link that gets another code may move in the order of codes, and in no
/// other.
pub async fn a_walk_sees_what_stayed_exactly_once(factory: &dyn StoreFactory) {
    for order in LinkOrder::ALL {
        let store = factory.empty_store().await;
        let samples = Samples::new(1);
        let links = links(&samples);
        insert_all(&*store, &links).await;
        let expected = sorted(&links, order);
        let query = LinkQuery { order, ..all() };
        let mut seen: Vec<Link> = Vec::new();
        // Links that are deleted or moved.
        let mut moved = BTreeSet::new();
        for number in 0.. {
            let shown = step(&*store, &query, &seen, 4).await;
            if shown.is_empty() {
                break;
            }
            seen.extend(shown);
            let next = number * 4 + 6;
            match number {
                0 => {
                    // One at each end of each order, and the one that the place was created from.
                    let ends = [("00-new", -1), ("zz-new", 1)];
                    for (text, hours) in ends {
                        let link = samples.link_at(text, START + Duration::hours(hours));
                        moved.insert(link.id);
                        insert(&*store, &link).await;
                    }
                    moved.insert(expected[3].id);
                    assert!(store.delete_link(expected[3].id).await.unwrap());
                }
                1 => {
                    // One that is still ahead, and one that was seen.
                    for link in [&expected[next], &expected[1]] {
                        moved.insert(link.id);
                        update(&*store, link, LinkEdit::Delete).await;
                    }
                }
                2 => {
                    // To the other side of the place, from either side of it.
                    let forth = if order == LinkOrder::Code {
                        "zz9"
                    } else {
                        "00-9"
                    };
                    let back = if order == LinkOrder::Code {
                        "00-9"
                    } else {
                        "zz9"
                    };
                    for (link, text) in [(&expected[next], back), (&expected[5], forth)] {
                        if matches!(order, LinkOrder::Code | LinkOrder::CodeReversed) {
                            moved.insert(link.id);
                        }
                        rename(&*store, link, text).await;
                    }
                }
                3 => {
                    // Its content changes, but not its place.
                    let content = LinkEdit::Content(expected[next].content());
                    update(&*store, &expected[next], content).await;
                }
                _ => {}
            }
        }
        let ids = |links: &[Link]| -> Vec<_> {
            let stayed = links.iter().filter(|link| !moved.contains(&link.id));
            stayed.map(|link| link.id).collect()
        };
        assert_eq!(ids(&seen), ids(&expected), "{order:?}");
        if matches!(order, LinkOrder::NewestFirst | LinkOrder::OldestFirst) {
            let all: BTreeSet<_> = seen.iter().map(|link| link.id).collect();
            assert_eq!(all.len(), seen.len(), "{order:?}");
        }
    }
}

/// A place is the former position of a link: it stays when its link is deleted, renamed or purged.
pub async fn the_place_behind_a_link_that_went_still_works(factory: &dyn StoreFactory) {
    for order in LinkOrder::ALL {
        let store = factory.empty_store().await;
        let links = links(&Samples::new(1));
        insert_all(&*store, &links).await;
        let expected = sorted(&links, order);
        let query = |link: &Link| LinkQuery {
            order,
            after: Some(behind(link, order)),
            ..all()
        };
        update(&*store, &expected[4], LinkEdit::Delete).await;
        let shown = found(&*store, &query(&expected[4])).await;
        assert_eq!(shown, codes(&expected[5..]), "{order:?}");
        assert!(store.delete_link(expected[6].id).await.unwrap());
        let shown = found(&*store, &query(&expected[6])).await;
        assert_eq!(shown, codes(&expected[7..]), "{order:?}");
        for link in &expected {
            store.delete_link(link.id).await.unwrap();
        }
        let shown = found(&*store, &query(&expected[0])).await;
        assert_eq!(shown, [""; 0]);
    }
}

/// A place from a link with nanoseconds, or in another zone or spelling, means the same.
pub async fn a_place_means_a_microsecond_and_a_code_in_any_case(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = links(&samples);
    insert_all(&*store, &links).await;
    let zone = time::UtcOffset::from_hms(5, 30, 0).unwrap();
    for order in LinkOrder::ALL {
        let expected = sorted(&links, order);
        let link = &expected[9];
        let created_at = link.created_at + Duration::nanoseconds(999);
        let place = LinkPlace {
            order,
            after: LinkCursor {
                created_at: created_at.to_offset(zone),
                id: link.id,
            },
            code: code(&link.code.as_str().to_uppercase()),
        };
        let query = LinkQuery {
            order,
            after: Some(place),
            ..all()
        };
        let shown = found(&*store, &query).await;
        assert_eq!(shown, codes(&expected[10..]), "{order:?}");
    }
}

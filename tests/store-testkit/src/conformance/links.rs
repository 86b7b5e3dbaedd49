//! Cases of [`LinkStore`](waypost_store::LinkStore): single links. Lists of them are in `lists.rs`.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use waypost_core::Link;
use waypost_store::{Counts, StoreError};

use super::{StoreFactory, assert_counted, assert_same, find, insert, record};
use crate::samples::{Samples, code, target};

/// Times that are easy to get wrong: the first possible one, offsets of half hours and of the
/// previous day, summer time, a leap day, the end of 32 bits, whole and fractional seconds.
pub(super) const MOMENTS: [OffsetDateTime; 14] = [
    datetime!(1970-01-01 00:00 UTC),
    datetime!(1970-01-01 05:30:00.000_001 +05:30),
    datetime!(2024-02-29 23:59:59.999_999 -11:00),
    datetime!(2026-03-01 12:00:00 +05:30),
    datetime!(2026-03-01 12:00:00.5 UTC),
    datetime!(2026-03-01 12:00:00.05 -11:00),
    // Berlin, March 2026: the last moment of winter time and the first of summer time.
    datetime!(2026-03-29 01:59:59.999_999 +01:00),
    datetime!(2026-03-29 03:00:00 +02:00),
    // Berlin, October 2026: half past two, twice.
    datetime!(2026-10-25 02:30:00.123_456 +02:00),
    datetime!(2026-10-25 02:30:00.123_456 +01:00),
    // New York, March 2026: half past two does not exist there.
    datetime!(2026-03-08 02:30:00.000_1 UTC),
    datetime!(2026-03-08 07:30:00 UTC),
    datetime!(2038-01-19 03:14:08 UTC),
    datetime!(2099-12-31 23:59:59.999_999 UTC),
];

/// An inserted link is found by its code, with all its fields.
pub async fn an_inserted_link_is_found_by_its_code(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    assert_eq!(store.link_by_code(&links[0].code).await.unwrap(), None);
    for link in &links {
        insert(&*store, link).await;
    }
    for link in &links {
        assert_same(&find(&*store, &link.code).await, link);
    }
    assert_eq!(store.link_by_code(&code("other")).await.unwrap(), None);
}

/// `go/CNN` is `go/cnn`, and is still shown as `CNN`.
pub async fn a_link_is_found_in_any_case_and_keeps_its_spelling(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    insert(&*store, &samples.link("Team-Wiki")).await;
    insert(&*store, &samples.link("cnn")).await;
    for (typed, spelling) in [
        ("Team-Wiki", "Team-Wiki"),
        ("team-wiki", "Team-Wiki"),
        ("TEAM-WIKI", "Team-Wiki"),
        ("CNN", "cnn"),
    ] {
        let found = find(&*store, &code(typed)).await;
        assert_eq!(found.code.spelling(), spelling);
    }
}

/// No character of a code is a wildcard, and none equals another.
pub async fn codes_that_differ_in_one_character_are_different_links(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let spellings = [
        "a_b", "a-b", "axb", "ab", "a__b", "0", "00", "o", "1e1", "10",
    ];
    let links: Vec<Link> = spellings.iter().map(|text| samples.link(text)).collect();
    for link in &links {
        insert(&*store, link).await;
    }
    for link in &links {
        assert_eq!(find(&*store, &link.code).await.id, link.id);
    }
    for unknown in ["a_bb", "aab", "x-b", "o0"] {
        let found = store.link_by_code(&code(unknown)).await.unwrap();
        assert_eq!(found, None, "{unknown}");
    }
}

/// The unique index decides about a code, whatever its spelling.
pub async fn a_taken_code_is_a_conflict_in_any_case_and_nothing_changes(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let first = samples.link("Wiki");
    insert(&*store, &first).await;
    record(&*store, &samples.clicks(&first, 2)).await;
    for text in ["Wiki", "wiki", "WIKI"] {
        let answer = store.insert_link(&samples.link(text), None).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    assert_counted(&*store, &first, 2, 0).await;
    let kept = find(&*store, &first.code).await;
    assert_same(&kept, &Link { clicks: 2, ..first });
    assert_eq!(store.counts().await.unwrap().links, 1);
}

/// An ID is assigned once.
pub async fn a_taken_id_is_a_conflict_and_nothing_changes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let first = samples.link("first");
    insert(&*store, &first).await;
    let second = Link {
        id: first.id,
        ..samples.link("second")
    };
    let answer = store.insert_link(&second, None).await;
    assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    assert_same(&find(&*store, &first.code).await, &first);
    assert_eq!(store.link_by_code(&second.code).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().links, 1);
}

/// Clicks are counted, never set.
pub async fn clicks_start_at_zero_whatever_the_link_says(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for (text, clicks) in [("some", 7), ("most", u64::MAX)] {
        let link = Link {
            clicks,
            ..samples.link(text)
        };
        insert(&*store, &link).await;
        assert_counted(&*store, &link, 0, 0).await;
        record(&*store, &samples.clicks(&link, 1)).await;
        assert_counted(&*store, &link, 1, 0).await;
    }
}

/// A deleted link is gone, the others stay, and its code is available again.
pub async fn a_deleted_link_is_gone_and_its_code_is_free(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, other) = (samples.link("wiki"), samples.link("other"));
    insert(&*store, &link).await;
    insert(&*store, &other).await;
    assert!(store.delete_link(link.id).await.unwrap());
    assert_eq!(store.link_by_code(&link.code).await.unwrap(), None);
    assert_same(&find(&*store, &other.code).await, &other);

    let next = samples.link("WIKI");
    insert(&*store, &next).await;
    assert_same(&find(&*store, &link.code).await, &next);
}

/// Deleting a missing link is not an error, and is reported.
pub async fn deleting_twice_answers_false(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (link, never) = (samples.link("wiki"), samples.link("never"));
    insert(&*store, &link).await;
    assert!(!store.delete_link(never.id).await.unwrap());
    assert!(store.delete_link(link.id).await.unwrap());
    assert!(!store.delete_link(link.id).await.unwrap());
}

/// The longest code and the longest destination are kept completely.
pub async fn the_longest_code_and_target_are_kept_whole(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let long_url = format!("https://example.com/{:a>2028}", "z");
    assert_eq!(long_url.len(), 2_048);
    // Two that differ only at their ends, so that a prefix index would confuse them.
    let longest = ["Xy".repeat(32), format!("{}9", &"Xy".repeat(32)[..63])];
    for text in &longest {
        let link = Link {
            target: target(&long_url),
            ..samples.link(text)
        };
        insert(&*store, &link).await;
        let found = find(&*store, &code(&text.to_lowercase())).await;
        assert_same(&found, &link);
        assert_eq!(found.target.as_str(), long_url);
    }
}

/// A destination is data: nothing in it is quoted, escaped or expanded.
pub async fn targets_that_look_like_sql_or_patterns_survive(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let tails = [
        "';DROP/**/TABLE/**/links;--",
        "\"quoted\"'single'`tick`",
        "back\\slash\\n\\0\\\\",
        "100%_%25_%s?a=$1&b=:b&c=@c&d=?",
        "{braces}[brackets]<angles>|^~#fragment",
        "Case-Stays-As-It-Is",
        "%F0%9F%A6%80/xn--bcher-kva/",
    ];
    for (number, tail) in tails.iter().enumerate() {
        let link = Link {
            target: target(&format!("https://example.com/{tail}")),
            ..samples.link(&number.to_string())
        };
        insert(&*store, &link).await;
        assert_same(&find(&*store, &link.code).await, &link);
    }
}

/// A time is the same instant in every zone, to the microsecond, and is returned in UTC.
pub async fn creation_times_are_the_same_instant_in_utc(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for (number, at) in MOMENTS.into_iter().enumerate() {
        let link = samples.link_at(&number.to_string(), at);
        insert(&*store, &link).await;
        let found = find(&*store, &link.code).await;
        assert_same(&found, &link);
        assert_eq!(found.created_at, at);
    }
}

/// Nanoseconds are truncated, never rounded: a time must not move into the next second, day or
/// year.
pub async fn nanoseconds_of_creation_are_cut(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    for (number, at) in MOMENTS.into_iter().enumerate() {
        let link = samples.link_at(&number.to_string(), at + Duration::nanoseconds(999));
        insert(&*store, &link).await;
        assert_eq!(find(&*store, &link.code).await.created_at, at);
    }
}

/// The counts follow insertions and deletions.
pub async fn counts_follow_inserts_and_deletes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let counts = |links| Counts { links, users: 0 };
    assert_eq!(store.counts().await.unwrap(), counts(0));
    let links = Samples::new(1).links(3);
    for (before, link) in (0..).zip(&links) {
        assert_eq!(store.counts().await.unwrap(), counts(before));
        insert(&*store, link).await;
    }
    assert_eq!(store.counts().await.unwrap(), counts(3));
    store.delete_link(links[1].id).await.unwrap();
    assert_eq!(store.counts().await.unwrap(), counts(2));
}

/// A working store answers, even if it is empty.
pub async fn a_working_store_answers_a_ping(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    store.ping().await.unwrap();
    insert(&*store, &Samples::new(1).link("a")).await;
    store.ping().await.unwrap();
}

/// Stores of one factory are independent; all other cases rely on that.
pub async fn stores_of_a_factory_are_isolated(factory: &dyn StoreFactory) {
    let (one, other) = (factory.empty_store().await, factory.empty_store().await);
    let link = Samples::new(1).link("wiki");
    insert(&*one, &link).await;
    assert_eq!(other.link_by_code(&link.code).await.unwrap(), None);
    insert(&*other, &link).await;
    assert!(one.delete_link(link.id).await.unwrap());
    assert_same(&find(&*other, &link.code).await, &link);
}

//! Cases of [`ClickStore`](waypost_store::ClickStore): recording. Ageing is in `retention.rs`,
//! recounting in `ledger.rs`.

use time::Duration;
use time::macros::{date, datetime};
use waypost_core::{Click, IpHash, Referrer, UserAgent};
use waypost_store::{Recorded, StoreError};

use super::links::MOMENTS;
use super::rows::{assert_clicks, assert_days};
use super::{StoreFactory, all_of, assert_counted, find, insert, insert_all, record};
use crate::samples::{FAR_FUTURE, Samples};

/// A click adds a click record, one to the total and one to its day.
pub async fn a_recorded_click_is_counted_everywhere(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let clicks = samples.clicks(&links[0], 3);
    for (counted, click) in (1..).zip(&clicks) {
        record(&*store, std::slice::from_ref(click)).await;
        assert_counted(&*store, &links[0], counted, 0).await;
    }
    assert_counted(&*store, &links[1], 0, 0).await;
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 3);
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_days(rows.as_deref(), &clicks).await;
}

/// Links and days may occur in any order and any number of times within a batch.
pub async fn a_batch_counts_each_link_and_day_on_its_own(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let days = [
        date!(2026 - 03 - 01),
        date!(2026 - 03 - 02),
        date!(2026 - 12 - 31),
    ];
    // The link and the day of each click, in the order of the batch.
    let plan = [
        (2, 0),
        (0, 1),
        (2, 0),
        (1, 2),
        (0, 0),
        (2, 1),
        (0, 1),
        (2, 0),
        (0, 2),
        (2, 2),
    ];
    let batch: Vec<Click> = plan
        .into_iter()
        .map(|(link, day)| Click {
            day: days[day],
            ..samples.click(&links[link])
        })
        .collect();
    record(&*store, &batch).await;
    // A second batch adds to existing days and to a new one.
    let more = [
        Click {
            day: days[1],
            ..samples.click(&links[1])
        },
        Click {
            day: days[0],
            ..samples.click(&links[2])
        },
    ];
    record(&*store, &more).await;
    for (link, total) in links.iter().zip([4, 2, 6]) {
        assert_counted(&*store, link, total, 0).await;
    }
    assert_clicks(rows.as_deref(), batch.iter().chain(&more)).await;
    assert_days(rows.as_deref(), batch.iter().chain(&more)).await;
}

/// The rollup counts a click under its given day, which depends on the server's zone.
pub async fn the_day_of_the_rollup_is_the_one_given(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    // Late in the evening in Greenwich, and already the next day in Kiritimati.
    let days = [
        date!(2026 - 03 - 02),
        date!(1970 - 01 - 01),
        date!(2099 - 12 - 31),
    ];
    let clicks = days.map(|day| Click {
        day,
        ..samples.click_at(&link, datetime!(2026-03-01 23:59:59.999_999 UTC))
    });
    record(&*store, &clicks).await;
    assert_counted(&*store, &link, 3, 0).await;
    assert_days(rows.as_deref(), &clicks).await;
}

/// An empty batch is not an error.
pub async fn an_empty_batch_records_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.record_clicks(&[]).await.unwrap(), all_of(0));
    let link = Samples::new(1).link("wiki");
    insert(&*store, &link).await;
    assert_eq!(store.record_clicks(&[]).await.unwrap(), all_of(0));
    assert_counted(&*store, &link, 0, 0).await;
}

/// Clicks on deleted links do not prevent the others from being stored.
pub async fn clicks_on_unknown_links_are_left_out_and_reported(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(4);
    let [kept, other, never, deleted] = &links[..] else {
        unreachable!()
    };
    for link in [kept, other, deleted] {
        insert(&*store, link).await;
    }
    store.delete_link(deleted.id).await.unwrap();

    let batch = [never, kept, deleted, other, never, kept].map(|link| samples.click(link));
    let expected = Recorded {
        stored: 3,
        link_gone: 3,
        ..Recorded::default()
    };
    assert_eq!(store.record_clicks(&batch).await.unwrap(), expected);
    assert_counted(&*store, kept, 2, 0).await;
    assert_counted(&*store, other, 1, 0).await;
    let stored = [&batch[1], &batch[3], &batch[5]];
    assert_clicks(rows.as_deref(), stored).await;

    let expected = Recorded {
        link_gone: 2,
        ..Recorded::default()
    };
    let batch = [never, deleted].map(|link| samples.click(link));
    assert_eq!(store.record_clicks(&batch).await.unwrap(), expected);
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 3);
    assert_eq!(store.counts().await.unwrap().links, 2);
}

/// A batch with a click that is already stored is rejected completely: replaying counts nothing
/// twice.
pub async fn a_stored_click_in_a_batch_is_a_conflict_and_nothing_counts(
    factory: &dyn StoreFactory,
) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let first = samples.clicks(&links[0], 3);
    record(&*store, &first).await;

    let mut mixed = samples.clicks(&links[0], 2);
    mixed.extend(samples.clicks(&links[1], 2));
    mixed.insert(3, first[1].clone());
    for batch in [&first[..], &first[2..], &mixed[..]] {
        let answer = store.record_clicks(batch).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    assert_counted(&*store, &links[0], 3, 0).await;
    assert_counted(&*store, &links[1], 0, 0).await;
    assert_clicks(rows.as_deref(), &first).await;

    // Without the stored click the batch is valid.
    mixed.remove(3);
    record(&*store, &mixed).await;
    assert_counted(&*store, &links[0], 5, 0).await;
    assert_counted(&*store, &links[1], 2, 0).await;
}

/// The same ID twice within one batch is as wrong as in two batches.
pub async fn a_click_id_twice_in_a_batch_is_a_conflict_and_nothing_counts(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let mut batch = samples.clicks(&links[0], 3);
    batch.push(Click {
        id: batch[0].id,
        ..samples.click(&links[1])
    });
    let answer = store.record_clicks(&batch).await;
    assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    for link in &links {
        assert_counted(&*store, link, 0, 0).await;
    }
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 0);
}

/// An unknown visitor is counted like any other.
pub async fn a_click_without_anything_about_the_visitor_is_stored(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut clicks = samples.clicks(&link, 5);
    clicks[1].ip_hash = None;
    clicks[2].user_agent = None;
    clicks[3].referrer = None;
    clicks[4] = Click {
        ip_hash: None,
        user_agent: None,
        referrer: None,
        ..clicks[4].clone()
    };
    record(&*store, &clicks).await;
    assert_counted(&*store, &link, 5, 0).await;
    assert_clicks(rows.as_deref(), &clicks).await;
}

/// Texts from visitors are data: they are not quoted, escaped, expanded or lost.
pub async fn awkward_texts_in_clicks_survive(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let texts = [
        "🦀 👩‍👩‍👧‍👦 🇩🇪 emoji of many parts",
        "\"double\" 'single' `tick` ''twice''",
        "back\\slash \\n \\0 \\' \\\\",
        "100% _under_ %s %% $1 :name @var ? ??",
        "'); DROP TABLE link_clicks; --",
        "' OR '1'='1' /* */ # ; \u{ff07}",
        "e\u{301} é ß ẞ İ ı 漢字 עברית عربى \u{200b}zero width\u{feff}",
        " leading, trailing and  double blanks ",
        "NULL",
        "\u{fffd}\u{10ffff}",
        "Straße",
        "STRASSE",
    ];
    let clicks = texts.map(|text| Click {
        user_agent: Some(UserAgent::from_stored(text.to_owned())),
        referrer: Some(Referrer::from_stored(text.to_owned())),
        ..samples.click(&link)
    });
    record(&*store, &clicks).await;
    assert_counted(&*store, &link, 12, 0).await;
    assert_clicks(rows.as_deref(), &clicks).await;
}

/// The longest texts are kept completely, even if each character takes four bytes.
pub async fn the_longest_texts_in_clicks_are_kept_whole(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let path = "p".repeat(Referrer::MAX_CHARS - "https://example.com/".len());
    let click = Click {
        ip_hash: Some(IpHash::from_bytes([0xff; 32])),
        user_agent: Some(UserAgent::from_stored("🦀".repeat(UserAgent::MAX_CHARS))),
        referrer: Some(Referrer::from_stored(format!("https://example.com/{path}"))),
        ..samples.click(&link)
    };
    record(&*store, std::slice::from_ref(&click)).await;
    assert_counted(&*store, &link, 1, 0).await;
    assert_clicks(rows.as_deref(), [&click]).await;
}

/// A click keeps its instant to the microsecond, in whichever zone it was given.
pub async fn click_times_are_the_same_instant_in_utc(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut moments = MOMENTS;
    let clicks = moments.map(|at| samples.click_at(&link, at));
    record(&*store, &clicks).await;
    assert_clicks(rows.as_deref(), &clicks).await;
    moments.sort();
    for (older, at) in (0..).zip(moments) {
        assert_eq!(store.clicks_before(at.into()).await.unwrap(), older, "{at}");
        let after = at + Duration::MICROSECOND;
        assert_eq!(
            store.clicks_before(after.into()).await.unwrap(),
            older + 1,
            "{at}"
        );
    }
}

/// Nanoseconds of a click are truncated, never rounded.
pub async fn nanoseconds_of_a_click_are_cut(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let at = datetime!(2026-12-31 23:59:59.999_999 UTC);
    let click = samples.click_at(&link, at + Duration::nanoseconds(999));
    record(&*store, std::slice::from_ref(&click)).await;
    assert_eq!(store.clicks_before(at.into()).await.unwrap(), 0);
    let after = at + Duration::MICROSECOND;
    assert_eq!(store.clicks_before(after.into()).await.unwrap(), 1);
    assert_clicks(rows.as_deref(), [&click]).await;
}

/// A batch has no maximum size, whatever a database limits in the parameters of a statement.
pub async fn a_batch_of_10000_clicks_is_stored_whole(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(4);
    insert_all(&*store, &links).await;
    let batch: Vec<Click> = (0..10_000)
        .map(|number| samples.click(&links[number % 4]))
        .collect();
    record(&*store, &batch).await;
    for link in &links {
        assert_eq!(find(&*store, &link.code).await.clicks, 2_500);
        assert_counted(&*store, link, 2_500, 0).await;
    }

    // The last click is already stored, so none of the others is stored either.
    let mut again: Vec<Click> = samples.clicks(&links[0], 9_999);
    again.push(batch[0].clone());
    let answer = store.record_clicks(&again).await;
    assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    assert_counted(&*store, &links[0], 2_500, 0).await;
}

//! Cases of [`JournalStore`](waypost_store::JournalStore), one after the other. Concurrent ones are
//! in `ingest_at_once.rs`.

use std::sync::Arc;

use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};
use waypost_core::{Click, ClickId, JournalId, Link, Referrer, UserAgent, micros};
use waypost_store::{
    ClickBatch, Dropped, Ingested, JournalPlace, JournalRecord, Recorded, Store, StoreError,
};

use super::rows::{assert_clicks, assert_days};
use super::{StoreFactory, assert_counted, insert, insert_all, record};
use crate::samples::{FAR_FUTURE, START, Samples, owner_of, take_journal};

/// Returns a batch without dropped records.
pub(super) fn batch(journal: JournalId, start: u64, clicks: &[Click]) -> Arc<ClickBatch> {
    Arc::new(ClickBatch {
        journal,
        owner: owner_of(journal),
        start,
        clicks: clicks.to_vec(),
        dropped: Dropped::default(),
        duplicates: 0,
        records: waypost_store::KeptRecords::All,
    })
}

pub(super) async fn ingest(
    store: &dyn Store,
    batch: &Arc<ClickBatch>,
) -> Result<Ingested, StoreError> {
    store.ingest(batch.clone(), START).await
}

/// Returns the answer to a batch that was settled before and is tried again.
pub(super) fn settled_before(batch: &ClickBatch) -> Ingested {
    Ingested::Elsewhere(Some(JournalPlace {
        owner: Some(batch.owner),
        committed: batch.end(),
    }))
}

/// Registers a journal at position 0.
pub(super) async fn registered(store: &dyn Store, samples: &Samples) -> JournalId {
    let id = samples.journal();
    take_journal(store, id, 0).await;
    id
}

/// Returns the record of a registered journal, and asserts that its numbers agree.
pub(super) async fn journal(store: &dyn Store, id: JournalId) -> JournalRecord {
    let record = store.journal(id).await.unwrap();
    let record = record.unwrap_or_else(|| panic!("no journal {id}"));
    assert!(record.agrees(), "{record:?}");
    record
}

fn settled(stored: u64, link_gone: u64) -> Ingested {
    Ingested::Settled(Recorded {
        stored,
        link_gone,
        ..Recorded::default()
    })
}

/// All journals are listed, whichever was registered first.
pub async fn journals_are_listed_in_the_order_of_their_ids(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    assert_eq!(store.journals().await.unwrap(), vec![]);
    let samples = Samples::new(1);
    let mut ids: Vec<JournalId> = (0..5).map(|_| samples.journal()).collect();
    ids.rotate_left(2);
    for (began, id) in (0..).zip(&ids) {
        take_journal(&*store, *id, began).await;
    }
    let listed = store.journals().await.unwrap();
    assert_eq!(listed.len(), 5);
    for record in &listed {
        assert_eq!(*record, journal(&*store, record.id).await);
    }
    ids.sort();
    let listed: Vec<JournalId> = listed.iter().map(|record| record.id).collect();
    assert_eq!(listed, ids);
}

/// Position, click records, totals and rollup move together, batch by batch.
pub async fn a_settled_batch_moves_the_position_and_counts_its_clicks(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = samples.journal();
    let registered = take_journal(&*store, id, 1_000).await;
    let clicks = samples.clicks(&link, 6);
    let mut position = 1_000;
    let mut counted = 0;
    for (minutes, part) in (1..).zip([&clicks[..1], &clicks[1..1], &clicks[1..4], &clicks[4..]]) {
        let batch = batch(id, position, part);
        let at = START + Duration::minutes(minutes) + Duration::nanoseconds(1_999);
        let answer = store.ingest(batch.clone(), at).await.unwrap();
        let count = u64::try_from(part.len()).unwrap();
        assert_eq!(answer, settled(count, 0));
        position += count;
        counted += count;
        assert_eq!(batch.end(), position);
        let expected = JournalRecord {
            committed: position,
            stored: counted,
            updated_at: micros(at),
            ..registered.clone()
        };
        assert_eq!(journal(&*store, id).await, expected);
        assert_counted(&*store, &link, counted, 0).await;
    }
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_days(rows.as_deref(), &clicks).await;
}

/// Batches with the same links and days add up.
pub async fn batches_over_many_links_and_days_add_up(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(30);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let days = [
        date!(2025 - 12 - 31),
        date!(2026 - 02 - 28),
        date!(2026 - 03 - 01),
    ];
    let mut all = Vec::new();
    for start in [0, 500, 1_000] {
        // The n-th link has n of the first 435 clicks, so all have different numbers.
        let mut clicks: Vec<Click> = (0..30)
            .flat_map(|number| std::iter::repeat_n(number, number))
            .chain((0..65).map(|number| number % 30))
            .enumerate()
            .map(|(number, link)| Click {
                day: days[number % 3],
                ..samples.click(&links[link])
            })
            .collect();
        clicks.rotate_left(77);
        let batch = batch(id, start, &clicks);
        assert_eq!(ingest(&*store, &batch).await.unwrap(), settled(500, 0));
        all.extend(clicks);
    }
    assert_eq!(journal(&*store, id).await.committed, 1_500);
    for link in &links {
        let of_link = |click: &&Click| click.link_id == link.id;
        let total = u64::try_from(all.iter().filter(of_link).count()).unwrap();
        assert_counted(&*store, link, total, 0).await;
    }
    assert_days(rows.as_deref(), &all).await;
    assert_clicks(rows.as_deref(), &all).await;
}

/// Asserts that a batch is rejected because the journal is at another position, and changes
/// nothing.
async fn assert_moved(store: &dyn Store, link: &Link, batch: &Arc<ClickBatch>) {
    let before = (
        store.journals().await.unwrap(),
        store.ledger(None, 100).await.unwrap(),
    );
    let found = store.journal(batch.journal).await.unwrap();
    let place = found.as_ref().map(JournalRecord::place);
    let answer = ingest(store, batch).await.unwrap();
    assert_eq!(answer, Ingested::Elsewhere(place));
    let after = (
        store.journals().await.unwrap(),
        store.ledger(None, 100).await.unwrap(),
    );
    assert_eq!(after, before);
    let total = before.1[0].total;
    assert_counted(store, link, total, 0).await;
}

/// A caller that does not know whether a batch was settled may try it again.
pub async fn a_batch_that_is_settled_already_changes_nothing(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let first = samples.clicks(&link, 4);
    let second = samples.clicks(&link, 3);
    for (start, clicks) in [(0, &first), (4, &second)] {
        let batch = batch(id, start, clicks);
        ingest(&*store, &batch).await.unwrap();
        let again = ingest(&*store, &batch).await.unwrap();
        assert_eq!(again, settled_before(&batch));
    }
    assert_moved(&*store, &link, &batch(id, 0, &first)).await;
    assert_moved(&*store, &link, &batch(id, 4, &second)).await;
    // Nor do new clicks at a settled position.
    assert_moved(&*store, &link, &batch(id, 3, &samples.clicks(&link, 1))).await;
    assert_clicks(rows.as_deref(), first.iter().chain(&second)).await;
}

/// Records that are already stored move the position and count nothing.
pub async fn duplicates_are_settled_and_not_counted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let clicks = samples.clicks(&link, 2);
    let mixed = Arc::new(ClickBatch {
        duplicates: 3,
        ..(*batch(id, 0, &clicks)).clone()
    });
    assert_eq!(mixed.end(), 5);
    assert_eq!(ingest(&*store, &mixed).await.unwrap(), settled(2, 0));
    let alone = Arc::new(ClickBatch {
        duplicates: 1,
        ..(*batch(id, 5, &[])).clone()
    });
    assert_eq!(ingest(&*store, &alone).await.unwrap(), settled(0, 0));
    let record = journal(&*store, id).await;
    assert_eq!((record.committed, record.stored), (6, 2));
    assert_eq!(record.duplicates, 4);
    assert_counted(&*store, &link, 2, 0).await;
}

/// Clicks with records are distinguished from others.
pub async fn clicks_that_are_stored_are_told_from_others(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    assert_eq!(store.stored_clicks(&[]).await.unwrap(), []);
    let clicks = samples.clicks(&link, 2_500);
    let (stored, others) = clicks.split_at(1_200);
    record(&*store, stored).await;
    let ids = |clicks: &[Click]| -> Vec<ClickId> { clicks.iter().map(|click| click.id).collect() };
    let mut found = store.stored_clicks(&ids(&clicks)).await.unwrap();
    found.sort();
    assert_eq!(found, ids(stored));
    assert_eq!(store.stored_clicks(&ids(others)).await.unwrap(), []);
}

/// A batch after a gap is rejected: the records in the gap would never be stored.
pub async fn a_batch_from_the_future_changes_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let clicks = samples.clicks(&link, 2);
    assert_moved(&*store, &link, &batch(id, 1, &clicks)).await;
    assert_moved(&*store, &link, &batch(id, u64::MAX, &clicks)).await;
    ingest(&*store, &batch(id, 0, &clicks)).await.unwrap();
    assert_counted(&*store, &link, 2, 0).await;
}

/// The database does not know the journal, for example because it was restored from an old backup.
pub async fn an_unknown_journal_settles_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let other = registered(&*store, &samples).await;
    let unknown = batch(samples.journal(), 0, &samples.clicks(&link, 2));
    let answer = ingest(&*store, &unknown).await.unwrap();
    assert_eq!(answer, Ingested::Elsewhere(None));
    assert_moved(&*store, &link, &unknown).await;
    assert_eq!(store.journal(unknown.journal).await.unwrap(), None);
    assert_eq!(journal(&*store, other).await.committed, 0);
}

/// Clicks on deleted links are settled, too, as dropped.
pub async fn clicks_on_deleted_links_are_dropped_and_counted(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    let [kept, deleted, never] = &links[..] else {
        unreachable!()
    };
    insert(&*store, kept).await;
    insert(&*store, deleted).await;
    store.delete_link(deleted.id).await.unwrap();
    let id = registered(&*store, &samples).await;

    let clicks = [never, kept, deleted, kept, deleted].map(|link| samples.click(link));
    let mixed = Arc::new(ClickBatch {
        dropped: Dropped {
            link_deleted: 10,
            rejected: 20,
            unreadable: 30,
            lost: 40,
        },
        ..(*batch(id, 0, &clicks)).clone()
    });
    assert_eq!(mixed.end(), 105);
    assert_eq!(ingest(&*store, &mixed).await.unwrap(), settled(2, 3));
    let dropped = Dropped {
        link_deleted: 13,
        rejected: 20,
        unreadable: 30,
        lost: 40,
    };
    let record = journal(&*store, id).await;
    assert_eq!((record.committed, record.stored), (105, 2));
    assert_eq!(record.dropped, dropped);

    let gone = [deleted, never].map(|link| samples.click(link));
    let gone = batch(id, 105, &gone);
    assert_eq!(ingest(&*store, &gone).await.unwrap(), settled(0, 2));
    let record = journal(&*store, id).await;
    assert_eq!((record.committed, record.stored), (107, 2));
    assert_eq!(record.dropped.link_deleted, 15);

    assert_counted(&*store, kept, 2, 0).await;
    assert_clicks(rows.as_deref(), [&clicks[1], &clicks[3]]).await;
}

/// Records that cannot be stored are settled all the same.
pub async fn a_batch_of_dropped_records_alone_is_settled(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let id = registered(&*store, &Samples::new(1)).await;
    let mut position = 0;
    let mut total = Dropped::default();
    for dropped in [
        Dropped {
            link_deleted: 1,
            ..Dropped::default()
        },
        Dropped {
            rejected: 2,
            ..Dropped::default()
        },
        Dropped {
            unreadable: 3,
            ..Dropped::default()
        },
        Dropped {
            lost: 4,
            ..Dropped::default()
        },
    ] {
        let batch = Arc::new(ClickBatch {
            dropped,
            ..(*batch(id, position, &[])).clone()
        });
        assert_eq!(ingest(&*store, &batch).await.unwrap(), settled(0, 0));
        position = batch.end();
        total = total.plus(&dropped);
        let record = journal(&*store, id).await;
        assert_eq!((record.committed, record.stored), (position, 0));
        assert_eq!(record.dropped, total);
    }
    assert_eq!(position, 10);
}

/// A click that another journal stored is a conflict, after which everything is as before.
pub async fn a_stored_click_in_a_batch_moves_no_position(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let first = samples.clicks(&links[0], 3);
    record(&*store, &first).await;
    let mut mixed = samples.clicks(&links[1], 3);
    mixed.insert(2, first[1].clone());
    for clicks in [&first[..], &mixed[..]] {
        let answer = ingest(&*store, &batch(id, 0, clicks)).await;
        assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    }
    let before = journal(&*store, id).await;
    assert_eq!((before.committed, before.updated_at), (0, START));
    assert_counted(&*store, &links[0], 3, 0).await;
    assert_counted(&*store, &links[1], 0, 0).await;
    assert_clicks(rows.as_deref(), &first).await;

    // Without the stored click the batch is valid.
    mixed.remove(2);
    let batch = batch(id, 0, &mixed);
    assert_eq!(ingest(&*store, &batch).await.unwrap(), settled(3, 0));
    assert_counted(&*store, &links[1], 3, 0).await;
}

/// The same ID twice within one batch is as wrong as in two batches.
pub async fn a_click_id_twice_in_a_batch_moves_no_position(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let mut clicks = samples.clicks(&links[0], 3);
    clicks.push(Click {
        id: clicks[0].id,
        ..samples.click(&links[1])
    });
    let answer = ingest(&*store, &batch(id, 0, &clicks)).await;
    assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
    assert_eq!(journal(&*store, id).await.committed, 0);
    for link in &links {
        assert_counted(&*store, link, 0, 0).await;
    }
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 0);
}

/// Texts, hashes and times are stored as they are, missing ones as missing.
pub async fn ingested_clicks_keep_everything_about_the_visitor(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let moments: [OffsetDateTime; 5] = [
        datetime!(2026-03-01 12:00 UTC),
        datetime!(2026-03-01 12:00:00.5 UTC),
        datetime!(2026-03-01 12:00:00.000_001 +14),
        datetime!(1999-12-31 23:59:59.999_999_999 UTC),
        datetime!(2099-12-31 23:59:59.120 -11:30),
    ];
    let texts = [
        "it's \"quoted\" \\n \\",
        "'); DROP TABLE links; -- $1 ? %s",
        "\t\u{1f980} \u{4e2d}\u{6587} \u{e9}",
        "NULL",
        "\\N",
    ];
    let mut clicks: Vec<Click> = moments
        .into_iter()
        .zip(texts)
        .map(|(at, text)| Click {
            user_agent: Some(UserAgent::from_stored(text.to_owned())),
            referrer: Some(Referrer::from_stored(text.to_owned())),
            ..samples.click_at(&link, at)
        })
        .collect();
    clicks[0].ip_hash = None;
    clicks[1].user_agent = None;
    clicks[2].referrer = None;
    clicks[4].user_agent = Some(UserAgent::from_stored(
        "\u{1f980}".repeat(UserAgent::MAX_CHARS),
    ));
    clicks[4].referrer = Some(Referrer::from_stored("r".repeat(Referrer::MAX_CHARS)));
    let batch = batch(id, 0, &clicks);
    assert_eq!(ingest(&*store, &batch).await.unwrap(), settled(5, 0));
    assert_clicks(rows.as_deref(), &clicks).await;
    assert_counted(&*store, &link, 5, 0).await;
}

/// A batch has no maximum size.
pub async fn a_batch_of_10000_clicks_is_settled_whole(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(4);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let clicks: Vec<Click> = (0..10_000)
        .map(|number| samples.click(&links[number % 4]))
        .collect();
    let batch = batch(id, 0, &clicks);
    assert_eq!(ingest(&*store, &batch).await.unwrap(), settled(10_000, 0));
    assert_eq!(journal(&*store, id).await.stored, 10_000);
    for link in &links {
        assert_counted(&*store, link, 2_500, 0).await;
    }
}

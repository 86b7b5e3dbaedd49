//! Cases of budgets of click records: at most a number of records of each link and day. Every click
//! counts, and is recognised when it is stored again.

use std::sync::Arc;

use time::Duration;
use waypost_core::{Click, ClickId, JournalId};
use waypost_store::{ClickBatch, Ingested, KeptRecords, Recorded, Store, StoreError};

use super::concurrency::at_once;
use super::journals::{batch, ingest, journal, registered, settled_before};
use super::rows::{assert_clicks, assert_days};
use super::{StoreFactory, assert_counted, insert, insert_all};
use crate::samples::{FAR_FUTURE, START, Samples};

/// Returns the batch with a budget of records.
pub(super) fn with_budget(batch: Arc<ClickBatch>, budget: u64) -> Arc<ClickBatch> {
    let mut batch = Arc::unwrap_or_clone(batch);
    batch.records = KeptRecords::UpTo(budget);
    Arc::new(batch)
}

/// Settles clicks with a budget of records, and returns the answer.
async fn store_up_to(
    store: &dyn Store,
    id: JournalId,
    start: u64,
    clicks: &[Click],
    budget: u64,
) -> Recorded {
    let batch = with_budget(batch(id, start, clicks), budget);
    let answer = ingest(store, &batch).await.unwrap();
    // Whoever does not know that it was settled tries again.
    let again = ingest(store, &batch).await.unwrap();
    assert_eq!(again, settled_before(&batch));
    match answer {
        Ingested::Settled(recorded) => recorded,
        moved @ Ingested::Elsewhere(_) => panic!("{moved:?}"),
    }
}

fn ids<'a>(clicks: impl IntoIterator<Item = &'a Click>) -> Vec<ClickId> {
    let mut ids: Vec<ClickId> = clicks.into_iter().map(|click| click.id).collect();
    ids.sort();
    ids
}

async fn assert_known(store: &dyn Store, clicks: &[Click]) {
    let mut known = store.stored_clicks(&ids(clicks)).await.unwrap();
    known.sort();
    assert_eq!(known, ids(clicks));
}

/// The budget is used up exactly by one batch, within one, or by several.
pub async fn the_first_clicks_of_a_link_and_day_leave_records(factory: &dyn StoreFactory) {
    for sizes in [&[5, 1, 7][..], &[20], &[3, 1, 4, 1], &[6]] {
        let (store, rows) = factory.empty_store_with_rows().await;
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        insert(&*store, &link).await;
        let id = registered(&*store, &samples).await;
        let mut clicks = samples.clicks(&link, sizes.iter().sum());
        // The order of the journal decides, not that of the times.
        clicks.reverse();
        let (mut rest, mut start) = (clicks.as_slice(), 0);
        for size in sizes {
            let (now, later) = rest.split_at(*size);
            rest = later;
            let (before, end) = (start, start + u64::try_from(*size).unwrap());
            let recorded = store_up_to(&*store, id, start, now, 5).await;
            start = end;
            let expected = Recorded {
                stored: end - before,
                link_gone: 0,
                without_record: end.saturating_sub(5) - before.saturating_sub(5),
                used_up: (before <= 5 && 5 < end)
                    .then_some((link.id, clicks[0].day))
                    .into_iter()
                    .collect(),
            };
            assert_eq!(recorded, expected, "{sizes:?}");
            assert_counted(&*store, &link, end, end.saturating_sub(5)).await;
            let without = store.clicks_without_record(link.id).await.unwrap();
            assert_eq!(without, end.saturating_sub(5));
        }
        assert_eq!(journal(&*store, id).await.stored, start);
        assert_clicks(rows.as_deref(), &clicks[..5]).await;
        assert_days(rows.as_deref(), &clicks).await;
        assert_known(&*store, &clicks).await;
        let others = samples.clicks(&link, 3);
        assert_eq!(store.stored_clicks(&ids(&others)).await.unwrap(), []);
    }
}

/// Clicks of two days and two links, mixed with those of a link that does not exist.
pub async fn every_link_and_day_has_its_own_budget(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    store.delete_link(links[2].id).await.unwrap();
    let id = registered(&*store, &samples).await;
    let today = START.date();
    let days = [today, today.previous_day().unwrap()];
    // The first link has 12 clicks today, the second 4; yesterday they have 8 and 2.
    let mut clicks = Vec::new();
    for (link, day, number) in [(0, 0, 12), (1, 0, 4), (0, 1, 8), (1, 1, 2), (2, 0, 9)] {
        clicks.extend((0..number).map(|_| Click {
            day: days[day],
            ..samples.click(&links[link])
        }));
    }
    clicks.rotate_left(7);
    let mut mixed: Vec<Click> = clicks.iter().step_by(2).cloned().collect();
    mixed.extend(clicks.iter().skip(1).step_by(2).cloned());
    let (mut stored, mut gone, mut without, mut used_up) = (0, 0, 0, Vec::new());
    for (start, part) in [(0, &mixed[..11]), (11, &mixed[11..])] {
        let recorded = store_up_to(&*store, id, start, part, 3).await;
        stored += recorded.stored;
        gone += recorded.link_gone;
        without += recorded.without_record;
        used_up.extend(recorded.used_up);
    }
    assert_eq!((stored, gone), (26, 9));
    assert_eq!(without, 9 + 1 + 5);
    used_up.sort();
    let mut expected = vec![
        (links[0].id, days[0]),
        (links[0].id, days[1]),
        (links[1].id, days[0]),
    ];
    expected.sort();
    assert_eq!(used_up, expected);
    let of = |click: &&Click, link: usize, day: usize| {
        click.link_id == links[link].id && click.day == days[day]
    };
    let mut kept = Vec::new();
    for (link, day) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        kept.extend(mixed.iter().filter(|it| of(it, link, day)).take(3));
    }
    assert_clicks(rows.as_deref(), kept).await;
    let there = mixed.iter().filter(|click| click.link_id != links[2].id);
    assert_days(rows.as_deref(), there.clone()).await;
    assert_counted(&*store, &links[0], 20, 14).await;
    assert_counted(&*store, &links[1], 6, 1).await;
    let there: Vec<Click> = there.cloned().collect();
    assert_known(&*store, &there).await;
    let gone = mixed.iter().filter(|click| click.link_id == links[2].id);
    assert_eq!(store.stored_clicks(&ids(gone)).await.unwrap(), []);
}

/// A copy of a journal stores its clicks again: with records or without, under the same budget,
/// another one or none, at once or a few at a time.
pub async fn a_click_that_is_stored_already_is_a_conflict_with_or_without_a_record(
    factory: &dyn StoreFactory,
) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let clicks = samples.clicks(&links[0], 6);
    store_up_to(&*store, id, 0, &clicks, 3).await;
    let copy = registered(&*store, &samples).await;
    let new = samples.clicks(&links[0], 2);
    let others = samples.clicks(&links[1], 4);
    for stored in &clicks {
        let with_new = [new[0].clone(), stored.clone(), new[1].clone()];
        let with_others = [&others[..], std::slice::from_ref(stored)].concat();
        let twice = [others[0].clone(), others[1].clone(), others[0].clone()];
        for again in [
            &clicks[..],
            std::slice::from_ref(stored),
            &with_new,
            &with_others,
            &twice,
        ] {
            let of_copy = batch(copy, 0, again);
            for records in [0, 1, 3, 7, 8, 100].map(KeptRecords::UpTo) {
                let mut of_copy = ClickBatch::clone(&of_copy);
                of_copy.records = records;
                let answer = ingest(&*store, &Arc::new(of_copy)).await;
                assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
            }
            let answer = ingest(&*store, &of_copy).await;
            assert!(matches!(answer, Err(StoreError::Conflict)), "{answer:?}");
        }
    }
    assert_eq!(journal(&*store, copy).await.committed, 0);
    assert_counted(&*store, &links[0], 6, 3).await;
    assert_counted(&*store, &links[1], 0, 0).await;
    assert_clicks(rows.as_deref(), &clicks[..3]).await;
    assert_eq!(store.stored_clicks(&ids(&new)).await.unwrap(), []);

    // What is not stored yet can be stored, under a budget that was raised, too.
    store_up_to(&*store, copy, 0, &new[..1], 3).await;
    store_up_to(&*store, copy, 1, &new[1..], 8).await;
    assert_counted(&*store, &links[0], 8, 4).await;
    assert_clicks(rows.as_deref(), clicks[..3].iter().chain(&new[1..])).await;
}

/// So many clicks that they are stored in another way, also after clicks that are far from the
/// budget.
pub async fn a_budget_that_is_used_up_within_a_large_batch_is_kept(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let hot = samples.clicks(&links[0], 3_200);
    let others = samples.clicks(&links[1], 660);
    let (mut rest, mut rest_of_others) = (hot.as_slice(), others.as_slice());
    let mut start = 0;
    for (number, number_of_others) in [(600, 20), (2_000, 20), (0, 600), (600, 20)] {
        let (now, later) = rest.split_at(number);
        let (others_now, others_later) = rest_of_others.split_at(number_of_others);
        (rest, rest_of_others) = (later, others_later);
        let mut clicks = now.to_vec();
        clicks.extend_from_slice(others_now);
        store_up_to(&*store, id, start, &clicks, 2_000).await;
        start += u64::try_from(clicks.len()).unwrap();
    }
    assert_counted(&*store, &links[0], 3_200, 1_200).await;
    assert_counted(&*store, &links[1], 660, 0).await;
    let all: Vec<Click> = hot.iter().chain(&others).cloned().collect();
    assert_clicks(rows.as_deref(), hot[..2_000].iter().chain(&others)).await;
    assert_days(rows.as_deref(), &all).await;
    assert_known(&*store, &all).await;
}

/// Several servers store clicks of the same link.
pub async fn journals_at_once_share_the_budget(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut parts = Vec::new();
    for _ in 0..4 {
        let id = registered(&*store, &samples).await;
        parts.push((id, samples.clicks(&link, 30)));
    }
    let answers = at_once(parts.len(), |number| {
        let (store, (id, clicks)) = (store.clone(), parts[number].clone());
        async move {
            let (mut start, mut without, mut used_up) = (0, 0, 0);
            for part in clicks.chunks(7) {
                let batch = with_budget(batch(id, start, part), 50);
                start = batch.end();
                match ingest(&*store, &batch).await.unwrap() {
                    Ingested::Settled(recorded) => {
                        without += recorded.without_record;
                        used_up += recorded.used_up.len();
                    }
                    moved @ Ingested::Elsewhere(_) => panic!("{moved:?}"),
                }
            }
            (without, used_up)
        }
    });
    let answers = answers.await;
    assert_eq!(answers.iter().map(|(without, _)| without).sum::<u64>(), 70);
    // It is used up once.
    assert_eq!(answers.iter().map(|(_, used_up)| used_up).sum::<usize>(), 1);
    assert_counted(&*store, &link, 120, 70).await;
    for (_, clicks) in &parts {
        assert_known(&*store, clicks).await;
    }
}

/// By the times of the clicks, in batches. Their numbers stay, and so do records.
pub async fn ids_of_clicks_without_records_are_purged_oldest_first(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let mut clicks: Vec<Click> = (0..9)
        .map(|days| Click {
            day: START.date(),
            ..samples.click_at(&link, START - Duration::days(days))
        })
        .collect();
    // The newest one has the only record.
    store_up_to(&*store, id, 0, &clicks, 1).await;
    clicks.reverse();
    let purge = |before, limit| store.purge_click_ids(before, limit);
    assert_eq!(purge(START - Duration::days(8), 10).await.unwrap(), 0);
    assert_eq!(purge(START, 0).await.unwrap(), 0);
    assert_known(&*store, &clicks).await;
    assert_eq!(purge(START - Duration::days(4), 3).await.unwrap(), 3);
    assert_known(&*store, &clicks[3..]).await;
    assert_eq!(purge(START - Duration::days(4), 3).await.unwrap(), 1);
    assert_eq!(purge(START - Duration::days(4), 3).await.unwrap(), 0);
    let left = store.stored_clicks(&ids(&clicks)).await.unwrap();
    assert_eq!(left.len(), 5);
    assert_known(&*store, &clicks[4..]).await;
    assert_eq!(purge(FAR_FUTURE, u32::MAX).await.unwrap(), 4);
    assert_known(&*store, &clicks[8..]).await;
    assert_counted(&*store, &link, 9, 8).await;
}

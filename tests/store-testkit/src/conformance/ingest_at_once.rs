//! Cases of [`JournalStore::ingest`](waypost_store::JournalStore::ingest) with concurrent work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::Duration;
use waypost_core::{Click, JournalId, Link};
use waypost_store::{ClickBatch, Ingested, Store};

use super::concurrency::{at_once, record_at_once};
use super::journals::{batch, ingest, journal, registered, settled_before};
use super::rows::{assert_clicks, assert_days};
use super::{StoreFactory, all_of, assert_counted, insert, insert_all, record};
use crate::samples::{START, Samples};

/// Returns the batches of a journal from position 0 on.
fn batches(journal: JournalId, parts: &[Vec<Click>]) -> Vec<Arc<ClickBatch>> {
    let mut position = 0;
    parts
        .iter()
        .map(|clicks| {
            let batch = batch(journal, position, clicks);
            position = batch.end();
            batch
        })
        .collect()
}

/// Ingests the batches one after the other; returns how many clicks were stored.
async fn ingest_all(store: Arc<dyn Store>, batches: Vec<Arc<ClickBatch>>) -> u64 {
    let mut stored = 0;
    for batch in &batches {
        match ingest(&*store, batch).await.unwrap() {
            Ingested::Settled(recorded) => stored += recorded.stored,
            moved @ Ingested::Elsewhere(_) => panic!("{moved:?}"),
        }
    }
    stored
}

/// Of many that settle the same batch one succeeds, and the others are told.
pub async fn a_batch_ingested_by_many_at_once_is_settled_once(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(5);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let mut all = Vec::new();
    for round in 0..4 {
        let clicks: Vec<Click> = (0..25)
            .map(|number| samples.click(&links[number % 5]))
            .collect();
        let batch = batch(id, round * 25, &clicks);
        let answers = at_once(8, |_| {
            let (store, batch) = (store.clone(), batch.clone());
            async move { ingest(&*store, &batch).await.unwrap() }
        })
        .await;
        let moved = settled_before(&batch);
        let (told, settled): (Vec<Ingested>, Vec<Ingested>) =
            answers.into_iter().partition(|it| *it == moved);
        assert_eq!((told.len(), settled.len()), (7, 1), "{settled:?}");
        assert_eq!(settled[0], Ingested::Settled(all_of(25)));
        all.extend(clicks);
    }
    let record = journal(&*store, id).await;
    assert_eq!((record.committed, record.stored), (100, 100));
    for link in &links {
        assert_counted(&*store, link, 20, 0).await;
    }
    assert_clicks(rows.as_deref(), &all).await;
}

/// Nodes whose visitors follow the same links do not deadlock, whatever the order of their clicks.
pub async fn two_journals_settle_clicks_on_the_same_links(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(20);
    insert_all(&*store, &links).await;
    let mut journals = Vec::new();
    for node in 0..2 {
        let id = registered(&*store, &samples).await;
        let parts: Vec<Vec<Click>> = (0..15)
            .map(|number: usize| {
                let mut clicks: Vec<Click> = links.iter().map(|link| samples.click(link)).collect();
                clicks.rotate_left(number);
                if node == 1 {
                    clicks.reverse();
                }
                clicks
            })
            .collect();
        journals.push((id, batches(id, &parts)));
    }
    let stored = at_once(2, |node| {
        ingest_all(store.clone(), journals[node].1.clone())
    })
    .await;
    assert_eq!(stored, [300, 300]);
    for (id, _) in journals {
        assert_eq!(journal(&*store, id).await.stored, 300);
    }
    for link in &links {
        assert_counted(&*store, link, 30, 0).await;
    }
}

/// Clicks with and without a journal on the same links are all counted.
pub async fn ingesting_and_recording_on_the_same_links_count_all(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(8);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let of_each = |count: usize| -> Vec<Vec<Click>> {
        let part = || links.iter().map(|link| samples.click(link)).collect();
        (0..count).map(|_| part()).collect()
    };
    let ingested = batches(id, &of_each(12));
    let mut recorded = of_each(12);
    for clicks in &mut recorded {
        clicks.reverse();
    }
    let (stored, ()) = tokio::join!(
        ingest_all(store.clone(), ingested),
        record_at_once(&store, &recorded)
    );
    assert_eq!(stored, 96);
    assert_eq!(journal(&*store, id).await.committed, 96);
    for link in &links {
        assert_counted(&*store, link, 24, 0).await;
    }
}

/// Purging old clicks while old and new ones are ingested loses none and counts none twice.
pub async fn purging_while_ingesting_keeps_the_ledger_in_agreement(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let old = |link: &Link| samples.click_at(link, START - Duration::DAY);
    let parts: Vec<Vec<Click>> = (0..16)
        .map(|_| {
            let both = |link| [samples.click(link), old(link)];
            links.iter().flat_map(both).collect()
        })
        .collect();
    let purging = at_once(2, |_| {
        let store = store.clone();
        async move {
            let mut purged = 0;
            for _ in 0..15 {
                purged += store.purge_clicks(START.into(), 5).await.unwrap();
            }
            purged
        }
    });
    let (stored, purged) = tokio::join!(ingest_all(store.clone(), batches(id, &parts)), purging);
    assert_eq!(stored, 96);
    let mut purged: u64 = purged.iter().sum();
    purged += store.purge_clicks(START.into(), u32::MAX).await.unwrap();
    assert_eq!(purged, 48);
    for link in &links {
        assert_counted(&*store, link, 32, 16).await;
    }
}

/// Each click on a link that is deleted meanwhile is stored and deleted with it, or dropped.
pub async fn a_link_can_be_deleted_while_its_clicks_are_ingested(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let [kept, deleted] = ["kept", "deleted"].map(|code| samples.link(code));
    insert(&*store, &kept).await;
    insert(&*store, &deleted).await;
    record(&*store, &samples.clicks(&deleted, 50)).await;
    let id = registered(&*store, &samples).await;
    let parts: Vec<Vec<Click>> = (0..20)
        .map(|_| [&kept, &deleted].map(|link| samples.click(link)).to_vec())
        .collect();
    let batches = batches(id, &parts);
    let ingesting = tokio::spawn(ingest_all(store.clone(), batches));
    while journal(&*store, id).await.committed < 10 && !ingesting.is_finished() {
        tokio::task::yield_now().await;
    }
    assert!(store.delete_link(deleted.id).await.unwrap());
    let stored = ingesting.await.expect("the task ends");

    let record = journal(&*store, id).await;
    assert_eq!((record.committed, record.stored), (40, stored));
    assert_eq!(record.dropped.link_deleted, 40 - stored);
    assert!((20..=40).contains(&stored), "{stored}");
    assert_counted(&*store, &kept, 20, 0).await;
    assert_eq!(store.link_by_code(&deleted.code).await.unwrap(), None);
    let left = || parts.iter().map(|clicks| &clicks[0]);
    assert_clicks(rows.as_deref(), left()).await;
    assert_days(rows.as_deref(), left()).await;
}

/// A recount never sees half a batch.
pub async fn the_ledger_agrees_at_any_moment_while_ingesting(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(4);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let parts: Vec<Vec<Click>> = (0..24)
        .map(|_| {
            let three = |link| samples.clicks(link, 3);
            links.iter().flat_map(three).collect()
        })
        .collect();
    let done = AtomicBool::new(false);
    let ingesting = async {
        let stored = ingest_all(store.clone(), batches(id, &parts)).await;
        done.store(true, Ordering::SeqCst);
        stored
    };
    let reading = async {
        // At most 50 times, to limit the load on a slow database.
        for _ in 0..50 {
            let over = done.load(Ordering::SeqCst);
            let entries = store.ledger(None, 10).await.unwrap();
            assert!(
                entries.iter().all(waypost_store::LinkLedger::agrees),
                "{entries:?}"
            );
            assert!(entries.iter().all(|it| it.total % 3 == 0), "{entries:?}");
            assert_eq!(journal(&*store, id).await.committed % 12, 0);
            if over {
                break;
            }
        }
    };
    let (stored, ()) = tokio::join!(ingesting, reading);
    assert_eq!(stored, 288);
    for link in &links {
        assert_counted(&*store, link, 72, 0).await;
    }
}

/// A caller that stops waiting does not know the outcome of the batch, and tries again.
pub async fn a_batch_whose_caller_gives_up_is_settled_whole_or_not_at_all(
    factory: &dyn StoreFactory,
) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let links = samples.links(10);
    insert_all(&*store, &links).await;
    let id = registered(&*store, &samples).await;
    let parts: Vec<Vec<Click>> = (0..12)
        .map(|_| {
            let ten = |link| samples.clicks(link, 10);
            links.iter().flat_map(ten).collect()
        })
        .collect();
    for (millis, batch) in (0..).zip(batches(id, &parts)) {
        let (shared, given_up) = (store.clone(), batch.clone());
        let task = tokio::spawn(async move { ingest(&*shared, &given_up).await });
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        task.abort();
        let settled = Ingested::Settled(all_of(100));
        let before = settled_before(&batch);
        let answer = ingest(&*store, &batch).await.unwrap();
        assert!([settled, before].contains(&answer), "{answer:?}");
    }
    assert_eq!(journal(&*store, id).await.stored, 1_200);
    for link in &links {
        assert_counted(&*store, link, 120, 0).await;
    }
    assert_clicks(rows.as_deref(), parts.iter().flatten()).await;
}

/// An ingester has a thread and a runtime of its own, which may end before the store does; another
/// one continues.
pub async fn callers_on_runtimes_of_their_own_ingest_too(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let parts: Vec<Vec<Click>> = (0..6).map(|_| samples.clicks(&link, 2)).collect();
    for two in batches(id, &parts).chunks(2) {
        let (shared, two) = (store.clone(), two.to_vec());
        let thread = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(ingest_all(shared, two))
        });
        assert_eq!(thread.await.unwrap(), 4);
        // And a caller that stays on this runtime.
        record(&*store, &samples.clicks(&link, 1)).await;
    }
    assert_eq!(journal(&*store, id).await.committed, 12);
    assert_counted(&*store, &link, 15, 0).await;
}

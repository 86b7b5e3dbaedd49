//! Cases of concurrent purges: each takes rows that the others did not take, and one that finds
//! nothing leaves nothing.

use std::sync::Arc;

use time::Duration;
use time::macros::date;
use waypost_core::{Click, OrphanPath};
use waypost_store::{LinkEdit, OrphanTries, Store, StoreError};

use super::budget::with_budget;
use super::concurrency::at_once;
use super::journals::{batch, ingest, registered};
use super::users::insert_user;
use super::{StoreFactory, add_user, assert_counted, insert, insert_all, record, update};
use crate::samples::{FAR_FUTURE, START, Samples};

/// Number of rows that a purge deletes at once.
const BATCH: u32 = 4;
/// Number of rows of each case.
const ROWS: usize = 60;

/// Runs three purges until they find nothing; returns how many rows they deleted together.
async fn purge_at_once<P, F>(store: &Arc<dyn Store>, purge: P) -> u64
where
    P: Fn(Arc<dyn Store>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<u64, StoreError>> + Send + 'static,
{
    let purged = at_once(3, |_| {
        let store = Arc::clone(store);
        async move {
            let mut purged = 0;
            loop {
                match purge(Arc::clone(&store)).await.unwrap() {
                    0 => break,
                    now => purged += now,
                }
            }
            assert_eq!(purge(store).await.unwrap(), 0, "rows were left");
            purged
        }
    });
    purged.await.into_iter().sum()
}

/// Each click is counted as purged once, and the links know how many of theirs were purged.
pub async fn purges_of_clicks_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(6);
    insert_all(&*store, &links).await;
    let clicks: Vec<Click> = (0..ROWS)
        .map(|number| samples.click(&links[number % links.len()]))
        .collect();
    record(&*store, &clicks).await;
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_clicks(FAR_FUTURE.into(), BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
    for link in &links {
        assert_counted(&*store, link, 10, 10).await;
    }
}

/// Links that are deleted meanwhile lose their clicks with them; those of others are purged.
pub async fn links_are_deleted_while_their_clicks_are_purged(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(12);
    insert_all(&*store, &links).await;
    let clicks: Vec<Click> = (0..ROWS * 2)
        .map(|number| samples.click(&links[number % links.len()]))
        .collect();
    record(&*store, &clicks).await;
    let (kept, deleted) = links.split_at(6);
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_clicks(FAR_FUTURE.into(), BATCH).await };
    let deletions = at_once(deleted.len(), |number| {
        let (store, link) = (Arc::clone(&store), deleted[number].id);
        async move { assert!(store.delete_link(link).await.unwrap()) }
    });
    let recordings = at_once(4, |_| {
        let store = Arc::clone(&store);
        let batch: Vec<Click> = links
            .iter()
            .map(|link| samples.click_at(link, FAR_FUTURE))
            .collect();
        async move {
            store.record_clicks(&batch).await.unwrap();
        }
    });
    let (purged, _, _) = tokio::join!(purge_at_once(&store, purge), deletions, recordings);
    assert!((60..=120).contains(&purged), "{purged}");
    for link in kept {
        assert_counted(&*store, link, 14, 10).await;
    }
}

/// The newest change stays.
pub async fn purges_of_changes_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    insert_all(&*store, &Samples::new(1).links(ROWS + 1)).await;
    let purge = |store: Arc<dyn Store>| async move { store.purge_changes(FAR_FUTURE, BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
}

/// Sessions of one user, as of many.
pub async fn purges_of_sessions_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let user = samples.user("ada@example.com");
    insert_user(&*store, &user).await;
    for _ in 0..ROWS {
        let (session, secret) = samples.session(&user);
        let inserted = store.insert_session(&session, &secret.hash()).await;
        inserted.unwrap();
    }
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_sessions(FAR_FUTURE, BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
}

/// Visitors of several days and links.
pub async fn purges_of_visitors_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let clicks: Vec<Click> = (0..ROWS)
        .map(|number| {
            let days = Duration::days(i64::try_from(number % 4).unwrap());
            samples.click_at(&links[number % links.len()], START - days)
        })
        .collect();
    record(&*store, &clicks).await;
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_visitors(FAR_FUTURE.date(), BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
}

/// IDs of clicks without records.
pub async fn purges_of_click_ids_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = registered(&*store, &samples).await;
    let batch = with_budget(batch(id, 0, &samples.clicks(&link, ROWS + 5)), 5);
    ingest(&*store, &batch).await.unwrap();
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_click_ids(FAR_FUTURE, BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
    assert_counted(&*store, &link, 65, 60).await;
}

/// Orphan paths of several days.
pub async fn purges_of_orphans_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let days = [date!(2026 - 02 - 27), date!(2026 - 02 - 28)];
    let tries: Vec<OrphanTries> = (0..ROWS)
        .map(|number| OrphanTries {
            day: days[number % 2],
            path: OrphanPath::parse(&format!("path-{number}")).unwrap(),
            hits: 1,
            first_at: START,
            last_at: START,
        })
        .collect();
    store.add_orphans(&tries, 1_000).await.unwrap();
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_orphans(FAR_FUTURE.date(), BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
}

/// Deleted links, each with its clicks.
pub async fn purges_of_deleted_links_at_once_delete_each_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let owner = add_user(&*store, &samples, "ada").await;
    for link in samples.links(ROWS) {
        store.insert_link(&link, Some(owner)).await.unwrap();
        update(&*store, &link, LinkEdit::Delete).await;
    }
    let kept = samples.link("kept");
    insert(&*store, &kept).await;
    let purge =
        |store: Arc<dyn Store>| async move { store.purge_deleted_links(FAR_FUTURE, BATCH).await };
    assert_eq!(purge_at_once(&store, purge).await, 60);
    assert!(store.link(kept.id).await.unwrap().is_some());
}

//! Retention: raw clicks may be deleted by age; totals and rollups outlive them.

use std::time::Duration;

use tokio::time::Instant;
use waypost_store::{PurgeScope, Store, StoreError};

/// Rows that one transaction deletes when nothing else is asked for. Few enough that a redirect
/// that waits for the transaction waits for a fraction of a second, on SQLite too.
pub const DEFAULT_PURGE_BATCH: u32 = 500;

/// A purge rests so many times as long as it deletes.
const RESTS: u32 = 3;

/// The longest pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Deletes the raw clicks within `scope`, oldest first, `batch` rows (at least 1) per transaction, and
/// gives back their number. Totals, rollups and statistics stay as they are.
///
/// After each batch `progress` is told how many rows are deleted so far, and the purge pauses for
/// three times as long as the batch took (at most a minute): it never takes more than a quarter of the
/// database's time, and redirects go on. Where one process writes at a time, as on SQLite, a loop without a
/// pause could keep the others out altogether. Others may purge at the same time.
///
/// # Errors
/// [`StoreError`] of the first batch that failed; nothing is tried again. The batches before it stay
/// deleted, and `progress` has been told their number; the next call goes on from there.
pub async fn purge(
    store: &dyn Store,
    scope: PurgeScope,
    batch: u32,
    mut progress: impl FnMut(u64),
) -> Result<u64, StoreError> {
    let batch = batch.max(1);
    let mut deleted: u64 = 0;
    loop {
        let started = Instant::now();
        let now_deleted = store.purge_clicks(scope, batch).await?;
        deleted = deleted.saturating_add(now_deleted);
        progress(deleted);
        if now_deleted == 0 {
            return Ok(deleted);
        }
        rest(started.elapsed()).await;
    }
}

/// Lets others have the database for three times as long as it was used.
pub(crate) async fn rest(used: Duration) {
    tokio::task::yield_now().await;
    tokio::time::sleep(used.saturating_mul(RESTS).min(LONGEST_PAUSE)).await;
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_store::ClickStore as _;

    use super::*;
    use crate::witness::{NEWEST, Witness};

    #[tokio::test(start_paused = true)]
    async fn old_rows_go_in_bounded_batches_and_every_number_stays() {
        let (store, link) = Witness::with_clicks(25).await;
        let mut told = Vec::new();
        let before = NEWEST - time::Duration::days(4);
        assert_eq!(store.clicks_before(before.into()).await.unwrap(), 20);
        let deleted = purge(&*store, before.into(), 10, |deleted| told.push(deleted)).await;
        assert_eq!(deleted.unwrap(), 20);
        assert_eq!(told, [10, 20, 20]);
        assert_eq!(store.clicks_before(before.into()).await.unwrap(), 0);
        assert_eq!(store.total(&link).await, 25);
        let ledger = store.ledger(None, 10).await.unwrap();
        let [link] = ledger.as_slice() else {
            panic!("one link, not {ledger:?}");
        };
        assert_eq!((link.rows, link.purged, link.rollup), (5, 20, 25));
        assert!(link.agrees());
    }

    #[tokio::test(start_paused = true)]
    async fn the_clicks_of_one_link_go_and_those_of_others_stay() {
        let (store, link) = Witness::with_clicks(5).await;
        let other = store.add_link("other").await;
        let scope = |link: &waypost_core::Link| PurgeScope {
            before: NEWEST,
            link: Some(link.id),
        };
        assert_eq!(purge(&*store, scope(&other), 10, |_| ()).await.unwrap(), 0);
        assert_eq!(purge(&*store, scope(&link), 3, |_| ()).await.unwrap(), 4);
        let all = datetime!(2100-01-01 00:00 UTC).into();
        assert_eq!(store.clicks_before(all).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_click_of_exactly_that_age_stays() {
        let (store, _) = Witness::with_clicks(1).await;
        assert_eq!(purge(&*store, NEWEST.into(), 10, |_| ()).await.unwrap(), 0);
        let later = NEWEST + time::Duration::microseconds(1);
        assert_eq!(purge(&*store, later.into(), 10, |_| ()).await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_of_nothing_is_a_batch_of_one() {
        let (store, _) = Witness::with_clicks(3).await;
        let after = datetime!(2100-01-01 00:00 UTC);
        assert_eq!(purge(&*store, after.into(), 0, |_| ()).await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_the_number_is_known_and_the_next_purge_goes_on() {
        let (store, _) = Witness::with_clicks(25).await;
        let after = datetime!(2100-01-01 00:00 UTC);
        store.seen().away_after = Some(2);
        let mut told = 0;
        let error = purge(&*store, after.into(), 10, |deleted| told = deleted).await;
        assert!(matches!(error, Err(StoreError::Unavailable { .. })));
        assert_eq!(told, 20);
        store.seen().away_after = None;
        assert_eq!(purge(&*store, after.into(), 10, |_| ()).await.unwrap(), 5);
    }
}

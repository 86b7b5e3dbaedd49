//! Retention: raw clicks may be deleted by age; totals and rollups outlive them.

use std::time::Duration;

use tokio::time::Instant;
use waypost_store::{PurgeScope, Store, StoreError};

/// Rows that one transaction deletes when nothing else is asked for. Few enough that a redirect
/// that waits for the transaction waits for a fraction of a second, on SQLite too.
pub const DEFAULT_PURGE_BATCH: u32 = 500;

/// A purge rests so many times as long as it deletes.
const RESTS: u32 = 3;

/// So long a batch is to take: what else the machine does waits for that long.
const USUAL: Duration = Duration::from_millis(10);

/// No fewer rows than these are deleted at once, unless fewer are asked for: transactions cost something, too.
const FEWEST: u32 = 100;

/// The longest pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// So few rows may always be purged, whatever share of all they are.
const ALWAYS_PURGED: u64 = 100;

/// How many clicks are within `scope`, where they are too many to be purged without somebody having
/// looked at it: more than 100, and more than half of all that there are. `None` where they are not.
///
/// An installation that purges all the time never has so many. Where it does, a clock is wrong, or a
/// retention was set (or shortened) for clicks that had long been kept.
///
/// It takes about as long as counting twice the clicks within `scope`.
///
/// # Errors
/// [`StoreError`] as for any read.
pub async fn overreaches(store: &dyn Store, scope: PurgeScope) -> Result<Option<u64>, StoreError> {
    let old = store.clicks_before(scope).await?;
    let is_much = old > ALWAYS_PURGED && !store.has_clicks(old.saturating_mul(2)).await?;
    Ok(is_much.then_some(old))
}

/// Deletes the raw clicks within `scope`, oldest first, at most `batch` rows (at least 1) per transaction,
/// and gives back their number. Totals, rollups and statistics stay as they are.
///
/// Where so many take longer than 10 ms, there are fewer in the next batches, down to 100.
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
    let mut batch = Batch::of(batch);
    let mut deleted: u64 = 0;
    loop {
        let started = Instant::now();
        let now_deleted = store.purge_clicks(scope, batch.rows()).await?;
        let took = started.elapsed();
        deleted = deleted.saturating_add(now_deleted);
        progress(deleted);
        if now_deleted == 0 {
            return Ok(deleted);
        }
        batch.took(took);
        rest(took).await;
    }
}

/// How many rows to delete at once: as many as are deleted in about [`USUAL`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    rows: u32,
    most: u32,
}

impl Batch {
    /// So many at the most, and at least 1.
    pub(crate) fn of(most: u32) -> Self {
        let most = most.max(1);
        Self { rows: most, most }
    }

    pub(crate) const fn rows(self) -> u32 {
        self.rows
    }

    /// Takes into account how long one took.
    pub(crate) fn took(&mut self, time: Duration) {
        let usual = u64::from(self.rows).saturating_mul(micros(USUAL)) / micros(time).max(1);
        let usual = u32::try_from(usual).unwrap_or(u32::MAX);
        // Slowly: a batch may have been kept waiting by something else.
        let next = usual.clamp(self.rows / 2, self.rows.saturating_mul(2));
        self.rows = next.clamp(FEWEST.min(self.most), self.most);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
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

    #[test]
    fn batches_become_as_large_as_is_done_in_the_usual_time() {
        let ms = Duration::from_millis;
        for (rows, took, most, next) in [
            (500, ms(10), 500, 500),
            (500, ms(15), 500, 333),
            // By a half or the double at the most.
            (500, ms(1_000), 500, 250),
            (150, ms(1), 500, 300),
            (400, ms(1), 500, 500),
            // Not less than the fewest, and not more than are asked for.
            (120, ms(60), 500, 100),
            (10, ms(60), 10, 10),
            (1, ms(60), 1, 1),
            (500, Duration::ZERO, 500, 500),
            (100, Duration::MAX, u32::MAX, 100),
        ] {
            let mut batch = Batch { rows, most };
            batch.took(took);
            assert_eq!(batch.rows(), next, "{rows} {took:?}");
        }
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

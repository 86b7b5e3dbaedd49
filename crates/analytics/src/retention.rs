//! Retention: purges click records by age, for which totals and daily totals are kept, and deleted
//! links, of which nothing is left.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use tokio::time::Instant;
use waypost_store::{PurgeScope, Store, StoreError};

/// Default number of records deleted per transaction. It is small enough that a redirect waits for
/// the transaction for only a fraction of a second, also on SQLite.
pub const DEFAULT_PURGE_BATCH: u32 = 500;

/// Ratio of pauses to deletions in a purge.
const RESTS: u32 = 3;

/// Target duration of a batch, for which other work of the machine may have to wait.
const USUAL: Duration = Duration::from_millis(10);

/// Minimum number of records of a batch, unless fewer are requested, because each transaction has a
/// cost.
const FEWEST: u32 = 100;

/// Maximum pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Number of records or links that may always be purged, whatever share of all they are.
const ALWAYS_PURGED: u64 = 100;

/// After every time that is stored.
const END: OffsetDateTime = datetime!(9999-12-31 00:00 UTC);

/// Returns the number of click records in `scope` if they are too many to purge without a check by
/// a person: more than 100, and more than half of all. Returns `None` otherwise.
///
/// A server that purges regularly never has that many. If it does, a clock is wrong, or a retention
/// was set or shortened for clicks that had been kept for long.
///
/// Takes about as long as counting the click records in `scope` twice.
///
/// # Errors
/// [`StoreError`] as for any read.
pub async fn overreaches(store: &dyn Store, scope: PurgeScope) -> Result<Option<u64>, StoreError> {
    let old = store.clicks_before(scope).await?;
    let is_much = old > ALWAYS_PURGED && !store.has_clicks(old.saturating_mul(2)).await?;
    Ok(is_much.then_some(old))
}

/// Returns the number of links deleted before `before` if they are too many to purge without a
/// check by a person: more than 100, and more than half of all deleted links. Returns `None`
/// otherwise.
///
/// # Errors
/// [`StoreError`] as for any read.
pub async fn overreaches_deleted(
    store: &dyn Store,
    before: OffsetDateTime,
) -> Result<Option<u64>, StoreError> {
    let old = store.deleted_links_before(before).await?;
    if old <= ALWAYS_PURGED {
        return Ok(None);
    }
    let all = store.deleted_links_before(END).await?;
    Ok((old > all / 2).then_some(old))
}

/// What one call of [`purge_deleted_batch`] deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeletedBatch {
    /// Number of click records of deleted links.
    pub records: u64,
    /// Number of links.
    pub links: u64,
}

impl DeletedBatch {
    /// Whether no link is left to purge.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.records == 0 && self.links == 0
    }
}

/// Permanently deletes a part of the links that were deleted before `before`: at most `rows` (at
/// least 1) click records of one link, or the link itself once it has none. A link with millions of
/// click records therefore does not block other writers.
///
/// A link that is restored between two calls may have lost records by then. Its totals and
/// statistics are those of before.
///
/// # Errors
/// [`StoreError`] as for any write.
pub async fn purge_deleted_batch(
    store: &dyn Store,
    before: OffsetDateTime,
    rows: u32,
) -> Result<DeletedBatch, StoreError> {
    let Some(link) = store.first_deleted_link(before).await? else {
        return Ok(DeletedBatch::default());
    };
    let scope = PurgeScope {
        // Nothing is clicked after it was deleted.
        before,
        link: Some(link),
    };
    let records = store.purge_clicks(scope, rows.max(1)).await?;
    let links = match records {
        0 => store.purge_deleted_links(before, 1).await?,
        _ => 0,
    };
    Ok(DeletedBatch { records, links })
}

/// Purges the click records in `scope`, oldest first, at most `batch` (at least 1) per transaction.
/// Returns their number. Totals, daily totals and statistics do not change.
///
/// If a batch takes longer than 10 ms, the next batches are smaller, down to 100 records.
///
/// After each batch, `progress` receives the number of records purged so far, and the purge pauses
/// for three times as long as the batch took (at most a minute). It therefore never uses more than
/// a quarter of the database's time, and redirects continue. If only one process can write at a
/// time, as on SQLite, a loop without pauses could block all others. Other processes may purge at
/// the same time.
///
/// # Errors
/// [`StoreError`] of the first batch that failed, without a retry. The batches before it stay
/// deleted, and `progress` has received their number. The next call continues there.
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

/// The number of records to delete at once: as many as take about [`USUAL`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    rows: u32,
    most: u32,
}

impl Batch {
    /// Starts with the maximum, which is at least 1.
    pub(crate) fn of(most: u32) -> Self {
        let most = most.max(1);
        Self { rows: most, most }
    }

    pub(crate) const fn rows(self) -> u32 {
        self.rows
    }

    /// Adapts the size to the duration of a batch.
    pub(crate) fn took(&mut self, time: Duration) {
        let usual = u64::from(self.rows).saturating_mul(micros(USUAL)) / micros(time).max(1);
        let usual = u32::try_from(usual).unwrap_or(u32::MAX);
        // Adapt slowly: a batch may have waited for something else.
        let next = usual.clamp(self.rows / 2, self.rows.saturating_mul(2));
        self.rows = next.clamp(FEWEST.min(self.most), self.most);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Pauses for three times the duration of a batch.
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
            // At most by half or double.
            (500, ms(1_000), 500, 250),
            (150, ms(1), 500, 300),
            (400, ms(1), 500, 500),
            // Not less than the minimum, and not more than requested.
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

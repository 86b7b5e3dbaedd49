//! Keeps the search index complete. Each release writes the words of the links that it stores;
//! links of earlier releases are indexed again in the background, also those that a server of an
//! earlier release changes meanwhile.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use waypost_store::{Store, StoreError};

use crate::metrics::LINKS_TO_INDEX;

/// Number of links of one transaction: few enough that a write waits for a fraction of a second at
/// most.
const BATCH: u32 = 200;
/// Maximum pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long to wait after a failure.
const AFTER_A_FAILURE: Duration = Duration::from_secs(30);
/// How long to wait before looking for links that a server of an earlier release changed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
/// How often the log says how far the work is, and the remaining links are counted again, which
/// other processes index, too.
const BETWEEN_REPORTS: Duration = Duration::from_secs(30);

/// How far the indexing of links is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexProgress {
    /// Number of links that were indexed.
    pub indexed: u64,
    /// Number of links still to index, as far as is known: other processes may index links, too.
    pub left: u64,
}

/// Indexes for search all links that an earlier release stored or changed, in batches, and calls
/// `report` at the start and after each batch. After each batch it pauses for as long as the batch
/// took. It can be stopped at any time: the next call goes on from there. Several processes may do
/// this at once. Returns the number of links that were indexed.
///
/// # Errors
/// [`StoreError`] as for any write; what was indexed before stays.
pub async fn index_links(
    store: &dyn Store,
    mut report: impl FnMut(IndexProgress),
) -> Result<u64, StoreError> {
    let mut progress = IndexProgress::default();
    let mut counted_at: Option<Instant> = None;
    loop {
        if counted_at.is_none_or(|at| at.elapsed() >= BETWEEN_REPORTS) {
            progress.left = store.links_to_index().await?;
            counted_at = Some(Instant::now());
        }
        report(progress);
        let started = Instant::now();
        let indexed = store.index_links(BATCH).await?;
        if indexed == 0 {
            progress.left = 0;
            report(progress);
            return Ok(progress.indexed);
        }
        progress.indexed = progress.indexed.saturating_add(indexed);
        progress.left = progress.left.saturating_sub(indexed);
        sleep(started.elapsed().min(LONGEST_PAUSE)).await;
    }
}

/// Keeps all links indexed until `stop` is cancelled: looks every minute for links to
/// [index](index_links). The log and a metric say how many are left. A failure is logged and tried
/// again after half a minute.
pub async fn keep_links_findable(store: Arc<dyn Store>, stop: CancellationToken) {
    let work = async {
        loop {
            let wait = match index_links(&*store, Reporter::default().reports()).await {
                Ok(_) => BETWEEN_LOOKS,
                Err(error) => {
                    tell(&error);
                    AFTER_A_FAILURE
                }
            };
            sleep(wait).await;
        }
    };
    let _: Option<()> = stop.run_until_cancelled(work).await;
}

/// Says in the log and in the metric how far the work is.
#[derive(Default)]
struct Reporter {
    told_at: Option<Instant>,
}

impl Reporter {
    fn reports(mut self) -> impl FnMut(IndexProgress) {
        move |progress| self.report(progress)
    }

    fn report(&mut self, IndexProgress { indexed, left }: IndexProgress) {
        gauge!(LINKS_TO_INDEX).set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
        let is_due = self
            .told_at
            .is_none_or(|at| at.elapsed() >= BETWEEN_REPORTS);
        if left > 0 && is_due {
            self.told_at = Some(Instant::now());
            tracing::info!(
                indexed,
                left,
                "indexing links of an earlier release for search"
            );
        } else if left == 0 && indexed > 0 && self.told_at.take().is_some() {
            tracing::info!(indexed, "links of an earlier release indexed for search");
        }
    }
}

fn tell(error: &StoreError) {
    tracing::warn!(%error, "cannot index links for search; trying again");
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;
    use waypost_store::MemoryStore;
    use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_tried_again_and_then_new_work_is_looked_for() {
        let store = FailingStore::<dyn Store>::new(Arc::new(MemoryStore::new()), 1).fail(
            Operation::IndexLinks,
            When::Nth(1),
            Failure::Before,
        );
        let store = Arc::new(store);
        let stop = CancellationToken::new();
        let until = AFTER_A_FAILURE + 2 * BETWEEN_LOOKS + Duration::from_secs(1);
        let work = keep_links_findable(store.clone(), stop.clone());
        assert!(timeout(until, work).await.is_err());
        assert_eq!(store.calls(Operation::IndexLinks), 4);
        stop.cancel();
        keep_links_findable(store.clone(), stop).await;
        assert_eq!(store.calls(Operation::IndexLinks), 4);
    }

    #[tokio::test]
    async fn nothing_to_index_is_reported_as_done() {
        let mut reports = Vec::new();
        let indexed = index_links(&MemoryStore::new(), |progress| reports.push(progress)).await;
        assert_eq!(indexed.unwrap(), 0);
        assert_eq!(reports, [IndexProgress::default(); 2]);
    }
}

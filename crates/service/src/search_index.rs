//! Completes the search index for links that were stored before it existed. This is done once, in
//! the background.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use waypost_store::{Store, StoreError};

/// Number of links of one transaction: few enough that a write waits for a fraction of a second at
/// most.
const BATCH: u32 = 200;
/// Maximum pause between two batches.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long to wait after a failure.
const AFTER_A_FAILURE: Duration = Duration::from_secs(30);

/// Adds all missing links to the search index, in batches, until none is left or `stop` is
/// cancelled. After each batch it pauses for as long as the batch took. A failure is logged and
/// tried again after half a minute. Several processes may do this at once.
pub async fn make_links_findable(store: Arc<dyn Store>, stop: CancellationToken) {
    let work = async {
        let mut total: u64 = 0;
        loop {
            let started = Instant::now();
            match store.index_links(BATCH).await {
                Ok(0) => break,
                Ok(indexed) => {
                    total = total.saturating_add(indexed);
                    sleep(started.elapsed().min(LONGEST_PAUSE)).await;
                }
                Err(error) => {
                    tell(&error);
                    sleep(AFTER_A_FAILURE).await;
                }
            }
        }
        if total > 0 {
            tracing::info!(links = total, "search index of existing links completed");
        }
    };
    let _: Option<()> = stop.run_until_cancelled(work).await;
}

fn tell(error: &StoreError) {
    tracing::warn!(%error, "cannot build the search index of existing links; trying again");
}

#[cfg(test)]
mod tests {
    use waypost_store::MemoryStore;
    use waypost_store_testkit::failing::{FailingStore, Failure, Operation, When};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_tried_again_and_the_end_is_an_end() {
        let store = FailingStore::<dyn Store>::new(Arc::new(MemoryStore::new()), 1).fail(
            Operation::IndexLinks,
            When::Nth(1),
            Failure::Before,
        );
        let store = Arc::new(store);
        make_links_findable(store.clone(), CancellationToken::new()).await;
        assert_eq!(store.calls(Operation::IndexLinks), 2);
    }
}

//! Releases the disk space that deleted rows left, in small steps.

use tokio::time::Instant;
use waypost_store::{Store, StoreError};

use crate::retention::{Batch, rest};

/// Maximum number of pages released per transaction: 2 MiB.
pub const RELEASE_BATCH: u32 = 500;

/// Releases all unused pages of the database's file. Returns their number.
///
/// As in a purge, a step that takes longer than 10 ms makes the next ones smaller, and after each
/// step there is a pause of three times as long as it took. Other processes may write meanwhile.
/// `progress` receives the number of pages released so far.
///
/// # Errors
/// [`StoreError`] of the first step that failed. The steps before it stay done.
pub async fn release(store: &dyn Store, mut progress: impl FnMut(u64)) -> Result<u64, StoreError> {
    let mut batch = Batch::of(RELEASE_BATCH);
    let mut released: u64 = 0;
    loop {
        let started = Instant::now();
        let now_released = store.release_space(batch.rows()).await?;
        let took = started.elapsed();
        released = released.saturating_add(now_released);
        progress(released);
        if now_released == 0 {
            return Ok(released);
        }
        batch.took(took);
        rest(took).await;
    }
}

//! Follows the change feed and forgets the links that other processes changed.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};
use waypost_store::{ChangeStore, StoreError};

use super::cache::Cache;
use super::window::{MOST_LOOKED_BACK, Window};

/// Number of changes in one answer of the store.
const PAGE: u32 = 1_000;
/// Maximum time of an answer of the feed. A slower one counts as an outage.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time without the feed after which everything is forgotten: changes are purged from it after an
/// hour.
const LONGEST_GAP: Duration = Duration::from_secs(30 * 60);

pub(super) struct Feed {
    changes: Arc<dyn ChangeStore>,
    started: Instant,
    healthy: AtomicBool,
    reading: Mutex<Reading>,
}

/// How far the feed has been read.
#[derive(Debug, Default)]
struct Reading {
    /// `None` until the first read has succeeded.
    window: Option<Window>,
    /// When the last successful read began.
    last: Option<Instant>,
    /// Whether the log already says that the feed cannot be read.
    outage_told: bool,
}

impl Feed {
    pub(super) fn new(changes: Arc<dyn ChangeStore>) -> Self {
        Self {
            changes,
            started: Instant::now(),
            healthy: AtomicBool::new(false),
            reading: Mutex::default(),
        }
    }

    /// Returns whether the last read succeeded.
    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Reads to the end of the feed, forgets what changed, and returns the number of changes.
    pub(super) async fn read(&self, cache: &Cache) -> Result<usize, StoreError> {
        let mut reading = self.reading.lock().await;
        let began = Instant::now();
        let seconds = began.saturating_duration_since(self.started).as_secs();
        cache.set_now(u32::try_from(seconds).unwrap_or(u32::MAX));
        let result = reading.go_on(&*self.changes, cache, began).await;
        self.healthy.store(result.is_ok(), Ordering::Relaxed);
        match &result {
            Ok(_) if reading.outage_told => {
                info!("receiving link changes again");
                reading.outage_told = false;
            }
            Err(error) if !reading.outage_told => {
                let error: &(dyn Error + 'static) = error;
                warn!(
                    error,
                    "cannot receive link changes from other servers; cached links are served \
                     unchanged"
                );
                reading.outage_told = true;
            }
            _ => {}
        }
        result
    }
}

impl Reading {
    async fn go_on(
        &mut self,
        changes: &dyn ChangeStore,
        cache: &Cache,
        began: Instant,
    ) -> Result<usize, StoreError> {
        let gap = self.last.map(|last| began.saturating_duration_since(last));
        if gap.is_some_and(|gap| gap >= LONGEST_GAP) {
            self.window = None;
        }
        let found = if let Some(window) = &mut self.window {
            read_pages(changes, window, cache, began).await?
        } else {
            None
        };
        let found = if let Some(found) = found {
            found
        } else {
            // Also after the database was restored from a backup: it lost changes and assigns their
            // numbers again.
            self.window = None;
            // A change committed before this moment is not reported again, so no entry loaded
            // earlier may stay. A change that commits later may have a smaller number than the
            // newest one of now: read the newest numbers before setting the floor.
            let newest = answer(changes.last_change()).await?;
            let mut window = Window::above(newest.saturating_sub(MOST_LOOKED_BACK));
            let found = read_pages(changes, &mut window, cache, began).await?;
            cache.clear();
            self.window = Some(window);
            found.unwrap_or(0)
        };
        self.last = Some(began);
        Ok(found)
    }
}

/// Reads to the end of the feed. Returns `None` when the newest change that was seen no longer
/// exists: that one is never purged.
async fn read_pages(
    changes: &dyn ChangeStore,
    window: &mut Window,
    cache: &Cache,
    began: Instant,
) -> Result<Option<usize>, StoreError> {
    let newest = window.newest();
    // Read the change at the floor again: it may be the newest one.
    let mut behind = window.floor().saturating_sub(1);
    let mut found: usize = 0;
    loop {
        let page = answer(changes.changes_after(behind, PAGE)).await?;
        let full = u32::try_from(page.len()).is_ok_and(|length| length >= PAGE);
        for change in page {
            behind = behind.max(change.seq);
            if window.note(change.seq, began) {
                match &change.code {
                    Some(code) => cache.forget(code),
                    None => cache.clear(),
                }
                found = found.saturating_add(1);
            }
        }
        if !full {
            if behind < newest {
                return Ok(None);
            }
            window.settle(began);
            return Ok(Some(found));
        }
    }
}

/// Returns the answer of the store, within [`PATIENCE`].
pub(super) async fn answer<T>(
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))
}

//! Syncs appended records to disk, on its own thread, because it waits for the disk.

use std::error::Error;
use std::fs::File;
use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use tracing::error;

use super::{Journal, State};
use crate::metrics;
use crate::settings::Durability;

/// The thread. When this is dropped, it syncs once more and ends.
#[derive(Debug)]
pub(crate) struct Syncer {
    journal: Arc<Journal>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start(journal: Arc<Journal>) -> io::Result<Self> {
        let syncing = Arc::clone(&journal);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(&syncing))?;
        Ok(Self {
            journal,
            thread: Some(thread),
        })
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.journal.state().stopping = true;
        self.journal.dirty.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits until records are appended, then for the interval, then syncs.
fn run(journal: &Journal) {
    let in_memory = journal.settings.durability == Durability::Memory;
    let interval = journal.settings.sync_interval;
    let mut failures = 0;
    loop {
        let mut state = journal.state();
        if !in_memory {
            let idle = |state: &mut State| state.unsynced.is_empty() && !state.stopping;
            let waited = journal.dirty.wait_while(state, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let waited = journal
            .dirty
            .wait_timeout_while(state, interval, |state| !state.stopping);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let files = std::mem::take(&mut state.unsynced);
        state.open_is_unsynced = false;
        let stopping = state.stopping;
        let accepted = state.next;
        drop(state);
        if in_memory {
            journal.note_accepted(accepted);
        }
        sync(journal, &files, &mut failures);
        if stopping {
            return;
        }
    }
}

fn sync(journal: &Journal, files: &[Arc<File>], failures: &mut u32) {
    if files.is_empty() {
        return;
    }
    let synced = files
        .iter()
        .try_for_each(|file| file.sync_data())
        // New files are durable only if the directory is synced too.
        .and_then(|()| journal.directory.sync());
    match synced {
        Ok(()) => *failures = 0,
        Err(failure) => {
            metrics::journal_sync_failed();
            if *failures == 0 {
                let failure: &(dyn Error + 'static) = &failure;
                error!(
                    error = failure,
                    "cannot sync the journal to disk; clicks survive a crash of this process, but \
                     not a power failure"
                );
            }
            *failures = failures.saturating_add(1);
        }
    }
}

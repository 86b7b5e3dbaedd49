//! How long settled segments are kept, and how they are deleted.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use time::OffsetDateTime;
use tracing::warn;

use super::Journal;
use super::state::State;

/// Maximum age of the first record of the open segment, after which the segment is closed, because
/// clicks are deleted by segments.
const SEGMENT_AGE: Duration = Duration::from_secs(60 * 60);

impl Journal {
    /// Returns the position up to which the database should make clicks durable, so that segments
    /// can be deleted; `None` while that is not useful.
    pub(crate) fn wants_durable(&self, now: OffsetDateTime) -> Option<u64> {
        let state = self.state();
        let (durable, settled) = (state.durable, state.settled);
        if settled <= durable {
            return None;
        }
        let wants = state.segments.has_file_end_in(durable..settled)
            || self.should_end_segment(&state, now);
        wants.then_some(settled)
    }

    /// Whether the open segment is so old that it should be closed, or contains nothing to keep.
    fn should_end_segment(&self, state: &State, now: OffsetDateTime) -> bool {
        state.segments.open_since().is_some_and(|since| {
            let is_done = state.settled == state.next && since <= self.kept_since(now);
            is_done || now - since > SEGMENT_AGE
        })
    }

    /// Marks everything before `position` as durable in the database.
    pub(crate) fn durable(&self, position: u64) {
        let mut state = self.state();
        state.durable = state.durable.max(position.min(state.settled));
    }

    /// Returns the time since which settled records are kept.
    fn kept_since(&self, now: OffsetDateTime) -> OffsetDateTime {
        let keep = time::Duration::try_from(self.settings.keep).unwrap_or(time::Duration::MAX);
        now.saturating_sub(keep)
    }

    /// Deletes segments that need not be kept, and closes the open segment if it is old.
    pub(crate) fn tidy(&self, now: OffsetDateTime) {
        {
            let mut state = self.state();
            if self.should_end_segment(&state, now) {
                state.close_segment();
            }
        }
        self.release_old(self.kept_since(now));
    }

    /// Deletes settled segments whose records all happened at or before `before`.
    pub(super) fn release_old(&self, before: OffsetDateTime) {
        let released = {
            let mut state = self.state();
            let released = state.release_old(Some(before));
            if !released.is_empty() {
                state.mark_end(&self.directory);
            }
            released
        };
        delete(&released);
    }
}

/// Deletes the files of settled segments.
pub(super) fn delete(files: &[PathBuf]) {
    for path in files {
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != ErrorKind::NotFound
        {
            // The next start tries again. Its clicks will not be stored twice.
            warn!(segment = %path.display(), %error, "cannot delete a settled journal segment");
        }
    }
}

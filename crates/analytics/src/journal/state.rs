//! What changes about an open journal, under its lock.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;
// It stands still where a test pauses time.
use tokio::time::Instant;
use tracing::warn;
use waypost_core::JournalId;

use super::directory::{self, Directory, JournalError};
use super::frame;
use super::segments::{Backing, Segment, Segments};
use crate::metrics::DropReason;

/// What changes about an open journal.
#[derive(Debug)]
pub(super) struct State {
    pub(super) id: JournalId,
    pub(super) segments: Segments,
    /// The position of the next record.
    pub(super) next: u64,
    /// The position of the first record that is not settled.
    pub(super) settled: u64,
    /// When the oldest record that is not settled was accepted, or one a little older.
    pub(super) waiting_since: Option<OffsetDateTime>,
    /// Files with something that is not on the disk yet; the last is the one being written to.
    pub(super) unsynced: Vec<Arc<File>>,
    /// Whether that one is among them.
    pub(super) open_is_unsynced: bool,
    /// What the last write failed for, and when.
    pub(super) failing: Option<(DropReason, Instant)>,
    pub(super) stopping: bool,
}

impl State {
    /// As an earlier process left it: looks for its segments, and cuts off what it did not finish.
    ///
    /// # Errors
    /// [`JournalError`], when they cannot be read or another version wrote them.
    pub(super) fn find(directory: &Directory, id: JournalId) -> Result<Self, JournalError> {
        let mut segments = Segments::default();
        let mut found = directory::segments(directory.path())?;
        directory::check_versions(&found)?;
        let mut next = 0;
        if let Some(last) = found.last_mut() {
            let frames = directory::read_frames(last).map_err(|source| JournalError::Io {
                path: last.path.clone(),
                source,
            })?;
            let extent = frame::extent(&frames, last.base);
            directory::cut_torn_tail(last, extent.bytes);
            next = last.base.saturating_add(extent.records);
        }
        let mut ends = found
            .iter()
            .skip(1)
            .map(|found| found.base)
            .collect::<Vec<_>>();
        ends.push(next);
        for (found, end) in found.into_iter().zip(ends) {
            segments.push(Segment {
                base: found.base,
                end,
                backing: Backing::File {
                    path: found.path,
                    bytes: found.bytes,
                },
            });
        }
        Ok(Self {
            id,
            segments,
            next,
            settled: 0,
            waiting_since: None,
            unsynced: Vec::new(),
            open_is_unsynced: false,
            failing: None,
            stopping: false,
        })
    }

    /// So many records were added, the oldest of which is from then.
    pub(super) fn grew(&mut self, records: u64, oldest: Option<OffsetDateTime>) {
        self.next = self.next.saturating_add(records);
        self.waiting_since = match (self.waiting_since, oldest) {
            (Some(since), Some(oldest)) => Some(since.min(oldest)),
            (since, oldest) => since.or(oldest),
        };
    }

    /// Lets go of every segment that is settled, the one that is written to included: what comes next
    /// begins a new one. Gives back the files, which are still there.
    pub(super) fn release_all_settled(&mut self) -> Vec<PathBuf> {
        self.segments.close();
        self.open_is_unsynced = false;
        self.segments.release(self.settled)
    }

    /// Notes that a write failed, with a line in the log when that is new.
    pub(super) fn failed(&mut self, reason: DropReason, error: Option<&io::Error>) -> DropReason {
        if self.failing.is_none_or(|(before, _)| before != reason) {
            let reason = reason.as_str();
            let error = error.map(|error| -> &(dyn std::error::Error + 'static) { error });
            warn!(
                reason,
                error,
                "the journal takes no clicks; redirects go on, and what is not counted is in waypost_clicks_dropped_total"
            );
        }
        self.failing = Some((reason, Instant::now()));
        reason
    }
}

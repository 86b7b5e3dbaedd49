//! The mutable state of an open journal, under its lock.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use time::OffsetDateTime;
// Stands still if a test pauses time.
use tokio::time::Instant;
use tracing::warn;
use waypost_core::JournalId;

use super::directory::{self, Directory, Found, JournalError};
use super::frame::{self, Frame, PREFIX};
use super::record;
use super::segments::{Backing, Segment, Segments, earlier};
use crate::metrics::DropReason;

/// The mutable state of an open journal.
#[derive(Debug)]
pub(super) struct State {
    pub(super) id: JournalId,
    pub(super) segments: Segments,
    /// The position of the next record.
    pub(super) next: u64,
    /// The position of the first record that is not settled.
    pub(super) settled: u64,
    /// The position up to which settled records are durable in the database.
    pub(super) durable: u64,
    /// When the oldest pending record was accepted, or a slightly earlier time.
    pub(super) waiting_since: Option<OffsetDateTime>,
    /// Files with records that are not synced to disk. The open segment is the last.
    pub(super) unsynced: Vec<Arc<File>>,
    /// Whether the open segment is one of them.
    pub(super) open_is_unsynced: bool,
    /// Why and when the last write failed.
    pub(super) failing: Option<(DropReason, Instant)>,
    pub(super) stopping: bool,
}

impl State {
    /// Loads the state that an earlier process left: finds its segments, and removes an incomplete
    /// record at the end.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read, or another version wrote them.
    pub(super) fn find(directory: &Directory, id: JournalId) -> Result<Self, JournalError> {
        let mut segments = Segments::default();
        let mut found = directory::segments(directory.path())?;
        directory::check_versions(&found)?;
        let (mut next, mut last_time) = (0, None);
        if let Some(last) = found.last_mut() {
            let frames = directory::read_frames(last).map_err(|source| JournalError::Io {
                path: last.path.clone(),
                source,
            })?;
            let extent = frame::extent(&frames, last.base);
            last_time = time_of_last(&frames, last.base);
            directory::cut_torn_tail(last, extent.bytes);
            next = last.base.saturating_add(extent.records);
        }
        let mut ends = found
            .iter()
            .skip(1)
            .map(|found| found.base)
            .collect::<Vec<_>>();
        ends.push(next);
        let times: Vec<_> = found.iter().map(time_of_first).collect();
        // No record of a segment is newer than the first of the next segment.
        let newest = times.iter().skip(1).copied().chain([last_time]);
        let times: Vec<_> = times.iter().copied().zip(newest).collect();
        for ((found, end), (oldest, newest)) in found.into_iter().zip(ends).zip(times) {
            segments.push(Segment {
                base: found.base,
                end,
                oldest,
                newest,
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
            durable: 0,
            waiting_since: None,
            unsynced: Vec::new(),
            open_is_unsynced: false,
            failing: None,
            stopping: false,
        })
    }

    /// Adds a number of records, the oldest of which happened at `oldest`.
    pub(super) fn grew(&mut self, records: u64, oldest: Option<OffsetDateTime>) {
        self.next = self.next.saturating_add(records);
        self.waiting_since = earlier(self.waiting_since, oldest);
    }

    /// Returns the position before which files are only needed if the database is restored from a
    /// backup.
    fn done(&self) -> u64 {
        self.settled.min(self.durable)
    }

    /// Closes the open segment. The next record starts a new one.
    pub(super) fn close_segment(&mut self) {
        self.segments.close();
        self.open_is_unsynced = false;
    }

    /// Removes settled segments whose newest record happened at or before `before`, and settled
    /// segments in memory. Returns the files, which are not deleted.
    pub(super) fn release_old(&mut self, before: Option<OffsetDateTime>) -> Vec<PathBuf> {
        let (settled, done) = (self.settled, self.done());
        self.segments.release(settled, |segment| {
            let is_file = matches!(segment.backing, Backing::File { .. });
            may_go(segment, done) && (!is_file || segment.newest <= before)
        })
    }

    /// Removes the oldest settled segments until there is room for a number of bytes, and if that
    /// is not enough, also the open one. Returns the files, which are not deleted.
    pub(super) fn release_for_room(&mut self, bytes: u64, max_bytes: u64) -> Vec<PathBuf> {
        let (settled, done) = (self.settled, self.done());
        let excess = self.segments.bytes().saturating_add(bytes);
        let excess = Cell::new(excess.saturating_sub(max_bytes));
        let may_go = |segment: &Segment| {
            let left = excess.get();
            let may_go = left > 0 && may_go(segment, done);
            if may_go {
                excess.set(left.saturating_sub(segment.backing.bytes()));
            }
            may_go
        };
        let mut files = self.segments.release(settled, may_go);
        if excess.get() > 0 {
            self.close_segment();
            files.extend(self.segments.release(settled, may_go));
        }
        files
    }

    /// Creates a segment at the end of the journal, if there is none. Its name tells the next
    /// process the number of records, which a database restored from a backup does not know.
    pub(super) fn mark_end(&mut self, directory: &Directory) {
        if self.segments.first().is_some() {
            return;
        }
        match directory.create_segment(self.next) {
            Ok((path, _)) => self.segments.push(Segment::marker(self.next, path)),
            // The next record creates a segment.
            Err(error) => warn!(%error, "cannot mark the end of the journal"),
        }
    }

    /// Removes all settled segments, including the open one. Returns the files, which are not
    /// deleted.
    pub(super) fn release_all(&mut self) -> Vec<PathBuf> {
        self.close_segment();
        let (settled, done) = (self.settled, self.done());
        self.segments
            .release(settled, |segment| may_go(segment, done))
    }

    /// Records that a write failed, and logs the first failure.
    pub(super) fn failed(&mut self, reason: DropReason, error: Option<&io::Error>) -> DropReason {
        if self.failing.is_none_or(|(before, _)| before != reason) {
            let reason = reason.as_str();
            let error = error.map(|error| -> &(dyn std::error::Error + 'static) { error });
            warn!(
                reason,
                error,
                "the journal cannot accept clicks; redirects continue, and dropped clicks are \
                 counted in waypost_clicks_dropped_total"
            );
        }
        self.failing = Some((reason, Instant::now()));
        reason
    }
}

/// Whether a settled segment can be removed: always in memory; a file only if its clicks are
/// durable in the database.
fn may_go(segment: &Segment, done: u64) -> bool {
    match segment.backing {
        Backing::File { .. } => segment.end <= done,
        Backing::Memory(_) | Backing::Lost => true,
    }
}

/// Returns when the first record of a segment happened, if it can be read.
fn time_of_first(found: &Found) -> Option<OffsetDateTime> {
    let frames = directory::read_first_frame(found).ok()?;
    match frame::read(&frames, found.base) {
        Frame::Record(record) => Some(record::read(record)?.click.clicked_at),
        Frame::Incomplete | Frame::Damaged => None,
    }
}

/// Returns when the newest of the good records at the beginning of `frames` happened.
fn time_of_last(frames: &[u8], base: u64) -> Option<OffsetDateTime> {
    let (mut rest, mut position, mut newest) = (frames, base, None);
    while let Frame::Record(bytes) = frame::read(rest, position) {
        newest = newest.max(record::read(bytes).map(|read| read.click.clicked_at));
        rest = rest.get(PREFIX.saturating_add(bytes.len())..)?;
        position = position.checked_add(1)?;
    }
    newest
}

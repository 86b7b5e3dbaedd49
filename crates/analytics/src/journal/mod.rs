//! The click journal: a local, append-only, checksummed log of accepted clicks that are not yet
//! stored in the database.
//! # Guarantees
//! - A click that is `Appending::written` was passed to the kernel: a killed process does not lose
//!   it. It is synced to disk within the sync interval, in case of a power failure.
//! - Every record has a *position*, the number of records before it. The database stores the
//!   position up to which a journal is settled, in the transaction that stores the clicks, so that
//!   each click is stored exactly once.
//! - A redirect never fails because of the journal. Clicks that cannot be written are counted by
//!   reason ([`DropReason`]).
//! - Damage is never taken for a click: reading continues at the next good record, and the records
//!   in between are counted.
//! - The journal never exceeds its maximum size. Settled clicks are kept for some time, to store
//!   them again after the database is restored from a backup. They make room for pending clicks,
//!   but not before they are as durable as the database guarantees.
//!
//! | subject | file |
//! | --- | --- |
//! | the bytes of a record | `record.rs` |
//! | the bytes of a segment | `frame.rs`; reading past damage `frame/recovery.rs` |
//! | groups of clicks that are written together | `group.rs` |
//! | files, lock and id | `directory.rs` |
//! | modes of the files | `modes.rs` |
//! | the processes that used it | `lineage.rs` |
//! | the list of segments | `segments.rs` |
//! | how long settled segments are kept | `keeping.rs` |
//! | mutable state, under the lock | `state.rs` |
//! | reading | `cursor.rs` |
//! | settled position, and waiting for it | `progress.rs` |
//! | syncing to disk | `syncer.rs` |
//! | clicks that the database rejected | `set_aside.rs`; retrying them `retries.rs` |
//! | inspecting a journal from outside | `status.rs` |
//! | functions for fuzz targets | `fuzzing.rs` |
//! # One `write(2)` for several clicks Measured against a handler without clicks, on one core with
//! 64 connections: with one `write(2)` per click under a lock, a redirect took 1.34 times the CPU
//! time, 11% of it for the write; with one for each turn of the worker (`group.rs`), it took 1.22
//! times. A memory-mapped segment took 200 ns per click instead of 470 ns, but needs `unsafe`, and
//! a full or failing disk would end the process by a signal, while `write` returns an error.

mod cursor;
mod directory;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod keeping;
mod lineage;
mod modes;
mod progress;
mod record;
mod retries;
mod segments;
mod set_aside;
mod state;
mod status;
mod syncer;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Notify;
use tracing::{info, warn};
use waypost_core::JournalId;

pub(crate) use cursor::{Cursor, Records};
pub use directory::JournalError;
use directory::{Directory, accepted_bytes};
pub(crate) use group::Appending;
use group::{Group, Lanes, Written};
use keeping::delete;
pub(crate) use lineage::Lineage;
pub(crate) use progress::{Progress, Settled};
pub(crate) use record::ClickRecord;
pub use retries::{Retries, Retry};
use segments::{Backing, Segment, Times};
pub(crate) use set_aside::SetAside;
pub use set_aside::set_aside;
use state::State;
pub use status::{JournalStatus, Pending, SegmentStatus};
use syncer::Syncer;

use crate::metrics::{self, DropReason};
use crate::settings::{Durability, JournalSettings};

/// Maximum size of a segment. A smaller journal has smaller ones, so that it has several.
const SEGMENT_BYTES: u64 = 8 * 1_024 * 1_024;
const SEGMENTS_PER_JOURNAL: u64 = 8;
/// Maximum size of pending clicks in memory, whatever the maximum size of the journal.
const MAX_MEMORY_BYTES: u64 = 64 * 1_024 * 1_024;
/// Minimum time between a failed write and the next attempt, so that a full disk does not slow down
/// redirects.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// With durability `memory`, the number of accepted clicks is recorded every `NOTED_EVERY` clicks
/// and at each sync. After a kill, it is known up to this many clicks.
const NOTED_EVERY: u64 = 64;

/// The journal of one data directory, which only this process uses.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    settings: JournalSettings,
    /// Maximum size of the journal and of a segment, in bytes.
    max_bytes: u64,
    segment_bytes: u64,
    /// The file of the number of accepted clicks, with durability `memory`.
    accepted: Option<File>,
    /// Clicks that are not yet written to segments.
    lanes: Lanes,
    state: Mutex<State>,
    /// Wakes the ingester when records are appended.
    grown: Notify,
    /// Wakes the syncer when there is something to sync.
    dirty: Condvar,
    progress: Progress,
}

impl Journal {
    /// Returns the directory of the journal of a data directory.
    #[must_use]
    pub fn directory_in(data_dir: &Path) -> PathBuf {
        data_dir.join("journal")
    }

    /// Opens the journal in `directory`, or creates one with the ID `new_id`. Finds the records of
    /// earlier processes, and removes an incomplete record at the end.
    ///
    /// Clicks must not be appended before an [`Ingester`](crate::Ingester) has begun.
    ///
    /// # Errors
    /// [`JournalError`], in particular [`JournalError::Locked`] if another process uses it.
    pub fn open(
        directory: &Path,
        settings: &JournalSettings,
        new_id: JournalId,
    ) -> Result<Arc<Self>, JournalError> {
        let directory = Directory::open(directory)?;
        let id = directory.id(new_id)?;
        Lineage::check(directory.path())?;
        let state = State::find(&directory, id)?;
        let max_bytes = match settings.durability {
            Durability::Memory => settings.max_bytes.min(MAX_MEMORY_BYTES),
            Durability::Journal | Durability::Commit => settings.max_bytes,
        };
        let accepted = match settings.durability {
            Durability::Memory => Some(directory.accepted_file()?),
            Durability::Journal | Durability::Commit => None,
        };
        Ok(Arc::new(Self {
            directory,
            settings: settings.clone(),
            max_bytes,
            segment_bytes: SEGMENT_BYTES.min(max_bytes / SEGMENTS_PER_JOURNAL),
            accepted,
            lanes: Lanes::default(),
            state: Mutex::new(state),
            grown: Notify::new(),
            dirty: Condvar::new(),
            progress: Progress::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when a redirect is sent.
    #[must_use]
    pub const fn durability(&self) -> Durability {
        self.settings.durability
    }

    /// Returns the ID of the journal in the database.
    #[must_use]
    pub fn id(&self) -> JournalId {
        self.state().id
    }

    /// Returns the position of the oldest record in the journal.
    #[must_use]
    pub fn first(&self) -> u64 {
        let state = self.state();
        state.segments.first().unwrap_or(state.next)
    }

    /// Returns the processes that used the journal under its ID.
    pub(crate) fn lineage(&self) -> Lineage {
        Lineage::read(self.directory.path())
    }

    /// Records the processes that used the journal under its ID.
    ///
    /// # Errors
    /// [`JournalError::Io`] if the file cannot be written; it is unchanged then.
    pub(crate) fn note_lineage(&self, lineage: &Lineage) -> Result<(), JournalError> {
        lineage.write(&self.directory)
    }

    /// Returns the journal whose clicks this one retries; `None` for ordinary journals.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub(crate) fn retry_of(&self) -> Result<Option<JournalId>, JournalError> {
        retries::retry_of(self.directory.path())
    }

    /// Changes the ID of the journal.
    ///
    /// # Errors
    /// [`JournalError::Io`] if the ID cannot be written; it is unchanged then.
    pub(crate) fn rename(&self, id: JournalId) -> Result<(), JournalError> {
        self.directory.rename(id)?;
        self.state().id = id;
        Ok(())
    }

    /// Starts accepting clicks. `committed` is the position of the journal in the database:
    /// everything before it is settled. `reported` is the end position that the previous process
    /// last reported to the database: records missing before it are lost.
    pub(crate) fn begin(&self, committed: u64, reported: u64) {
        let accepted = match self.durability() {
            // Redirects were sent only after their clicks were stored.
            Durability::Commit => self.directory.accepted(),
            Durability::Journal | Durability::Memory => self.directory.accepted().max(reported),
        };
        let mut state = self.state();
        if committed > state.next {
            // A journal without segments has deleted them, because all were settled.
            if state.segments.first().is_some() {
                let clicks = committed - state.next;
                info!(
                    clicks,
                    "the journal lost its end when its process or the machine was stopped, but these \
                     clicks are already stored"
                );
            }
            state.next = committed;
        }
        if let Some(lost) = accepted.checked_sub(state.next).filter(|lost| *lost > 0) {
            warn!(
                clicks = lost,
                "the last clicks of the previous process are lost; they were in its memory queue \
                 (WAYPOST_CLICK_DURABILITY=memory), or a power failure came before the sync to disk"
            );
            let base = state.next;
            state.segments.push(Segment {
                base,
                end: accepted,
                oldest: None,
                newest: None,
                backing: Backing::Lost,
            });
            state.next = accepted;
        }
        drop(state);
        self.rewind(committed);
    }

    /// Sets the settled position, also to a lower one.
    pub(crate) fn rewind(&self, position: u64) {
        {
            let mut state = self.state();
            state.settled = position;
            state.durable = state.durable.min(position);
            state.waiting_since = None;
        }
        self.look_for_oldest(position);
        self.progress.settled(position);
    }

    /// Determines when the click at `position`, or the first good one after it, was accepted.
    fn look_for_oldest(&self, position: u64) {
        if self.pending() == 0 {
            return;
        }
        // The ingester will find and report unreadable records.
        let read = Cursor::new(position).read(self, 1);
        let oldest = read
            .ok()
            .and_then(|records| records.clicks.into_iter().next());
        if let Some(click) = oldest {
            self.state().waiting_since = Some(click.clicked_at);
        }
    }

    /// Writes the clicks of a group for which there is room, and counts the others as dropped.
    fn write(&self, group: &mut Group) -> Written {
        let (written, released) = {
            let mut state = self.state();
            // Delete settled segments to make room.
            let needed = u64::try_from(group.frames.len()).unwrap_or(u64::MAX);
            let released = state.release_for_room(needed, self.max_bytes);
            (self.write_locked(&mut state, group), released)
        };
        if written.clicks > 0 {
            self.grown.notify_one();
        }
        if let Some(reason) = written.dropped {
            metrics::clicks_dropped(reason, group.clicks.saturating_sub(written.clicks));
        }
        delete(&released);
        written
    }

    fn write_locked(&self, state: &mut State, group: &mut Group) -> Written {
        let first = state.next;
        let nothing = |reason| Written {
            first,
            clicks: 0,
            dropped: Some(reason),
        };
        if let Some((reason, at)) = state.failing
            && reason != DropReason::JournalFull
            && at.elapsed() < RETRY_AFTER
        {
            return nothing(reason);
        }
        let room = self.max_bytes.saturating_sub(state.segments.bytes());
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let sealed = frame::seal(&mut group.frames, first, room);
        let full = sealed.records < group.clicks;
        let dropped = full.then(|| state.failed(DropReason::JournalFull, None));
        if sealed.records > 0 {
            let frames = group.frames.get(..sealed.bytes).unwrap_or_default();
            let positions = first..first.saturating_add(sealed.records);
            let mut put = self.put(state, positions.clone(), frames, &group.times);
            if put
                .as_ref()
                .is_err_and(|error| reason_of(error) == DropReason::DiskFull)
            {
                let released = state.release_all();
                if !released.is_empty() {
                    delete(&released);
                    put = self.put(state, positions, frames, &group.times);
                }
            }
            if let Err(error) = put {
                return nothing(state.failed(reason_of(&error), Some(&error)));
            }
            state.grew(sealed.records, group.times.oldest);
            if !full && state.failing.take().is_some() {
                info!("the journal accepts clicks again");
            }
        }
        Written {
            first,
            clicks: sealed.records,
            dropped,
        }
    }

    /// Stores the frames of the records at `positions` in a file or in memory.
    fn put(
        &self,
        state: &mut State,
        positions: Range<u64>,
        frames: &[u8],
        times: &Times,
    ) -> io::Result<()> {
        if self.settings.durability == Durability::Memory {
            if positions.start.next_multiple_of(NOTED_EVERY) < positions.end {
                self.note_accepted(positions.end);
            }
            state.segments.keep_in_memory(positions, frames);
            return Ok(());
        }
        let limit = self.segment_bytes;
        let written =
            state
                .segments
                .write_to_file(&self.directory, limit, positions, frames, times);
        let (file, is_new) = written?;
        if is_new || !state.open_is_unsynced {
            state.unsynced.push(Arc::clone(file));
            state.open_is_unsynced = true;
            self.dirty.notify_one();
        }
        Ok(())
    }

    /// Records the number of accepted clicks. A failure has no other effect.
    fn note_accepted(&self, accepted: u64) {
        if let Some(file) = &self.accepted {
            let _ = file.write_all_at(&accepted_bytes(accepted), 0);
        }
    }

    /// Marks everything before `position` as settled. `last` is when the last of it was accepted.
    pub(crate) fn settle(&self, position: u64, last: Option<OffsetDateTime>) {
        {
            let mut state = self.state();
            state.settled = position;
            state.waiting_since = if state.next <= position {
                None
            } else {
                last.or(state.waiting_since)
            };
        }
        self.progress.settled(position);
    }

    /// Returns the number of pending clicks.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let state = self.state();
        state.next.saturating_sub(state.settled)
    }

    /// Returns the current and the maximum size in bytes.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.state().segments.bytes(), self.max_bytes)
    }

    /// Returns the position of the first record that is not settled.
    pub(crate) fn settled(&self) -> u64 {
        self.state().settled
    }

    /// Returns the position after the last record.
    pub(crate) fn end(&self) -> u64 {
        self.state().next
    }

    /// Returns when the oldest pending click was accepted, or a slightly earlier time; `None` if
    /// there are no pending clicks.
    #[must_use]
    pub fn waiting_since(&self) -> Option<OffsetDateTime> {
        self.state().waiting_since
    }

    /// Waits until records were appended since the last call.
    pub(crate) async fn grown(&self) {
        self.grown.notified().await;
    }

    /// Returns the progress of settling.
    pub(crate) const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Sets aside a click that the database rejected.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn set_aside(&self, click: &ClickRecord<'_>) -> io::Result<SetAside> {
        self.directory.set_aside(|bytes| click.write(bytes))
    }

    /// Starts syncing appended records to disk, until the syncer is dropped.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start_syncing(self: &Arc<Self>) -> io::Result<Syncer> {
        Syncer::start(Arc::clone(self))
    }
}

fn reason_of(error: &io::Error) -> DropReason {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            DropReason::DiskFull
        }
        _ => DropReason::JournalFailed,
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests;

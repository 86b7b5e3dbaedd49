//! The click journal: a local, append-only, checksummed log of the clicks that were accepted and are
//! not yet stored in the database.
//!
//! # What it promises
//! - A click that is `Appending::written` is in the kernel's hands: a process that is killed loses none.
//!   It is on the disk within the sync interval, for when the power goes.
//! - Every record has a *position*, the number of records before it. The database keeps the position
//!   up to which a journal is settled, in the transaction that stores the clicks, so that each is
//!   stored exactly once.
//! - A redirect never fails because of the journal. What cannot be written is counted by its reason
//!   ([`DropReason`]).
//! - What is damaged is never taken for a click: reading goes on at the next good record, and what is
//!   missing between is counted.
//! - It is never longer than its limit. What is settled stays for a while, from where it is stored again when
//!   the database is set back; it makes room for what is not settled, but never before it is as durable in the
//!   database as the database promises.
//!
//! | subject | file |
//! | --- | --- |
//! | the bytes of a record | `record.rs` |
//! | the bytes of a segment | `frame.rs`; reading past damage `frame/recovery.rs` |
//! | clicks that are written together | `group.rs` |
//! | files, lock and id | `directory.rs` |
//! | the processes that used it | `lineage.rs` |
//! | the list of segments | `segments.rs` |
//! | what changes, under the lock | `state.rs` |
//! | reading | `cursor.rs` |
//! | how far it is settled, and waiting for that | `progress.rs` |
//! | onto the disk | `syncer.rs` |
//! | clicks that the database refused | `set_aside.rs`; trying them again `retries.rs` |
//! | looking at a journal from outside | `status.rs` |
//! | for the fuzz targets | `fuzzing.rs` |
//!
//! # One `write(2)` for those who come together
//! Measured before it was chosen, beside a bare handler, one core, 64 connections: with one `write(2)` per
//! click under a lock a redirect took 1.34 × the CPU of the bare one, of which the write was 11 %; with one
//! for each turn of the worker (`group.rs`) it took 1.22 ×. A memory-mapped segment took 200 ns a
//! click where a `write` took 470; it also takes `unsafe`, and a full or failing disk would end the process
//! by a signal where `write` returns an error that can be counted.

mod cursor;
mod directory;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod lineage;
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

/// A segment is at most so long; a shorter journal has shorter ones, so that it has several.
const SEGMENT_BYTES: u64 = 8 * 1_024 * 1_024;
const SEGMENTS_PER_JOURNAL: u64 = 8;
/// Clicks that wait in memory take no more than this, whatever the journal may take.
const MAX_MEMORY_BYTES: u64 = 64 * 1_024 * 1_024;
/// After a failed write the next one is tried not before this has passed: a full disk costs a
/// redirect nothing.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// The segment that is written to ends when its first record is this old: what is kept no longer than a time is
/// deleted by segments.
const SEGMENT_AGE: Duration = Duration::from_secs(60 * 60);
/// With durability `memory` the number of accepted clicks is noted at every so manieth, and at each
/// sync: what a killed process had accepted is known up to so many.
const NOTED_EVERY: u64 = 64;

/// The journal of one data directory, which this process alone uses.
#[derive(Debug)]
pub struct Journal {
    directory: Directory,
    settings: JournalSettings,
    /// What it may take in bytes, and one segment of it.
    max_bytes: u64,
    segment_bytes: u64,
    /// Where the number of accepted clicks is noted, with durability `memory`.
    accepted: Option<File>,
    /// Clicks on their way to the segments.
    lanes: Lanes,
    state: Mutex<State>,
    /// The ingester waits for records here.
    grown: Notify,
    /// The syncer waits for something to sync here.
    dirty: Condvar,
    progress: Progress,
}

impl Journal {
    /// Where the journal of a data directory is.
    #[must_use]
    pub fn directory_in(data_dir: &Path) -> PathBuf {
        data_dir.join("journal")
    }

    /// Opens the journal in `directory`, or begins one there, under the id `new_id`. Looks for what
    /// an earlier process left, and cuts off what it did not finish.
    ///
    /// Nothing can be appended correctly before an [`Ingester`](crate::Ingester) has begun.
    ///
    /// # Errors
    /// [`JournalError`], above all [`JournalError::Locked`] when another process uses it.
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

    /// When a 302 leaves.
    #[must_use]
    pub const fn durability(&self) -> Durability {
        self.settings.durability
    }

    /// The id under which the database knows it.
    #[must_use]
    pub fn id(&self) -> JournalId {
        self.state().id
    }

    /// The position of the oldest record that is there.
    #[must_use]
    pub fn first(&self) -> u64 {
        let state = self.state();
        state.segments.first().unwrap_or(state.next)
    }

    /// The processes that used it under its id.
    pub(crate) fn lineage(&self) -> Lineage {
        Lineage::read(self.directory.path())
    }

    /// Notes the processes that used it under its id.
    ///
    /// # Errors
    /// [`JournalError::Io`] when that cannot be written; then what was noted before stays.
    pub(crate) fn note_lineage(&self, lineage: &Lineage) -> Result<(), JournalError> {
        lineage.write(&self.directory)
    }

    /// The journal whose refused clicks this one tries again; `None` for most.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    pub(crate) fn retry_of(&self) -> Result<Option<JournalId>, JournalError> {
        retries::retry_of(self.directory.path())
    }

    /// Goes on under another id.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the id cannot be written; then it stays as it was.
    pub(crate) fn rename(&self, id: JournalId) -> Result<(), JournalError> {
        self.directory.rename(id)?;
        self.state().id = id;
        Ok(())
    }

    /// Begins to be written to. `committed` is its position as the database knows it: everything
    /// before is settled. `reported` is the position behind the last record of the process before, as far as
    /// the database was told: what is missing there is lost.
    pub(crate) fn begin(&self, committed: u64, reported: u64) {
        let accepted = match self.durability() {
            // Its redirects were answered when they were stored.
            Durability::Commit => self.directory.accepted(),
            Durability::Journal | Durability::Memory => self.directory.accepted().max(reported),
        };
        let mut state = self.state();
        if committed > state.next {
            // A journal without segments has deleted them itself, because all was settled.
            if state.segments.first().is_some() {
                let clicks = committed - state.next;
                info!(
                    clicks,
                    "the end of the journal is missing, and its clicks are stored: it was not on the disk when the power went"
                );
            }
            state.next = committed;
        }
        if let Some(lost) = accepted.checked_sub(state.next).filter(|lost| *lost > 0) {
            warn!(
                clicks = lost,
                "the last clicks of the process before this one are lost: they were in its memory (WAYPOST_CLICK_DURABILITY=memory), or the power failed before they were on the disk"
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

    /// Everything before `position` is settled and nothing from there on, whatever was settled before.
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

    /// Finds out since when the click at `position`, or the first good one behind it, has been waiting.
    fn look_for_oldest(&self, position: u64) {
        if self.pending() == 0 {
            return;
        }
        // What cannot be read the ingester will meet, and report.
        let read = Cursor::new(position).read(self, 1);
        let oldest = read
            .ok()
            .and_then(|records| records.clicks.into_iter().next());
        if let Some(click) = oldest {
            self.state().waiting_since = Some(click.clicked_at);
        }
    }

    /// Writes the clicks of a group: those for which there is room. The others are counted.
    fn write(&self, group: &mut Group) -> Written {
        let (written, released) = {
            let mut state = self.state();
            // What is settled makes room.
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
                info!("the journal takes clicks again");
            }
        }
        Written {
            first,
            clicks: sealed.records,
            dropped,
        }
    }

    /// Puts the frames of the records at `positions` where they are kept.
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

    /// Notes how many clicks were accepted. It is only a note: that it fails changes nothing else.
    fn note_accepted(&self, accepted: u64) {
        if let Some(file) = &self.accepted {
            let _ = file.write_all_at(&accepted_bytes(accepted), 0);
        }
    }

    /// Everything before `position` is settled. `last` is when the last of it was accepted.
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

    /// The position up to which the database should make durable what it has, so that segments may be deleted;
    /// `None` while that is of no use.
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

    /// Whether the segment that is written to is so old that it should end, or holds nothing that is kept.
    fn should_end_segment(&self, state: &State, now: OffsetDateTime) -> bool {
        state.segments.open_since().is_some_and(|since| {
            let is_done = state.settled == state.next && since <= self.kept_since(now);
            is_done || now - since > SEGMENT_AGE
        })
    }

    /// What is before `position` is as durable in the database as that promises.
    pub(crate) fn durable(&self, position: u64) {
        let mut state = self.state();
        state.durable = state.durable.max(position.min(state.settled));
    }

    /// Since when settled records are kept.
    fn kept_since(&self, now: OffsetDateTime) -> OffsetDateTime {
        let keep = time::Duration::try_from(self.settings.keep).unwrap_or(time::Duration::MAX);
        now.saturating_sub(keep)
    }

    /// Deletes what need not be kept any longer, and ends the segment that is written to when it is old.
    pub(crate) fn tidy(&self, now: OffsetDateTime) {
        {
            let mut state = self.state();
            if self.should_end_segment(&state, now) {
                state.close_segment();
            }
        }
        self.release_old(self.kept_since(now));
    }

    /// Deletes settled segments of which nothing happened after `before`.
    fn release_old(&self, before: OffsetDateTime) {
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

    /// How many clicks were accepted and are not settled.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let state = self.state();
        state.next.saturating_sub(state.settled)
    }

    /// What it takes now, and what it may take, in bytes.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.state().segments.bytes(), self.max_bytes)
    }

    /// The position of the first record that is not settled.
    pub(crate) fn settled(&self) -> u64 {
        self.state().settled
    }

    /// The position behind the last record.
    pub(crate) fn end(&self) -> u64 {
        self.state().next
    }

    /// When the oldest click was accepted that is not settled, or one a little older; `None` when all
    /// are.
    #[must_use]
    pub fn waiting_since(&self) -> Option<OffsetDateTime> {
        self.state().waiting_since
    }

    /// Waits until records were appended since the last time.
    pub(crate) async fn grown(&self) {
        self.grown.notified().await;
    }

    /// How far it is settled.
    pub(crate) const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Sets a click aside that the database refused.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn set_aside(&self, click: &ClickRecord<'_>) -> io::Result<SetAside> {
        self.directory.set_aside(|bytes| click.write(bytes))
    }

    /// Starts to bring onto the disk what is appended. Ends when the syncer is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start_syncing(self: &Arc<Self>) -> io::Result<Syncer> {
        Syncer::start(Arc::clone(self))
    }
}

/// Deletes segments that are settled.
fn delete(files: &[PathBuf]) {
    for path in files {
        if let Err(error) = std::fs::remove_file(path)
            && error.kind() != ErrorKind::NotFound
        {
            // The next start tries again; nothing in it will be stored twice.
            warn!(segment = %path.display(), %error, "a settled segment was not deleted");
        }
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

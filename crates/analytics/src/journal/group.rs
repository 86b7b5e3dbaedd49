//! Groups of clicks that are written together. A `write(2)` costs more than everything else a
//! redirect does for its click, and costs the same for many clicks as for one.
//!
//! The clicks that one thread accepts in the same turn of its runtime form a group. The first
//! redirect that waits for the group spawns a task, which runs after all ready tasks have run. It
//! writes the group and wakes the waiting redirects. Under low load, a group has one click. No
//! timer is involved, and no thread waits for another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::segments::Times;
use super::{ClickRecord, Journal, frame};
use crate::metrics::DropReason;
use crate::settings::Durability;

/// Size in bytes at which a group is written immediately, which bounds its memory.
const FULL: usize = 64 * 1_024;
/// Number of groups that can fill at the same time. With more threads than that, some share a
/// group.
const LANES: usize = 64;

/// The groups being filled, one for each thread.
#[derive(Debug)]
pub(super) struct Lanes(Box<[Mutex<Group>]>);

impl Default for Lanes {
    fn default() -> Self {
        Self((0..LANES).map(|_| Mutex::default()).collect())
    }
}

impl Lanes {
    /// Returns the lane of the calling thread.
    fn of_this_thread() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static LANE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % LANES;
        }
        LANE.with(|lane| *lane)
    }

    /// Calls `act` with exclusive access to a group.
    fn with<T>(&self, lane: usize, act: impl FnOnce(&mut Group) -> T) -> Option<T> {
        let mut group = self
            .0
            .get(lane)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(act(&mut group))
    }
}

/// Clicks that are accepted but not written yet.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Their unsealed frames. Their positions are known when they are written.
    pub(super) frames: Vec<u8>,
    pub(super) clicks: u64,
    /// When they happened. Threads that share a lane may append in another order than that of their
    /// times.
    pub(super) times: Times,
    fate: Arc<Fate>,
}

impl Group {
    fn add(&mut self, record: &ClickRecord<'_>) {
        frame::lay(&mut self.frames, |bytes| record.write(bytes));
        self.clicks = self.clicks.saturating_add(1);
        self.times.add(record.clicked_at);
    }

    /// Writes the clicks and starts the next group.
    fn end(&mut self, journal: &Journal) {
        let written = journal.write(self);
        let fate = std::mem::take(&mut self.fate);
        self.frames.clear();
        self.clicks = 0;
        self.times = Times::default();
        fate.decide(written);
    }
}

/// The result of writing a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// The position of its first click.
    pub(super) first: u64,
    /// Number of its clicks in the journal.
    pub(super) clicks: u64,
    /// Why its other clicks are not in the journal.
    pub(super) dropped: Option<DropReason>,
}

/// The shared outcome of a group.
#[derive(Debug, Default)]
struct Fate {
    written: OnceLock<Written>,
    /// Whether a task was spawned that writes the group.
    awaited: AtomicBool,
    /// Wakes the redirects that wait for the outcome.
    waiting: Notify,
}

impl Fate {
    fn decide(&self, written: Written) {
        let _ = self.written.set(written);
        self.waiting.notify_waiters();
    }

    fn is_decided(&self) -> bool {
        self.written.get().is_some()
    }

    async fn decided(&self) {
        let waiting = self.waiting.notified();
        if !self.is_decided() {
            waiting.await;
        }
    }
}

/// A click in the journal, or in a group that will be written. It is also written if this value is
/// dropped.
#[derive(Debug)]
pub(crate) struct Appending {
    journal: Arc<Journal>,
    lane: usize,
    fate: Arc<Fate>,
    /// Number of clicks of the group before it.
    before: u64,
}

impl Journal {
    /// Appends a click. The returned value tells when it is in the journal.
    pub(crate) fn append(self: &Arc<Self>, record: &ClickRecord<'_>) -> Appending {
        let lane = Lanes::of_this_thread();
        let (fate, before) = self
            .lanes
            .with(lane, |group| {
                let before = group.clicks;
                let fate = Arc::clone(&group.fate);
                group.add(record);
                if self.durability() == Durability::Memory || group.frames.len() >= FULL {
                    group.end(self);
                }
                (fate, before)
            })
            .unwrap_or_default();
        Appending {
            journal: Arc::clone(self),
            lane,
            fate,
            before,
        }
    }

    /// Writes the group with this outcome, unless it was written.
    fn end_group(&self, lane: usize, fate: &Fate) {
        self.lanes.with(lane, |group| {
            // If there is no outcome yet, this is the group being filled: groups are written one
            // after the other, under this lock.
            if !fate.is_decided() {
                group.end(self);
            }
        });
    }
}

impl Appending {
    /// Waits until the click is written, together with those appended in the meantime. Returns its
    /// position. Must be called within a tokio runtime.
    pub(crate) async fn written(self) -> Result<u64, DropReason> {
        if !self.fate.is_decided() {
            if !self.fate.awaited.swap(true, Ordering::Relaxed) {
                let (journal, lane, fate) = (self.journal.clone(), self.lane, self.fate.clone());
                tokio::spawn(async move { journal.end_group(lane, &fate) });
            }
            self.fate.decided().await;
        }
        self.write_now()
    }

    /// Writes the click and its group, unless that was done. Returns its position.
    ///
    /// # Errors
    /// The reason why it could not be written, which is already counted.
    pub(crate) fn write_now(&self) -> Result<u64, DropReason> {
        if !self.fate.is_decided() {
            self.journal.end_group(self.lane, &self.fate);
        }
        match self.fate.written.get() {
            Some(written) if self.before < written.clicks => {
                Ok(written.first.saturating_add(self.before))
            }
            Some(Written { dropped, .. }) => Err(dropped.unwrap_or(DropReason::JournalFailed)),
            None => Err(DropReason::JournalFailed),
        }
    }
}

impl Drop for Appending {
    /// Writes the click, which was accepted, also if the client disconnects.
    fn drop(&mut self) {
        // A dropped click is counted there.
        let _ = self.write_now();
    }
}

#[cfg(test)]
mod tests;

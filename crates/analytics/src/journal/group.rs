//! Clicks that are written together: a `write(2)` costs a redirect more than everything else that is
//! done for its click, and takes many clicks as well as one.
//!
//! The clicks of the visitors whom one thread serves in the same turn are one group. The first who waits
//! for it starts a task, whose turn comes when everybody who was ready has had theirs; it writes the group
//! and wakes those who wait. Where little goes on, a group is one click. No timer is involved, and no
//! thread waits for the turn of another one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::segments::Times;
use super::{ClickRecord, Journal, frame};
use crate::metrics::DropReason;
use crate::settings::Durability;

/// A group of so many bytes is written at once: what bounds the memory that it takes.
const FULL: usize = 64 * 1_024;
/// So many threads gather groups of their own. Where there are more, some share one.
const LANES: usize = 64;

/// The groups that are being gathered, one for each thread.
#[derive(Debug)]
pub(super) struct Lanes(Box<[Mutex<Group>]>);

impl Default for Lanes {
    fn default() -> Self {
        Self((0..LANES).map(|_| Mutex::default()).collect())
    }
}

impl Lanes {
    /// The number of the calling thread's lane.
    fn of_this_thread() -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static LANE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % LANES;
        }
        LANE.with(|lane| *lane)
    }

    /// Does something with a group that nobody else uses meanwhile.
    fn with<T>(&self, lane: usize, act: impl FnOnce(&mut Group) -> T) -> Option<T> {
        let mut group = self
            .0
            .get(lane)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(act(&mut group))
    }
}

/// Clicks that are accepted and not written yet.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Their frames, not sealed: their positions are known when they are written.
    pub(super) frames: Vec<u8>,
    pub(super) clicks: u64,
    /// When they happened. Threads that share a lane may append in another order than that in which they
    /// took the time.
    pub(super) times: Times,
    fate: Arc<Fate>,
}

impl Group {
    fn add(&mut self, record: &ClickRecord<'_>) {
        frame::lay(&mut self.frames, |bytes| record.write(bytes));
        self.clicks = self.clicks.saturating_add(1);
        self.times.add(record.clicked_at);
    }

    /// Writes the clicks, and begins the next group.
    fn end(&mut self, journal: &Journal) {
        let written = journal.write(self);
        let fate = std::mem::take(&mut self.fate);
        self.frames.clear();
        self.clicks = 0;
        self.times = Times::default();
        fate.decide(written);
    }
}

/// What was written of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// The position of its first click.
    pub(super) first: u64,
    /// How many of its clicks are in the journal.
    pub(super) clicks: u64,
    /// Why the ones behind them are not.
    pub(super) dropped: Option<DropReason>,
}

/// What becomes of a group.
#[derive(Debug, Default)]
struct Fate {
    written: OnceLock<Written>,
    /// Whether somebody has seen to it that it will be decided.
    awaited: AtomicBool,
    /// Those who wait for it.
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

/// A click that is in the journal, or in a group that will be. Where nobody waits for it, it is written
/// all the same.
#[derive(Debug)]
pub(crate) struct Appending {
    journal: Arc<Journal>,
    lane: usize,
    fate: Arc<Fate>,
    /// How many clicks of the group stand before it.
    before: u64,
}

impl Journal {
    /// Appends a click. It is in the journal when what this gives back says so.
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

    /// Writes the group of this fate, unless it was.
    fn end_group(&self, lane: usize, fate: &Fate) {
        self.lanes.with(lane, |group| {
            // Where it is not decided, it is the group that is being gathered: they are written one
            // after the other, under this lock.
            if !fate.is_decided() {
                group.end(self);
            }
        });
    }
}

impl Appending {
    /// Waits until the click is written, together with those that are appended meanwhile. Must be called
    /// within a tokio runtime.
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

    /// Writes the click and what is gathered with it, unless that was done. Gives back its position.
    ///
    /// # Errors
    /// The reason for which it could not be written; it is counted.
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
    /// The client may have gone away: its click was accepted.
    fn drop(&mut self) {
        // What is dropped is counted there.
        let _ = self.write_now();
    }
}

#[cfg(test)]
mod tests;

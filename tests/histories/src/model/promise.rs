//! The invariants.

use super::{Place, Sizes, State};

/// A broken invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A click is counted twice.
    Doubled,
    /// All is settled, and a click is neither counted nor counted as lost.
    Missing,
    /// All is settled, and more clicks are counted as lost than are missing.
    LostTwice,
    /// All is settled, and a click is counted as lost that a journal or the database should have.
    Lost,
    /// A process considers the next record settled.
    Ahead,
    /// Nothing was copied, and a process continues under a new ID.
    Renamed,
    /// No action is possible, and something is not settled.
    Stuck,
}

impl State {
    /// Returns the broken invariant of a state, if any.
    pub(super) fn broken(&self, sizes: &Sizes) -> Option<Broken> {
        if self.database.counted.iter().any(|times| *times > 1) {
            return Some(Broken::Doubled);
        }
        let is_ahead = self.nodes.iter().any(|node| {
            let process = node.process.as_ref();
            process.is_some_and(|process| process.settled > node.directory.end())
        });
        if is_ahead {
            return Some(Broken::Ahead);
        }
        let was_copied = self.left.copies < sizes.copies;
        if !was_copied && self.nodes.iter().any(|node| node.directory.id != 0) {
            return Some(Broken::Renamed);
        }
        if !self.is_settled(sizes) {
            return None;
        }
        let counted: u8 = self.database.counted.iter().sum();
        let lost: u8 = self.database.journals.values().map(|it| it.lost).sum();
        let was_set_back = self.left.set_backs < sizes.set_backs;
        let may_lose = was_set_back && (was_copied || self.left.releases < sizes.releases);
        match self.accepted.checked_sub(counted) {
            Some(missing) if missing > lost => Some(Broken::Missing),
            Some(missing) if missing < lost && !was_copied => Some(Broken::LostTwice),
            Some(_) if lost > 0 && !may_lose => Some(Broken::Lost),
            Some(_) => None,
            None => Some(Broken::Doubled),
        }
    }

    /// Returns whether every directory has a process with nothing to do.
    pub(super) fn is_settled(&self, sizes: &Sizes) -> bool {
        self.nodes.iter().all(|node| {
            node.process.as_ref().is_some_and(|process| {
                let here = Place {
                    owner: process.owner,
                    committed: process.settled,
                };
                !process.waits
                    && process.settled == node.directory.end()
                    && sizes.is_here(self.database.place(node.directory.id), here)
            })
        })
    }
}

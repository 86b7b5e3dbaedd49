//! How far a journal is settled, and waiting for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// How far a journal is settled. Many may wait for it.
#[derive(Debug)]
pub(crate) struct Progress(watch::Sender<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The position of the first record that is not settled.
    settled: u64,
    /// Whether the last attempt to settle something failed.
    away: bool,
}

/// Whether what was asked for is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is.
    Yes,
    /// It was not in time.
    NotYet,
}

impl Default for Progress {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Progress {
    pub(super) fn settled(&self, position: u64) {
        self.0.send_modify(|state| {
            state.settled = position;
            state.away = false;
        });
    }

    /// The database does not take what is to be settled.
    pub(crate) fn away(&self) {
        self.0.send_modify(|state| state.away = true);
    }

    /// Whether the database was away the last time that it was asked to settle something.
    pub(crate) fn is_away(&self) -> bool {
        self.0.borrow().away
    }

    /// Waits until everything before `position` is settled, for at most `limit`.
    pub(crate) async fn reached(&self, position: u64, limit: Duration) -> Settled {
        if self.0.borrow().settled >= position {
            return Settled::Yes;
        }
        let mut changes = self.0.subscribe();
        let settled = changes.wait_for(|state| state.settled >= position);
        match timeout(limit, settled).await {
            Ok(Ok(_)) => Settled::Yes,
            Ok(Err(_)) | Err(_) => Settled::NotYet,
        }
    }
}

//! The settled position of a journal, and waiting for it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// The settled position of a journal, for any number of waiting tasks.
#[derive(Debug)]
pub(crate) struct Progress(watch::Sender<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The position of the first record that is not settled.
    settled: u64,
    /// Whether the last attempt to settle records failed.
    away: bool,
}

/// The result of waiting for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The position is settled.
    Yes,
    /// The position was not settled in time.
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

    /// Records that the last attempt to settle records failed.
    pub(crate) fn away(&self) {
        self.0.send_modify(|state| state.away = true);
    }

    /// Whether the last attempt to settle records failed.
    pub(crate) fn is_away(&self) -> bool {
        self.0.borrow().away
    }

    /// Waits at most `limit` until everything before `position` is settled.
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

//! Says what a migration waits for: a lock that another process holds, by which it would otherwise
//! wait without a word.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::warn;

use crate::DatabaseError;

/// How long a migration may wait before the log says so.
pub(super) const UNTOLD: Duration = Duration::from_secs(2);
/// Time between two looks at what it waits for.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks at what a migration waits for, until it is dropped.
pub(super) struct Watch {
    holder: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// `holder` looks who holds the lock that the migration waits for, on another connection.
    /// Returns `None` if it does not wait.
    pub(super) fn start<Look>(look: impl Fn() -> Look + Send + 'static) -> Self
    where
        Look: Future<Output = Option<String>> + Send,
    {
        let holder = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&holder);
        let task = tokio::spawn(async move {
            tokio::time::sleep(UNTOLD).await;
            loop {
                let holder = look().await;
                if let Some(holder) = &holder {
                    tell(holder);
                }
                *lock(&seen) = holder;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { holder, task }
    }

    /// Returns the error of a migration, or who held the lock that it waited for.
    pub(super) fn explain(&self, error: DatabaseError) -> DatabaseError {
        match (lock(&self.holder).clone(), error) {
            (Some(holder), DatabaseError::Migration { source }) => DatabaseError::Locked {
                holder,
                source: Some(source),
            },
            (Some(holder), DatabaseError::Locked { source, .. }) => {
                DatabaseError::Locked { holder, source }
            }
            (_, error) => error,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Logs who holds the lock.
pub(super) fn tell(holder: &str) {
    warn!(
        holder,
        "waiting for a lock on the database to migrate it; it ends when the process that holds it \
         does"
    );
}

fn lock(holder: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    holder.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Says what a start or a migration waits for: a lock that another process holds, for which it would
//! otherwise wait without a word.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::{DatabaseError, DatabaseUrl, sqlite};

/// Maximum time to wait for a lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait before the log says so.
pub(crate) const UNTOLD: Duration = Duration::from_secs(2);
/// Time between two looks at what it waits for.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks at what a migration waits for, until it is dropped.
pub(crate) struct Watch {
    holder: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// `holder` looks who holds the lock that the migration waits for, on another connection.
    /// Returns `None` if it does not wait.
    pub(crate) fn start<Look>(look: impl Fn() -> Look + Send + 'static) -> Self
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
    pub(crate) fn explain(&self, error: DatabaseError) -> DatabaseError {
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

/// Connects to an SQLite file. The first connection may need a lock on it, to switch it to write-ahead
/// logging.
///
/// # Errors
/// [`DatabaseError::Connect`] or [`DatabaseError::Locked`].
pub(crate) fn connect_to_file(
    url: &DatabaseUrl,
    patience: Duration,
) -> Result<SqliteConnection, DatabaseError> {
    let servers = url.servers();
    for_file(Path::new(servers.first()), patience, || {
        sqlite::try_to_connect(servers.first(), UNTOLD)
            .map_err(|source| DatabaseError::connecting(url)(source.into()))
    })
}

/// Repeats what needs a lock on an SQLite file until it succeeds, and logs who holds it. An attempt
/// waits [`UNTOLD`], and returns `None` if the lock was held all the time.
///
/// # Errors
/// [`DatabaseError::Locked`] after `patience`, or the error of an attempt.
pub(crate) fn for_file<T>(
    path: &Path,
    patience: Duration,
    mut attempt: impl FnMut() -> Result<Option<T>, DatabaseError>,
) -> Result<T, DatabaseError> {
    let began = Instant::now();
    let mut is_told = false;
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        let holder = match sqlite::users_of(path).as_slice() {
            [] => format!("another process that has {} open", path.display()),
            users => users.join(", "),
        };
        if began.elapsed() >= patience {
            let source = None;
            return Err(DatabaseError::Locked { holder, source });
        }
        if !is_told {
            tell(&holder);
            is_told = true;
        }
    }
}

/// Logs who holds the lock.
pub(crate) fn tell(holder: &str) {
    warn!(
        holder,
        "waiting for a lock on the database; it ends when the process that holds it does"
    );
}

fn lock(holder: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    holder.lock().unwrap_or_else(PoisonError::into_inner)
}

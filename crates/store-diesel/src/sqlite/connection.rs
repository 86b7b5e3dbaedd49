//! Connecting to SQLite: the settings of each connection, and beginning a transaction.

use std::path::Path;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, ConnectionError, ConnectionResult};
use diesel_async::AsyncConnection;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;

use super::fault::of_error;
use super::file::directory_of;
use crate::error::Fault;

pub(super) type Connection = SyncConnectionWrapper<SqliteConnection>;

/// Set on each connection. Write-ahead logging: readers and the writer do not wait for each other.
/// `secure_delete`: deleted data, above all a salt, is overwritten. `temp_store`: statements keep what
/// they need meanwhile in memory, because there may be no directory for temporary files, and such a
/// file could keep deleted data; see [`use_temporary_files`].
const PRAGMAS: &str = "
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
";

/// In a new file, the pages of deleted rows can be released in small steps. Must be set before
/// anything is written. In an existing file, it would need the write lock.
const OF_NEW_FILE: &str = "PRAGMA auto_vacuum = INCREMENTAL";
const PAGES: &str = "(SELECT page_count FROM pragma_page_count)";

/// How long each statement waits for other processes. Set first.
pub(super) const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

fn limit_waiting(connection: &mut SqliteConnection, limit: Duration) -> QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", limit.as_millis()))
}

/// Maximum number of attempts to set up a connection, with pauses, while others do the same.
const SET_UP_TRIES: u32 = 20;
const SET_UP_PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn connect(path: &str, _: bool) -> ConnectionResult<Connection> {
    let mut connection = SyncConnectionWrapper::<SqliteConnection>::establish(path).await?;
    connection
        .spawn_blocking(set_up)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// SQLite does not wait for others that switch a new database to write-ahead logging at the same
/// time, whatever the timeout: of two that would wait for each other, it refuses one.
fn set_up(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute(BUSY_TIMEOUT)?;
    for _ in 0..SET_UP_TRIES {
        match set_pragmas(connection) {
            Err(error) if of_error(&error) == Fault::Contention => {
                std::thread::sleep(SET_UP_PAUSE);
            }
            done => return done,
        }
    }
    set_pragmas(connection)
}

fn set_pragmas(connection: &mut SqliteConnection) -> QueryResult<()> {
    let pages: i64 = diesel::select(sql::<BigInt>(PAGES)).get_result(connection)?;
    if pages == 0 {
        connection.batch_execute(OF_NEW_FILE)?;
    }
    connection.batch_execute(PRAGMAS)
}

/// Opens a blocking connection, and waits at most about this long for another process, which may
/// write to a file that does not use write-ahead logging yet. Returns `None` if it still does.
pub(crate) fn try_to_connect(
    path: &str,
    limit: Duration,
) -> ConnectionResult<Option<SqliteConnection>> {
    let mut connection = SqliteConnection::establish(path)?;
    let mut set_up = || {
        limit_waiting(&mut connection, limit)?;
        let set_up = unless_locked(set_pragmas(&mut connection))?;
        connection.batch_execute(BUSY_TIMEOUT)?;
        Ok(set_up)
    };
    let set_up = set_up().map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(set_up.map(|()| connection))
}

/// Opens a blocking connection.
pub(crate) fn connect_blocking(path: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)?;
    set_up(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Lets the statements of this connection use temporary files, in the directory of the database: the
/// only one that is certainly writable, on the disk that has room for the data. For work on all rows
/// at once, such as the sorting of a new index or `VACUUM`, which could need more than all memory.
pub(crate) fn use_temporary_files(
    connection: &mut SqliteConnection,
    path: &Path,
) -> QueryResult<()> {
    let directory = directory_of(path).to_string_lossy().replace('\'', "''");
    // The directory is that of the process, and SQLite locks it. A directory that is gone later is
    // not used.
    connection.batch_execute(&format!(
        "PRAGMA temp_store_directory = '{directory}'; PRAGMA temp_store = FILE"
    ))
}

/// Takes the write lock at once: a transaction that reads first and writes later could not wait for
/// another writer.
pub(crate) fn begin_blocking(connection: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}

/// Does the same as [`begin_blocking`], and waits at most this long for another writer. Returns
/// `None` if the transaction did not begin.
pub(crate) fn try_to_begin(
    connection: &mut SqliteConnection,
    limit: Duration,
) -> QueryResult<Option<()>> {
    limit_waiting(connection, limit)?;
    let began = unless_locked(begin_blocking(connection))?;
    connection.batch_execute(BUSY_TIMEOUT)?;
    Ok(began)
}

/// Returns `None` if another process holds the lock that was needed.
fn unless_locked<T>(result: QueryResult<T>) -> QueryResult<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error) if of_error(&error) == Fault::Contention => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn begin(connection: &mut Connection) -> QueryResult<()> {
    connection.spawn_blocking(begin_blocking).await
}

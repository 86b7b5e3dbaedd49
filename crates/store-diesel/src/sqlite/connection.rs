//! Connecting to SQLite: the settings of each connection, and beginning a transaction.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use diesel::prelude::*;
use diesel::{Connection as _, ConnectionError, ConnectionResult};
use diesel_async::AsyncConnection;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;

use super::fault::of_error;
use crate::error::Fault;

pub(super) type Connection = SyncConnectionWrapper<SqliteConnection>;

/// Set on each connection. Write-ahead logging: readers and the writer do not wait for each other.
/// `secure_delete`: deleted data, above all a salt, is overwritten.
const PRAGMAS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
";

/// How long each statement waits for other processes. Set first.
pub(super) const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

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
        match connection.batch_execute(PRAGMAS) {
            Err(error) if of_error(&error) == Fault::Contention => {
                std::thread::sleep(SET_UP_PAUSE);
            }
            done => return done,
        }
    }
    connection.batch_execute(PRAGMAS)
}

/// Opens a blocking connection for migrations.
pub(crate) fn connect_blocking(path: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)?;
    set_up(&mut connection).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Takes the write lock at once: a transaction that reads first and writes later could not wait for
/// another writer.
pub(crate) fn begin_blocking(connection: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}

pub(super) async fn begin(connection: &mut Connection) -> QueryResult<()> {
    connection.spawn_blocking(begin_blocking).await
}

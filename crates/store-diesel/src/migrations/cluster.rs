//! Turns of the processes that migrate a Galera cluster. Each node has named locks of its own: they keep out only
//! those who are connected to the same node. A row is the same on all nodes.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Text};
use diesel_async::AsyncMysqlConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use uuid::Uuid;
use waypost_core::{Random as _, SystemRandom};

use super::{failed, still_migrating};
use crate::DatabaseError;

type Connection = AsyncConnectionWrapper<AsyncMysqlConnection>;

/// Other servers have no such variable, or it is off.
const IS_NODE: &str = "SHOW SESSION VARIABLES WHERE Variable_name = 'wsrep_on'";
const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS migration_turns (
        id         INTEGER     NOT NULL PRIMARY KEY,  -- always 1
        holder     BINARY(16)  NOT NULL,
        expires_at DATETIME(6) NOT NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
const INSERT: &str =
    "INSERT IGNORE INTO migration_turns (id, holder, expires_at) VALUES (1, ?, '1970-01-01')";
/// A turn ends by itself where its process died. A statement that changes a table makes all others wait, this one
/// as well, however long it takes.
const TAKE: &str = "
    UPDATE migration_turns SET holder = ?, expires_at = UTC_TIMESTAMP(6) + INTERVAL 10 MINUTE
    WHERE id = 1 AND expires_at < UTC_TIMESTAMP(6)";
const END: &str = "
    UPDATE migration_turns SET expires_at = '1970-01-01' WHERE id = 1 AND holder = ?";

/// As long as processes wait for each other on one server.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// The turn of this process, and by what it is known. `None` where there is no cluster.
pub(super) struct Turn(Option<Uuid>);

#[derive(QueryableByName)]
struct Variable {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// Waits until no other process migrates the cluster.
pub(super) fn take_turn(connection: &mut Connection) -> Result<Turn, DatabaseError> {
    let found: Vec<Variable> = sql_query(IS_NODE).load(connection).map_err(failed)?;
    if found.iter().all(|variable| variable.value != "ON") {
        return Ok(Turn(None));
    }
    let mut id = [0; 16];
    SystemRandom.fill(&mut id);
    let holder = Uuid::from_bytes(id);
    sql_query(CREATE).execute(connection).map_err(failed)?;
    change(connection, INSERT, holder).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match change(connection, TAKE, holder) {
            Ok(1..) => return Ok(Turn(Some(holder))),
            // Another process took it at the same time on another node.
            Ok(0) | Err(_) if Instant::now() < deadline => thread::sleep(PAUSE),
            Ok(0) => return Err(still_migrating()),
            Err(error) => return Err(failed(error)),
        }
    }
}

impl Turn {
    /// Lets the next one begin.
    pub(super) fn end(self, connection: &mut Connection) {
        let Self(Some(holder)) = self else {
            return;
        };
        if let Err(error) = change(connection, END, holder) {
            tracing::debug!(%error, "the turn ends by itself");
        }
    }
}

fn change(connection: &mut Connection, sql: &str, holder: Uuid) -> QueryResult<usize> {
    sql_query(sql)
        .bind::<Binary, _>(holder.as_bytes().as_slice())
        .execute(connection)
}

//! Mutual exclusion of processes that migrate a Galera cluster. Each node has its own named locks,
//! which exclude only processes connected to the same node. A row is the same on all nodes.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Text};
use diesel_async::AsyncMysqlConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use uuid::Uuid;
use waypost_core::{Random as _, SystemRandom};

use super::{MYSQL, MigrationState, Outcome, Task, failed, perform, still_migrating};
use crate::DatabaseError;
use crate::waiting::{UNTOLD, tell};

type Connection = AsyncConnectionWrapper<AsyncMysqlConnection>;

/// Other servers lack this variable, or it is off.
const IS_NODE: &str = "SHOW SESSION VARIABLES WHERE Variable_name = 'wsrep_on'";
const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS migration_turns (
        id         INTEGER     NOT NULL PRIMARY KEY,  -- always 1
        holder     BINARY(16)  NOT NULL,
        expires_at DATETIME(6) NOT NULL
    ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
const INSERT: &str =
    "INSERT IGNORE INTO migration_turns (id, holder, expires_at) VALUES (1, ?, '1970-01-01')";
/// A turn expires by itself if its process dies. A statement that changes a table blocks all
/// others, this one included, however long it takes.
const TAKE: &str = "
    UPDATE migration_turns SET holder = ?, expires_at = UTC_TIMESTAMP(6) + INTERVAL 10 MINUTE
    WHERE id = 1 AND expires_at < UTC_TIMESTAMP(6)";
const END: &str = "
    UPDATE migration_turns SET expires_at = '1970-01-01' WHERE id = 1 AND holder = ?";

const PAUSE: Duration = Duration::from_millis(200);
/// Maximum number of attempts to migrate.
const TRIES: u32 = 5;

/// The turn of this process, with its ID. `None` without a cluster.
pub(super) struct Turn(Option<Uuid>);

#[derive(QueryableByName)]
struct Variable {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// Waits until no other process migrates the cluster.
pub(super) fn take_turn(
    connection: &mut Connection,
    patience: Duration,
) -> Result<Turn, DatabaseError> {
    let found: Vec<Variable> = sql_query(IS_NODE).load(connection).map_err(failed)?;
    if found.iter().all(|variable| variable.value != "ON") {
        return Ok(Turn(None));
    }
    let mut id = [0; 16];
    SystemRandom.fill(&mut id);
    let holder = Uuid::from_bytes(id);
    let began = Instant::now();
    let mut is_told = false;
    loop {
        if !is_told && began.elapsed() >= UNTOLD {
            tell("a process on another node of the cluster");
            is_told = true;
        }
        match try_to_take(connection, holder) {
            Ok(1..) => return Ok(Turn(Some(holder))),
            // Concurrent changes on other nodes may have rolled it back.
            Ok(0) | Err(_) if began.elapsed() < patience => thread::sleep(PAUSE),
            Ok(0) => return Err(still_migrating()),
            Err(error) => return Err(failed(error)),
        }
    }
}

fn try_to_take(connection: &mut Connection, holder: Uuid) -> QueryResult<usize> {
    sql_query(CREATE).execute(connection)?;
    change(connection, INSERT, holder)?;
    change(connection, TAKE, holder)
}

impl Turn {
    /// Migrates. Even with the turn, a statement of another process that checks that a table exists
    /// may roll back ours, so on a cluster the migration is retried. All of a migration can be
    /// repeated, except the revert.
    pub(super) fn perform(
        &self,
        connection: &mut Connection,
        task: Task,
    ) -> Result<Outcome, DatabaseError> {
        if self.0.is_none() || task != Task::Up {
            return perform(connection, &MYSQL, task);
        }
        let mut before = None;
        let mut tries = 1;
        loop {
            match repeatable(connection, &mut before) {
                Err(error) if tries < TRIES => {
                    tracing::debug!(%error, "migrating again");
                    thread::sleep(PAUSE);
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    /// Lets the next process begin.
    pub(super) fn end(self, connection: &mut Connection) {
        let Self(Some(holder)) = self else {
            return;
        };
        if let Err(error) = change(connection, END, holder) {
            tracing::debug!(%error, "cannot end the turn; it expires by itself");
        }
    }
}

/// Applies missing migrations. `before` keeps what the first attempt found.
fn repeatable(
    connection: &mut Connection,
    before: &mut Option<Vec<MigrationState>>,
) -> Result<Outcome, DatabaseError> {
    let found = match before {
        Some(found) => found,
        None => before.insert(perform(connection, &MYSQL, Task::Status)?.states),
    };
    let mut done = perform(connection, &MYSQL, Task::Up)?;
    let was_applied = |name: &String| {
        let mut same = found.iter().filter(|state| state.name == *name);
        same.any(|state| state.applied)
    };
    let applied = done.states.iter().filter(|state| state.applied);
    let names = applied.map(|state| state.name.clone());
    done.changed = names.filter(|name| !was_applied(name)).collect();
    Ok(done)
}

fn change(connection: &mut Connection, sql: &str, holder: Uuid) -> QueryResult<usize> {
    sql_query(sql)
        .bind::<Binary, _>(holder.as_bytes().as_slice())
        .execute(connection)
}

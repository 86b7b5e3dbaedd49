//! Migrations: the schema of each database, embedded in the program, applied under a lock so that
//! several nodes may start at once. What is waited for is logged, and limited in time.
//!
//! If no migration is missing, nothing is locked or written: a server whose account must not change
//! the schema can start, too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::mysql::Mysql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Integer, Nullable, Unsigned};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::waiting::{self, PATIENCE, UNTOLD, Watch};
use crate::{DatabaseError, DatabaseKind, DatabaseUrl, mysql, postgres, sqlite};

mod cluster;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const MYSQL: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");

table! {
    __diesel_schema_migrations (version) {
        version -> VarChar,
    }
}

/// The key of PostgreSQL's advisory lock: "waypost" in ASCII. The lock belongs to the transaction,
/// not to the session, because a pooler may give the session to another client.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(33621064574006132)";
/// Whether the table of migrations exists.
const SQLITE_TABLE: &str =
    "(SELECT COUNT(*) FROM sqlite_master WHERE name = '__diesel_schema_migrations')";
const POSTGRES_TABLE: &str =
    "(SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('__diesel_schema_migrations'))";
const MYSQL_TABLE: &str = "(SELECT COUNT(*) FROM information_schema.tables \
     WHERE table_schema = DATABASE() AND table_name = '__diesel_schema_migrations')";
/// The name of a lock of MySQL, which applies to the whole server: the name of the database makes it
/// unique.
const MYSQL_LOCK: &str = "CONCAT('waypost.', MD5(DATABASE()))";

/// Reads the migrations applied to a database from its table of migrations, if it exists.
macro_rules! applied {
    ($connection:expr, $table:expr) => {{
        let count = sql::<BigInt>($table);
        let tables: i64 = diesel::select(count)
            .get_result($connection)
            .map_err(failed)?;
        let versions: Vec<String> = if tables == 0 {
            Vec::new()
        } else {
            __diesel_schema_migrations::table
                .select(__diesel_schema_migrations::version)
                .load($connection)
                .map_err(failed)?
        };
        let versions = versions.into_iter().map(MigrationVersion::from);
        versions.collect::<Vec<_>>()
    }};
}

/// One migration, as this program or the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number and name, such as `0001_links`; only the number if this program does not know it.
    pub name: String,
    /// Whether it is applied to the database.
    pub applied: bool,
    /// Whether this program knows it. If not, a newer version migrated the database.
    pub known: bool,
}

/// What to do with the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Only report the state.
    Status,
    /// Apply all that are missing.
    Up,
    /// Revert the newest one.
    Down,
}

/// The changes made, and the state afterwards.
pub(crate) struct Outcome {
    pub(crate) changed: Vec<String>,
    pub(crate) states: Vec<MigrationState>,
}

/// Runs the task on a connection of its own.
pub(crate) async fn run(url: &DatabaseUrl, task: Task) -> Result<Outcome, DatabaseError> {
    let url = url.clone();
    tokio::task::spawn_blocking(move || run_blocking(&url, task, PATIENCE))
        .await
        .map_err(|source| DatabaseError::Migration {
            source: source.into(),
        })?
}

fn run_blocking(
    url: &DatabaseUrl,
    task: Task,
    patience: Duration,
) -> Result<Outcome, DatabaseError> {
    match url.kind() {
        DatabaseKind::Sqlite => on_sqlite(url, task, patience),
        DatabaseKind::Postgres => on_postgres(url, task, patience),
        DatabaseKind::Mysql => on_mysql(url, task, patience),
    }
}

fn on_sqlite(url: &DatabaseUrl, task: Task, patience: Duration) -> Result<Outcome, DatabaseError> {
    let servers = url.servers();
    let path = Path::new(servers.first());
    let mut connection = waiting::connect_to_file(url, patience)?;
    // Reporting the state need not wait for writers, and would wait in vain if they hardly pause.
    let applied = applied!(&mut connection, SQLITE_TABLE);
    if let Some(outcome) = nothing_to_do::<Sqlite>(&SQLITE, &applied, task)? {
        return Ok(outcome);
    }
    sqlite::use_temporary_files(&mut connection, path).map_err(failed)?;
    // Another migrating process holds the write lock; ours keeps it to the end.
    waiting::for_file(path, patience, || {
        sqlite::try_to_begin(&mut connection, UNTOLD).map_err(failed)
    })?;
    let outcome = perform(&mut connection, &SQLITE, task)?;
    AnsiTransactionManager::commit_transaction(&mut connection).map_err(failed)?;
    Ok(outcome)
}

fn on_postgres(
    url: &DatabaseUrl,
    task: Task,
    patience: Duration,
) -> Result<Outcome, DatabaseError> {
    let servers = Arc::new(url.servers());
    let connected = postgres::connect_blocking(&servers);
    let mut connection =
        connected.map_err(|source| DatabaseError::connecting(url)(source.into()))?;
    // Of the tables, too, which a backup or another program may have locked.
    let limit = format!("SET lock_timeout = {}", patience.as_millis());
    diesel::sql_query(limit)
        .execute(&mut connection)
        .map_err(failed)?;
    let pid = diesel::select(sql::<Integer>("pg_backend_pid()"));
    let pid: i32 = pid.get_result(&mut connection).map_err(failed)?;
    let watch = Watch::start(move || {
        let servers = Arc::clone(&servers);
        async move { postgres::lock_holders(&servers, pid).await }
    });
    let mut migrated = || {
        let applied = applied!(&mut connection, POSTGRES_TABLE);
        if let Some(outcome) = nothing_to_do::<Pg>(&POSTGRES, &applied, task)? {
            return Ok(outcome);
        }
        transaction(&mut connection, |connection| {
            diesel::sql_query(POSTGRES_LOCK)
                .execute(connection)
                .map_err(failed)?;
            perform(connection, &POSTGRES, task)
        })
    };
    migrated().map_err(|error| watch.explain(error))
}

fn on_mysql(url: &DatabaseUrl, task: Task, patience: Duration) -> Result<Outcome, DatabaseError> {
    let servers = Arc::new(url.servers());
    let connected = mysql::connect_blocking(&servers);
    let mut connection =
        connected.map_err(|source| DatabaseError::connecting(url)(source.into()))?;
    let seconds = patience.as_secs().max(1);
    // Of the tables: the default is a day or a year.
    diesel::sql_query(format!("SET SESSION lock_wait_timeout = {seconds}"))
        .execute(&mut connection)
        .map_err(failed)?;
    let id = diesel::select(sql::<Unsigned<BigInt>>("CONNECTION_ID()"));
    let id: u64 = id.get_result(&mut connection).map_err(failed)?;
    let watch = Watch::start(move || {
        let servers = Arc::clone(&servers);
        async move { mysql::lock_holders(&servers, MYSQL_LOCK, id).await }
    });
    let mut migrated = || {
        let applied = applied!(&mut connection, MYSQL_TABLE);
        if let Some(outcome) = nothing_to_do::<Mysql>(&MYSQL, &applied, task)? {
            return Ok(outcome);
        }
        let lock = format!("GET_LOCK({MYSQL_LOCK}, {seconds})");
        let locked: Option<i32> = diesel::select(sql::<Nullable<Integer>>(&lock))
            .get_result(&mut connection)
            .map_err(failed)?;
        if locked != Some(1) {
            return Err(still_migrating());
        }
        let turn = cluster::take_turn(&mut connection, patience)?;
        let done = turn.perform(&mut connection, task);
        turn.end(&mut connection);
        done
    };
    migrated().map_err(|error| watch.explain(error))
}

/// Runs the work in one transaction.
fn transaction<C: diesel::Connection>(
    connection: &mut C,
    work: impl FnOnce(&mut C) -> Result<Outcome, DatabaseError>,
) -> Result<Outcome, DatabaseError> {
    C::TransactionManager::begin_transaction(connection).map_err(failed)?;
    // After a failure the connection is closed, and the database rolls back.
    let outcome = work(connection)?;
    C::TransactionManager::commit_transaction(connection).map_err(failed)?;
    Ok(outcome)
}

fn still_migrating() -> DatabaseError {
    DatabaseError::Locked {
        holder: "another process is still migrating it".into(),
        source: None,
    }
}

fn failed(error: DieselError) -> DatabaseError {
    DatabaseError::Migration {
        source: error.into(),
    }
}

/// Returns the outcome if the task only reports or no migration is missing. Returns `None` when
/// there is something to do.
fn nothing_to_do<DB>(
    source: &EmbeddedMigrations,
    applied: &[MigrationVersion<'static>],
    task: Task,
) -> Result<Option<Outcome>, DatabaseError>
where
    DB: Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known = MigrationSource::<DB>::migrations(source);
    let states = states(
        &known.map_err(|source| DatabaseError::Migration { source })?,
        applied,
    );
    let is_done = match task {
        Task::Status => true,
        Task::Up => states.iter().all(|state| state.applied && state.known),
        Task::Down => false,
    };
    let changed = Vec::new();
    Ok(is_done.then_some(Outcome { changed, states }))
}

/// Performs the task, identically on every database.
fn perform<C>(
    connection: &mut C,
    source: &EmbeddedMigrations,
    task: Task,
) -> Result<Outcome, DatabaseError>
where
    C: MigrationHarness<C::Backend> + diesel::Connection + 'static,
    EmbeddedMigrations: MigrationSource<C::Backend>,
{
    let error = |source| DatabaseError::Migration { source };
    let known: Vec<Box<dyn Migration<C::Backend>>> =
        MigrationSource::<C::Backend>::migrations(source).map_err(error)?;
    let mut changed = Vec::new();
    let applied = connection.applied_migrations().map_err(error)?;
    let states = states(&known, &applied);
    if let Some(newer) = states.iter().rev().find(|state| !state.known)
        && task != Task::Status
    {
        return Err(DatabaseError::SchemaNewer {
            migration: newer.name.clone(),
        });
    }
    match task {
        Task::Status => {}
        Task::Up => {
            let missing = states.iter().filter(|state| !state.applied);
            for name in missing.map(|state| &state.name) {
                if let Some(migration) = known.iter().find(|m| m.name().to_string() == *name) {
                    connection.run_migration(migration).map_err(error)?;
                    changed.push(name.clone());
                }
            }
        }
        Task::Down => {
            let newest = states.iter().rev().find(|state| state.applied);
            let migration =
                newest.and_then(|state| known.iter().find(|m| m.name().to_string() == state.name));
            if let Some(migration) = migration {
                connection.revert_migration(migration).map_err(error)?;
                changed.push(migration.name().to_string());
            }
        }
    }
    let applied = connection.applied_migrations().map_err(error)?;
    let states = self::states(&known, &applied);
    Ok(Outcome { changed, states })
}

/// Returns the migrations of the program and of the database, in order.
fn states<DB: Backend>(
    known: &[Box<dyn Migration<DB>>],
    applied: &[MigrationVersion<'static>],
) -> Vec<MigrationState> {
    let mut states: Vec<MigrationState> = known
        .iter()
        .map(|migration| MigrationState {
            name: migration.name().to_string(),
            applied: applied.contains(&migration.name().version()),
            known: true,
        })
        .collect();
    let unknown = applied
        .iter()
        .filter(|version| !known.iter().any(|m| m.name().version() == **version))
        .map(|version| MigrationState {
            name: version.to_string(),
            applied: true,
            known: false,
        });
    states.extend(unknown);
    states.sort_by(|a, b| a.name.cmp(&b.name));
    states
}

#[cfg(test)]
mod tests;

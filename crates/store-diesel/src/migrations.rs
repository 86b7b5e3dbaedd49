//! Migrations: the schema of each database, embedded in the program, applied under a lock so that
//! several nodes may start at once.

use diesel::ConnectionError;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Integer, Nullable};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{DatabaseError, DatabaseKind, DatabaseUrl, mysql, postgres, sqlite};

mod cluster;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const MYSQL: EmbeddedMigrations = embed_migrations!("../../migrations/mysql");

/// A number of our own for PostgreSQL's advisory lock: "waypost" in ASCII.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_lock(33621064574006132)";
/// The lock of MySQL is for the whole server: the database's name makes it our own.
const MYSQL_LOCK: &str = "GET_LOCK(CONCAT('waypost.', MD5(DATABASE())), 60)";

/// One migration, as this program or the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number and name, such as `0001_links`; only the number when this program does not know
    /// it.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
    /// Whether this program has it. If not, a newer version migrated the database.
    pub known: bool,
}

/// What to do with the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Only look.
    Status,
    /// Apply all that are missing.
    Up,
    /// Revert the newest.
    Down,
}

/// What was done, and what the state is then.
pub(crate) struct Outcome {
    pub(crate) changed: Vec<String>,
    pub(crate) states: Vec<MigrationState>,
}

/// Does the task on a connection of its own.
pub(crate) async fn run(url: &DatabaseUrl, task: Task) -> Result<Outcome, DatabaseError> {
    let url = url.clone();
    tokio::task::spawn_blocking(move || run_blocking(&url, task))
        .await
        .map_err(|source| DatabaseError::Migration {
            source: source.into(),
        })?
}

fn run_blocking(url: &DatabaseUrl, task: Task) -> Result<Outcome, DatabaseError> {
    let servers = url.servers();
    let connect_error = |source: ConnectionError| DatabaseError::Connect {
        url: url.to_string(),
        source: source.into(),
    };
    match url.kind() {
        DatabaseKind::Sqlite => {
            let mut connection =
                sqlite::connect_blocking(servers.first()).map_err(connect_error)?;
            if task == Task::Status {
                // Who only looks need not wait for those who write, and would wait in vain where they hardly pause.
                return perform(&mut connection, &SQLITE, task);
            }
            // Another process that migrates holds the write lock; ours keeps it to the end.
            sqlite::begin_blocking(&mut connection).map_err(failed)?;
            let outcome = perform(&mut connection, &SQLITE, task)?;
            AnsiTransactionManager::commit_transaction(&mut connection).map_err(failed)?;
            Ok(outcome)
        }
        DatabaseKind::Postgres => {
            let mut connection = postgres::connect_blocking(&servers).map_err(connect_error)?;
            diesel::sql_query(POSTGRES_LOCK)
                .execute(&mut connection)
                .map_err(failed)?;
            perform(&mut connection, &POSTGRES, task)
        }
        DatabaseKind::Mysql => {
            let mut connection = mysql::connect_blocking(&servers).map_err(connect_error)?;
            let locked: Option<i32> =
                diesel::select(diesel::dsl::sql::<Nullable<Integer>>(MYSQL_LOCK))
                    .get_result(&mut connection)
                    .map_err(failed)?;
            if locked != Some(1) {
                return Err(still_migrating());
            }
            if task == Task::Status {
                return perform(&mut connection, &MYSQL, task);
            }
            let turn = cluster::take_turn(&mut connection)?;
            let done = turn.perform(&mut connection, task);
            turn.end(&mut connection);
            done
        }
    }
}

fn still_migrating() -> DatabaseError {
    DatabaseError::Migration {
        source: "another process is still migrating this database".into(),
    }
}

fn failed(error: DieselError) -> DatabaseError {
    DatabaseError::Migration {
        source: error.into(),
    }
}

/// The work itself, alike on every database.
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
    let states = states(connection, &known)?;
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
    let states = self::states(connection, &known)?;
    Ok(Outcome { changed, states })
}

/// What the program has and what the database has, in order.
fn states<C>(
    connection: &mut C,
    known: &[Box<dyn Migration<C::Backend>>],
) -> Result<Vec<MigrationState>, DatabaseError>
where
    C: MigrationHarness<C::Backend> + diesel::Connection,
{
    let applied: Vec<MigrationVersion<'static>> = connection
        .applied_migrations()
        .map_err(|source| DatabaseError::Migration { source })?;
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
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn on_sqlite_the_state_is_told_while_somebody_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("waypost.db");
        let url: DatabaseUrl = format!("sqlite://{}", path.display()).parse().unwrap();
        run(&url, Task::Up).await.unwrap();
        let mut writer = sqlite::connect_blocking(url.servers().first()).unwrap();
        sqlite::begin_blocking(&mut writer).unwrap();
        let told = run(&url, Task::Status).await.unwrap();
        assert!(told.states.iter().all(|state| state.applied && state.known));
        assert_eq!(told.changed, Vec::<String>::new());
    }
}

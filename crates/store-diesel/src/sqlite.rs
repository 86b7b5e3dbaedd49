//! SQLite: what differs from the other databases.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, ConnectionError, ConnectionResult};
use diesel_async::AsyncConnection;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::error::Fault;
use crate::opened::Opened;

#[path = "sql/access.rs"]
mod access;
#[path = "sql/blocklist.rs"]
mod blocklist;
#[path = "sql/catalog.rs"]
mod catalog;
#[path = "sql/changes.rs"]
mod changes;
#[path = "sql/clicks.rs"]
mod clicks;
#[path = "sql/edits.rs"]
mod edits;
mod fault;
#[path = "sql/findable.rs"]
mod findable;
#[path = "sql/id.rs"]
mod id;
#[path = "sql/identities.rs"]
mod identities;
mod ingest;
#[path = "sql/journals.rs"]
mod journals;
#[path = "sql/leases.rs"]
mod leases;
#[path = "sql/links.rs"]
mod links;
#[path = "sql/orphans.rs"]
mod orphans;
#[path = "sql/pool.rs"]
mod pool;
#[path = "sql/port.rs"]
mod port;
#[path = "sql/reclassify.rs"]
mod reclassify;
#[path = "sql/route.rs"]
mod route;
#[path = "sql/salts.rs"]
mod salts;
#[path = "sql/schema.rs"]
mod schema;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/sets.rs"]
mod sets;
#[path = "sql/setup.rs"]
mod setup;
#[path = "sql/statement.rs"]
mod statement;
#[path = "sql/stats.rs"]
mod stats;
#[path = "sql/tags.rs"]
mod tags;
#[path = "sql/taking.rs"]
mod taking;
#[path = "sql/tokens.rs"]
mod tokens;
#[path = "sql/transaction.rs"]
mod transaction;
#[path = "sql/user_rows.rs"]
mod user_rows;
#[path = "sql/users.rs"]
mod users;
#[path = "sql/versions.rs"]
mod versions;

use id::Id;
use schema::click_journals;
use transaction::WorkError;

type Connection = SyncConnectionWrapper<SqliteConnection>;
type Backend = Sqlite;
type IdColumn = diesel::sql_types::Binary;
type InstantColumn = diesel::sql_types::TimestamptzSqlite;
type RawId = [u8];
type OwnedRawId = Vec<u8>;

/// The time of the machine, to the millisecond: there is no server.
const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

const SUM_OF_DAYS: &str = "SUM(link_days.clicks)";
const SUM_OF_HUMANS: &str = "SUM(link_days.humans)";
/// The same of the totals of links.
const SUM_OF_TOTALS: (&str, &str) = ("SUM(links.clicks)", "SUM(links.humans)");
/// The rows of `link_id = x AND id < y` are found by both columns of the index.
const SEEKS_BY_WHOLE_KEY: bool = true;

/// The tags of a row of `links`, separated by commas.
const TAGS_OF_LINK: &str =
    "(SELECT group_concat(tag, ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the planner would go through all links.
const WITH_LINKS: &str = " CROSS JOIN links AS l ON l.id = d.link_id";
/// Before a condition for whose column no index is to be used.
const NO_INDEX: &str = "+";
/// Ends a query whose rows nobody else may change before the transaction ends. None, here: a transaction that
/// changes anything has the write lock.
const FOR_UPDATE: &str = "";
/// Begins and ends an insertion that leaves out rows that are there.
const INSERT_NEW: &str = "INSERT OR IGNORE";
const INSERT_NEW_END: &str = "";

/// The hits of the rows of `orphan_paths` that are grouped.
const SUM_OF_HITS: &str = "SUM(hits)";
/// The first segment of the path of `o`.
const FIRST_SEGMENT: &str = "substr(o.path, 1, instr(o.path || '/', '/') - 1)";
/// Ends an insertion of orphans, whose hits are added to those that are there.
const ADD_HITS: &str = " ON CONFLICT (day, path) DO UPDATE SET hits = hits + excluded.hits, \
     first_at = MIN(first_at, excluded.first_at), last_at = MAX(last_at, excluded.last_at)";

/// What each connection sets. Write-ahead logging: readers and the writer do not wait for each
/// other. `secure_delete`: what is purged, a salt above all, is overwritten.
const PRAGMAS: &str = "
    PRAGMA busy_timeout = 10000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
";

/// So often a connection is set up again, after a pause, while others do it.
const SET_UP_TRIES: u32 = 20;
const SET_UP_PAUSE: Duration = Duration::from_millis(10);

const fn raw_id(id: &Uuid) -> &RawId {
    id.as_bytes()
}

fn id_from_raw(raw: &[u8]) -> Result<Uuid, uuid::Error> {
    Uuid::from_slice(raw)
}

/// A store on the database. SQLite lets one write at a time: one connection writes, the others read.
pub(crate) fn open(settings: &DatabaseSettings) -> Result<Opened, StoreError> {
    let readers = settings.pool_size.saturating_sub(1).max(1);
    let file = Arc::new(settings.url.servers());
    let pools = pool::Pools {
        reads: pool::pool(&file, readers)?,
        writes: pool::pool(&file, 1)?,
    };
    let ingester = ingest::Ingester::new(file.first(), pools.writes.clone());
    Ok(port::open(pools, ingester))
}

async fn connect(path: &str, _: bool) -> ConnectionResult<Connection> {
    let mut connection = SyncConnectionWrapper::<SqliteConnection>::establish(path).await?;
    connection
        .spawn_blocking(set_up)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// SQLite does not wait for others who switch a new database to write-ahead logging at the same time,
/// whatever the timeout: of two who would wait for each other, it refuses one.
fn set_up(connection: &mut SqliteConnection) -> QueryResult<()> {
    for _ in 0..SET_UP_TRIES {
        match connection.batch_execute(PRAGMAS) {
            Err(error) if fault::of_error(&error) == Fault::Contention => {
                std::thread::sleep(SET_UP_PAUSE);
            }
            done => return done,
        }
    }
    connection.batch_execute(PRAGMAS)
}

/// A blocking connection for migrations.
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

async fn begin(connection: &mut Connection) -> QueryResult<()> {
    connection.spawn_blocking(begin_blocking).await
}

async fn fault(_: &mut Connection, error: &DieselError) -> Fault {
    fault::of_error(error)
}

/// A transaction that writes has the lock of the whole database: it needs no turn.
mod turns {
    use waypost_store::LeaseName;

    use super::Connection;
    use super::transaction::WorkError;

    #[expect(clippy::unused_async, reason = "others wait for their turn")]
    pub(super) async fn take(_: &mut Connection, _: LeaseName) -> Result<(), WorkError> {
        Ok(())
    }
}

/// What a purge sets on the connection that writes. The oldest clicks are spread all over the index by links,
/// and the next batch changes the same pages again: with room for them (16 MB, which is taken only as far as there
/// are pages; 2 MB is the default) and a write-ahead log of 128 MB (4 MB is the default), as the ingester has it, twice as
/// many rows are deleted in the same time.
async fn make_room_for_purge(connection: &mut Connection) -> Result<(), WorkError> {
    connection
        .spawn_blocking(|connection| {
            connection
                .batch_execute("PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 32000")
        })
        .await?;
    Ok(())
}

/// Empties the write-ahead log, which keeps what it once held until it is written over. Does nothing
/// while a reader needs the log: the next time will do.
async fn forget_deleted(connection: &mut Connection) -> Result<(), WorkError> {
    connection
        .spawn_blocking(|connection| connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"))
        .await?;
    Ok(())
}

/// Commits and waits until the disk has the log, and with it all commits before. Other commits do not wait
/// (`synchronous = NORMAL`): a power failure takes the last ones back.
async fn make_durable(
    connection: &mut Connection,
    journal: JournalId,
    owner: JournalOwner,
) -> Result<bool, WorkError> {
    let commit = move |connection: &mut SqliteConnection| {
        connection.batch_execute("PRAGMA synchronous = FULL")?;
        let committed = commit_nothing(connection, journal, owner);
        connection.batch_execute("PRAGMA synchronous = NORMAL")?;
        committed
    };
    let committed = connection.spawn_blocking(commit).await?;
    Ok(committed > 0)
}

/// Commits a change of a journal that is changed back: a value that is replaced by itself is not written, and where
/// nothing is written nothing is synced. Returns how many rows that are.
fn commit_nothing(
    connection: &mut SqliteConnection,
    journal: JournalId,
    owner: JournalOwner,
) -> QueryResult<usize> {
    let own = click_journals::table
        .find(Id(*journal.as_uuid()))
        .filter(click_journals::owner.eq(Id(*owner.as_uuid())));
    begin_blocking(connection)?;
    let mut changed = Ok(0);
    for by in [1, -1] {
        let moved = click_journals::committed.eq(click_journals::committed + by);
        changed = changed.and_then(|_| diesel::update(own).set(moved).execute(connection));
    }
    match changed {
        Ok(changed) => {
            AnsiTransactionManager::commit_transaction(connection)?;
            Ok(changed)
        }
        Err(error) => {
            AnsiTransactionManager::rollback_transaction(connection)?;
            Err(error)
        }
    }
}

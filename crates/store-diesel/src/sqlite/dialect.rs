//! The SQLite items that the queries in `sql/` require. `sql/mod.rs` describes each item.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};

use super::connection::{BUSY_TIMEOUT, begin_blocking};
pub(super) use super::connection::{Connection, begin, connect};
use super::fault::of_error;
pub(super) use super::settle::Ingester;
pub(super) use super::space::{release_space, space};
use super::sql::id::Id;
use super::sql::schema::click_journals;
use super::sql::transaction::WorkError;
use crate::error::Fault;

pub(super) type Backend = Sqlite;
pub(super) type IdColumn = diesel::sql_types::Binary;
pub(super) type InstantColumn = diesel::sql_types::TimestamptzSqlite;
pub(super) type RawId = [u8];
pub(super) type OwnedRawId = Vec<u8>;

/// The time of the machine, to the millisecond: there is no server.
pub(super) const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

pub(super) const SUM_OF_DAYS: &str = "SUM(link_days.clicks)";
pub(super) const SUM_OF_HUMANS: &str = "SUM(link_days.humans)";
/// The same for the totals of links.
pub(super) const SUM_OF_TOTALS: (&str, &str) = ("SUM(links.clicks)", "SUM(links.humans)");
/// The rows of `link_id = x AND id < y` are found by both columns of the index.
pub(super) const SEEKS_BY_WHOLE_KEY: bool = true;

/// Whether the words of a row of `links` must be indexed: the rows in `links_to_index`.
pub(super) const TO_INDEX: &str = "search_version <> version";

/// The tags of a row of `links`, separated by commas.
pub(super) const TAGS_OF_LINK: &str =
    "(SELECT group_concat(tag, ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the planner would scan all links.
pub(super) const WITH_LINKS: &str = " CROSS JOIN links AS l ON l.id = d.link_id";
/// Prefix of a condition whose column must not use an index.
pub(super) const NO_INDEX: &str = "+";
/// Ends a query whose rows no other transaction may change before the transaction ends. Empty here:
/// a transaction that changes anything has the write lock.
pub(super) const FOR_UPDATE: &str = "";
/// Begins and ends an insertion that skips existing rows.
pub(super) const INSERT_NEW: &str = "INSERT OR IGNORE";
pub(super) const INSERT_NEW_END: &str = "";

/// The hits of grouped rows of `orphan_paths`.
pub(super) const SUM_OF_HITS: &str = "SUM(hits)";
/// The first segment of the path of `o`.
pub(super) const FIRST_SEGMENT: &str = "substr(o.path, 1, instr(o.path || '/', '/') - 1)";
/// Ends an insertion of orphan paths that adds the hits to existing rows.
pub(super) const ADD_HITS: &str = " ON CONFLICT (day, path) DO UPDATE SET hits = hits + excluded.hits, \
     first_at = MIN(first_at, excluded.first_at), last_at = MAX(last_at, excluded.last_at)";

/// A transaction that writes has the lock of the whole database: it needs no turn.
pub(super) const TAKES_TURNS: bool = false;

pub(super) const fn raw_id(id: &Uuid) -> &RawId {
    id.as_bytes()
}

pub(super) fn id_from_raw(raw: &[u8]) -> Result<Uuid, uuid::Error> {
    Uuid::from_slice(raw)
}

pub(super) async fn fault(_: &mut Connection, error: &DieselError) -> Fault {
    of_error(error)
}

/// Set by a purge on the connection that writes. The oldest clicks are spread over the whole index
/// by links, and the next batch changes the same pages again. With a cache that has room for them
/// (16 MB, used only as far as there are pages; 2 MB is the default) and a write-ahead log of 128
/// MB (4 MB is the default), like that of the ingester, twice as many rows are deleted in the same
/// time.
pub(super) async fn make_room_for_purge(connection: &mut Connection) -> Result<(), WorkError> {
    connection
        .spawn_blocking(|connection| {
            connection
                .batch_execute("PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 32000")
        })
        .await?;
    Ok(())
}

/// The answer of `wal_checkpoint`.
#[derive(QueryableByName)]
struct Checkpoint {
    /// Not 0 if a reader or another writer prevented it.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// Writes the pages without the deleted data over those with it, and empties the write-ahead log,
/// which also has copies of them. Returns `false` if a reader needs an old state.
///
/// While the log is emptied, nobody can write. So the pages are written before, and the readers get
/// only a moment to finish.
pub(super) async fn forget_deleted(connection: &mut Connection) -> Result<bool, WorkError> {
    let emptied = |connection: &mut SqliteConnection| {
        connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE); PRAGMA busy_timeout = 250")?;
        let emptied = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)")
            .get_result::<Checkpoint>(connection);
        connection.batch_execute(BUSY_TIMEOUT)?;
        Ok(emptied?.busy == 0)
    };
    Ok(connection.spawn_blocking(emptied).await?)
}

/// Commits and waits until the log is on disk, and with it all earlier commits. Other commits do
/// not wait (`synchronous = NORMAL`): a power failure reverts the last ones.
pub(super) async fn make_durable(
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

/// Commits a change of a journal that is changed back: replacing a value by itself writes nothing,
/// and without a write nothing is synced. Returns the number of changed rows.
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

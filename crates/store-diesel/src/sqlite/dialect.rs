//! What SQLite owes the queries in `sql/`. `sql/mod.rs` says what each item is.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sqlite::Sqlite;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};

use super::connection::begin_blocking;
pub(super) use super::connection::{Connection, begin, connect};
use super::fault::of_error;
pub(super) use super::settle::Ingester;
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
/// The same of the totals of links.
pub(super) const SUM_OF_TOTALS: (&str, &str) = ("SUM(links.clicks)", "SUM(links.humans)");
/// The rows of `link_id = x AND id < y` are found by both columns of the index.
pub(super) const SEEKS_BY_WHOLE_KEY: bool = true;

/// The tags of a row of `links`, separated by commas.
pub(super) const TAGS_OF_LINK: &str =
    "(SELECT group_concat(tag, ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the planner would go through all links.
pub(super) const WITH_LINKS: &str = " CROSS JOIN links AS l ON l.id = d.link_id";
/// Before a condition for whose column no index is to be used.
pub(super) const NO_INDEX: &str = "+";
/// Ends a query whose rows nobody else may change before the transaction ends. None, here: a transaction that
/// changes anything has the write lock.
pub(super) const FOR_UPDATE: &str = "";
/// Begins and ends an insertion that leaves out rows that are there.
pub(super) const INSERT_NEW: &str = "INSERT OR IGNORE";
pub(super) const INSERT_NEW_END: &str = "";

/// The hits of the rows of `orphan_paths` that are grouped.
pub(super) const SUM_OF_HITS: &str = "SUM(hits)";
/// The first segment of the path of `o`.
pub(super) const FIRST_SEGMENT: &str = "substr(o.path, 1, instr(o.path || '/', '/') - 1)";
/// Ends an insertion of orphans, whose hits are added to those that are there.
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

/// What a purge sets on the connection that writes. The oldest clicks are spread all over the index by links,
/// and the next batch changes the same pages again: with room for them (16 MB, which is taken only as far as there
/// are pages; 2 MB is the default) and a write-ahead log of 128 MB (4 MB is the default), as the ingester has it, twice as
/// many rows are deleted in the same time.
pub(super) async fn make_room_for_purge(connection: &mut Connection) -> Result<(), WorkError> {
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
pub(super) async fn forget_deleted(connection: &mut Connection) -> Result<(), WorkError> {
    connection
        .spawn_blocking(|connection| connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"))
        .await?;
    Ok(())
}

/// Commits and waits until the disk has the log, and with it all commits before. Other commits do not wait
/// (`synchronous = NORMAL`): a power failure takes the last ones back.
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

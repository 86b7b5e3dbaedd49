//! The MySQL and MariaDB items that the queries in `sql/` require. `sql/mod.rs` describes each
//! item.

use diesel::mysql::Mysql;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::Space;

pub(super) use super::connection::{Connection, begin, connect};
pub(super) use super::fault::fault;
pub(super) use super::ingest::Ingester;
use super::sql::journals;
use super::sql::transaction::WorkError;

pub(super) type Backend = Mysql;
pub(super) type IdColumn = diesel::sql_types::Binary;
pub(super) type InstantColumn = diesel::sql_types::Datetime;
pub(super) type RawId = [u8];
pub(super) type OwnedRawId = Vec<u8>;

/// The time of the server, in UTC whatever the time zone of the connection.
pub(super) const NOW: &str = "UTC_TIMESTAMP(6)";

/// The sum of big integers is a decimal here.
pub(super) const SUM_OF_DAYS: &str = "CAST(SUM(link_days.clicks) AS SIGNED)";
pub(super) const SUM_OF_HUMANS: &str = "CAST(SUM(link_days.humans) AS SIGNED)";
/// The same for the totals of links.
pub(super) const SUM_OF_TOTALS: (&str, &str) = (
    "CAST(SUM(links.clicks) AS SIGNED)",
    "CAST(SUM(links.humans) AS SIGNED)",
);
/// If a link has many rows, MariaDB finds the rows of `link_id = x AND id < y` by the link alone
/// and scans past newer ones: the later the page, the slower. With two ranges, one of which is
/// empty, it seeks.
pub(super) const SEEKS_BY_WHOLE_KEY: bool = false;

/// Whether the words of a row of `links` must be indexed: the rows in `links_to_index`.
pub(super) const TO_INDEX: &str = "search_due = TRUE";

/// The tags of a row of `links`, separated by commas.
pub(super) const TAGS_OF_LINK: &str =
    "(SELECT GROUP_CONCAT(tag SEPARATOR ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the optimizer would scan all links.
pub(super) const WITH_LINKS: &str = " STRAIGHT_JOIN links AS l ON l.id = d.link_id";
/// Prefix of a condition whose column must not use an index. The optimizer decides this well by
/// itself.
pub(super) const NO_INDEX: &str = "";
/// Ends a query whose rows no other transaction may change before the transaction ends.
pub(super) const FOR_UPDATE: &str = " FOR UPDATE";
/// Begins and ends an insertion that skips existing rows.
pub(super) const INSERT_NEW: &str = "INSERT IGNORE";
pub(super) const INSERT_NEW_END: &str = "";

/// The hits of grouped rows of `orphan_paths`.
pub(super) const SUM_OF_HITS: &str = "CAST(SUM(hits) AS SIGNED)";
/// The first segment of the path of `o`.
pub(super) const FIRST_SEGMENT: &str = "SUBSTRING_INDEX(o.path, '/', 1)";
/// Ends an insertion of orphan paths that adds the hits to existing rows.
pub(super) const ADD_HITS: &str = " ON DUPLICATE KEY UPDATE hits = hits + VALUES(hits), \
     first_at = LEAST(first_at, VALUES(first_at)), last_at = GREATEST(last_at, VALUES(last_at))";

/// Transactions write concurrently, and would choose the same rows.
pub(super) const TAKES_TURNS: bool = true;

pub(super) const fn raw_id(id: &Uuid) -> &RawId {
    id.as_bytes()
}

pub(super) fn id_from_raw(raw: &[u8]) -> Result<Uuid, uuid::Error> {
    Uuid::from_slice(raw)
}

/// Deleted data is no longer in the database; the server decides when its bytes leave the disk.
pub(super) async fn forget_deleted(_: &mut Connection) -> Result<bool, WorkError> {
    Ok(true)
}

/// Caches and logs are managed by the server.
pub(super) async fn make_room_for_purge(_: &mut Connection) -> Result<(), WorkError> {
    Ok(())
}

/// The server releases and reuses space itself.
pub(super) async fn space(_: &mut Connection) -> Result<Option<Space>, WorkError> {
    Ok(None)
}

/// There is nothing to release: see [`space`].
pub(super) async fn release_space(_: &mut Connection, _: u32) -> Result<u64, WorkError> {
    Ok(0)
}

/// Committed data is as durable as the server's settings make it.
pub(super) async fn make_durable(
    connection: &mut Connection,
    journal: JournalId,
    owner: JournalOwner,
) -> Result<bool, WorkError> {
    journals::is_owner(connection, journal, owner).await
}

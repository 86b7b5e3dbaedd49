//! The PostgreSQL items that the queries in `sql/` require. `sql/mod.rs` describes each item.

use diesel::pg::Pg;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::Space;

pub(super) use super::connection::{Connection, begin, connect};
pub(super) use super::fault::fault;
pub(super) use super::ingest::Ingester;
use super::sql::journals;
use super::sql::transaction::WorkError;

pub(super) type Backend = Pg;
pub(super) type IdColumn = diesel::sql_types::Uuid;
pub(super) type InstantColumn = diesel::sql_types::Timestamptz;
pub(super) type RawId = Uuid;
pub(super) type OwnedRawId = Uuid;

/// The time of the server. The time of the transaction would stand still within it.
pub(super) const NOW: &str = "clock_timestamp()";

/// The sum of big integers is a decimal here.
pub(super) const SUM_OF_DAYS: &str = "CAST(SUM(link_days.clicks) AS bigint)";
pub(super) const SUM_OF_HUMANS: &str = "CAST(SUM(link_days.humans) AS bigint)";
/// The same for the totals of links.
pub(super) const SUM_OF_TOTALS: (&str, &str) = (
    "CAST(SUM(links.clicks) AS bigint)",
    "CAST(SUM(links.humans) AS bigint)",
);
/// The rows of `link_id = x AND id < y` are found by both columns of the index.
pub(super) const SEEKS_BY_WHOLE_KEY: bool = true;

/// Whether the words of a row of `links` must be indexed: the rows in `links_to_index`.
pub(super) const TO_INDEX: &str = "search_version <> version";

/// The tags of a row of `links`, separated by commas.
pub(super) const TAGS_OF_LINK: &str =
    "(SELECT string_agg(tag, ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: above some thousand rows the planner would
/// scan all links. The offset keeps the planner from merging the two queries.
pub(super) const WITH_LINKS: &str =
    " JOIN LATERAL (SELECT * FROM links WHERE links.id = d.link_id OFFSET 0) AS l ON TRUE";
/// Prefix of a condition whose column must not use an index. The planner decides this well by
/// itself.
pub(super) const NO_INDEX: &str = "";
/// Ends a query whose rows no other transaction may change before the transaction ends.
pub(super) const FOR_UPDATE: &str = " FOR UPDATE";
/// Begins and ends an insertion that skips existing rows.
pub(super) const INSERT_NEW: &str = "INSERT";
pub(super) const INSERT_NEW_END: &str = " ON CONFLICT DO NOTHING";

/// The hits of grouped rows of `orphan_paths`.
pub(super) const SUM_OF_HITS: &str = "CAST(SUM(hits) AS bigint)";
/// The first segment of the path of `o`.
pub(super) const FIRST_SEGMENT: &str = "split_part(o.path, '/', 1)";
/// Ends an insertion of orphan paths that adds the hits to existing rows.
pub(super) const ADD_HITS: &str = " ON CONFLICT (day, path) DO UPDATE SET hits = orphan_paths.hits + excluded.hits, \
     first_at = LEAST(orphan_paths.first_at, excluded.first_at), \
     last_at = GREATEST(orphan_paths.last_at, excluded.last_at)";

/// Transactions write concurrently, and would choose the same rows.
pub(super) const TAKES_TURNS: bool = true;

pub(super) const fn raw_id(id: &Uuid) -> &RawId {
    id
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other databases store bytes, which may be invalid"
)]
pub(super) const fn id_from_raw(raw: &Uuid) -> Result<Uuid, uuid::Error> {
    Ok(*raw)
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

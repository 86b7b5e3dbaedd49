//! MySQL and MariaDB: what differs from the other databases.

use std::sync::Arc;

use diesel::mysql::Mysql;
use diesel::{ConnectionResult, QueryResult};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AnsiTransactionManager, AsyncMysqlConnection, TransactionManager};
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::hosts::Servers;
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
mod client;
#[path = "sql/edits.rs"]
mod edits;
mod fault;
#[path = "sql/findable.rs"]
mod findable;
#[path = "sql/id.rs"]
mod id;
#[path = "sql/identities.rs"]
mod identities;
#[path = "sql/ingest.rs"]
mod ingest;
mod insert;
#[path = "sql/journals.rs"]
mod journals;
mod known;
#[path = "sql/leases.rs"]
mod leases;
#[path = "sql/links.rs"]
mod links;
mod literals;
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
mod session;
#[path = "sql/sessions.rs"]
mod sessions;
#[path = "sql/sets.rs"]
mod sets;
mod settle;
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
#[path = "sql/turns.rs"]
mod turns;
#[path = "sql/user_rows.rs"]
mod user_rows;
#[path = "sql/users.rs"]
mod users;
#[path = "sql/versions.rs"]
mod versions;

use fault::fault;
use session::Session;
use transaction::WorkError;

type Connection = AsyncMysqlConnection;
type Backend = Mysql;
type IdColumn = diesel::sql_types::Binary;
type InstantColumn = diesel::sql_types::Datetime;
type RawId = [u8];
type OwnedRawId = Vec<u8>;

/// The time of the server, in UTC whatever the time zone of the connection.
const NOW: &str = "UTC_TIMESTAMP(6)";

/// The sum of big integers is a decimal here.
const SUM_OF_DAYS: &str = "CAST(SUM(link_days.clicks) AS SIGNED)";
const SUM_OF_HUMANS: &str = "CAST(SUM(link_days.humans) AS SIGNED)";
/// The same of the totals of links.
const SUM_OF_TOTALS: (&str, &str) = (
    "CAST(SUM(links.clicks) AS SIGNED)",
    "CAST(SUM(links.humans) AS SIGNED)",
);
/// MariaDB finds the rows of `link_id = x AND id < y` by the link alone and passes over newer ones, when many
/// rows are of the link: the later the page, the slower. Of two ranges, one of which has no rows, it seeks.
const SEEKS_BY_WHOLE_KEY: bool = false;

/// The tags of a row of `links`, separated by commas.
const TAGS_OF_LINK: &str =
    "(SELECT GROUP_CONCAT(tag SEPARATOR ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the optimizer would go through all links.
const WITH_LINKS: &str = " STRAIGHT_JOIN links AS l ON l.id = d.link_id";
/// Before a condition for whose column no index is to be used. The optimizer finds out by itself.
const NO_INDEX: &str = "";
/// Ends a query whose rows nobody else may change before the transaction ends.
const FOR_UPDATE: &str = " FOR UPDATE";
/// Begins and ends an insertion that leaves out rows that are there.
const INSERT_NEW: &str = "INSERT IGNORE";
const INSERT_NEW_END: &str = "";

/// The hits of the rows of `orphan_paths` that are grouped.
const SUM_OF_HITS: &str = "CAST(SUM(hits) AS SIGNED)";
/// The first segment of the path of `o`.
const FIRST_SEGMENT: &str = "SUBSTRING_INDEX(o.path, '/', 1)";
/// Ends an insertion of orphans, whose hits are added to those that are there.
const ADD_HITS: &str = " ON DUPLICATE KEY UPDATE hits = hits + VALUES(hits), \
     first_at = LEAST(first_at, VALUES(first_at)), last_at = GREATEST(last_at, VALUES(last_at))";

/// What each connection sets. READ COMMITTED: counting locks the rows it changes, and no gaps between
/// them. The tags of a link are 5 kB at the most. A question about each row
/// is asked of each row: the answers for all others would be collected first.
const SET_UP: &str = "
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET SESSION sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES';
    SET SESSION innodb_lock_wait_timeout = 10;
    SET SESSION group_concat_max_len = 65536;
    SET SESSION optimizer_switch = 'semijoin=off,materialization=off'
";

const fn raw_id(id: &Uuid) -> &RawId {
    id.as_bytes()
}

fn id_from_raw(raw: &[u8]) -> Result<Uuid, uuid::Error> {
    Uuid::from_slice(raw)
}

/// A store on the database.
pub(crate) fn open(settings: &DatabaseSettings) -> Result<Opened, StoreError> {
    let servers = Arc::new(settings.url.servers());
    let pool = pool::pool(&servers, settings.pool_size)?;
    let pools = pool::Pools {
        reads: pool.clone(),
        writes: pool,
    };
    let ingester = ingest::Ingester::new(servers);
    Ok(port::open(pools, ingester))
}

async fn connect(url: &str, has_choice: bool) -> ConnectionResult<Connection> {
    let session = Session {
        // diesel-async has a cache of its own.
        statements: 0,
        has_choice,
    };
    Connection::try_from(session::open(url, session).await?).await
}

/// A blocking connection for migrations, to be used on a thread for blocking work.
pub(crate) fn connect_blocking(
    servers: &Servers,
) -> ConnectionResult<AsyncConnectionWrapper<Connection>> {
    let has_choice = servers.are_several();
    let connect = |url: String| async move { connect(&url, has_choice).await };
    tokio::runtime::Handle::current()
        .block_on(servers.connect(connect))
        .map(AsyncConnectionWrapper::from)
}

async fn begin(connection: &mut Connection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

/// What is deleted is no longer in the database; when its bytes leave the disk is the server's
/// affair.
#[expect(
    clippy::unused_async,
    reason = "another database has something to do here"
)]
async fn forget_deleted(_: &mut Connection) -> Result<(), WorkError> {
    Ok(())
}

/// Caches and logs are the server's affair.
#[expect(
    clippy::unused_async,
    reason = "another database has something to do here"
)]
async fn make_room_for_purge(_: &mut Connection) -> Result<(), WorkError> {
    Ok(())
}

/// What was committed is as durable as the server is set to make it.
async fn make_durable(
    connection: &mut Connection,
    journal: JournalId,
    owner: JournalOwner,
) -> Result<bool, WorkError> {
    journals::is_owner(connection, journal, owner).await
}

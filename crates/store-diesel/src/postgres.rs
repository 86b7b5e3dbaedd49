//! PostgreSQL: what differs from the other databases.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection,
    TransactionManager,
};
use tokio::net::UnixStream;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::{Config, NoTls};
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
mod columns;
mod copy;
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
#[path = "sql/journals.rs"]
mod journals;
#[path = "sql/leases.rs"]
mod leases;
#[path = "sql/links.rs"]
mod links;
mod listener;
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
use listener::Listener;
use transaction::WorkError;

type Connection = AsyncPgConnection;
type Backend = Pg;
type IdColumn = diesel::sql_types::Uuid;
type InstantColumn = diesel::sql_types::Timestamptz;
type RawId = Uuid;
type OwnedRawId = Uuid;

/// The time of the server. That of the transaction would stand still within it.
const NOW: &str = "clock_timestamp()";

/// The sum of big integers is a decimal here.
const SUM_OF_DAYS: &str = "CAST(SUM(link_days.clicks) AS bigint)";
const SUM_OF_HUMANS: &str = "CAST(SUM(link_days.humans) AS bigint)";
/// The same of the totals of links.
const SUM_OF_TOTALS: (&str, &str) = (
    "CAST(SUM(links.clicks) AS bigint)",
    "CAST(SUM(links.humans) AS bigint)",
);
/// The rows of `link_id = x AND id < y` are found by both columns of the index.
const SEEKS_BY_WHOLE_KEY: bool = true;

/// The tags of a row of `links`, separated by commas.
const TAGS_OF_LINK: &str =
    "(SELECT string_agg(tag, ',') FROM link_tags WHERE link_tags.link_id = links.id)";
/// Looks up the link of each row of `d`, one by one: the planner would go through all links, for which
/// it takes some thousand rows to be reason enough. The offset keeps the two from being made one.
const WITH_LINKS: &str =
    " JOIN LATERAL (SELECT * FROM links WHERE links.id = d.link_id OFFSET 0) AS l ON TRUE";
/// Before a condition for whose column no index is to be used. The planner finds out by itself.
const NO_INDEX: &str = "";
/// Ends a query whose rows nobody else may change before the transaction ends.
const FOR_UPDATE: &str = " FOR UPDATE";
/// Begins and ends an insertion that leaves out rows that are there.
const INSERT_NEW: &str = "INSERT";
const INSERT_NEW_END: &str = " ON CONFLICT DO NOTHING";

/// The hits of the rows of `orphan_paths` that are grouped.
const SUM_OF_HITS: &str = "CAST(SUM(hits) AS bigint)";
/// The first segment of the path of `o`.
const FIRST_SEGMENT: &str = "split_part(o.path, '/', 1)";
/// Ends an insertion of orphans, whose hits are added to those that are there.
const ADD_HITS: &str = " ON CONFLICT (day, path) DO UPDATE SET hits = orphan_paths.hits + excluded.hits, \
     first_at = LEAST(orphan_paths.first_at, excluded.first_at), \
     last_at = GREATEST(orphan_paths.last_at, excluded.last_at)";

/// What each connection sets. `random_page_cost`: with the default, which is that of disks that turn,
/// tens of thousands of rows are read in order not to look up a few hundred.
/// `idle_in_transaction_session_timeout`: a process that sleeps in the midst of a transaction does not keep
/// others from its rows for ever.
const SET_UP: &str = "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; SET random_page_cost = 1.1; \
     SET idle_in_transaction_session_timeout = '60s'";
/// How long a server may leave unanswered what was sent to it, if the URL does not say (`tcp_user_timeout`): one
/// whose machine is gone does not say so.
const SILENCE: Duration = Duration::from_secs(10);

const DEFAULT_PORT: u16 = 5432;

const fn raw_id(id: &Uuid) -> &RawId {
    id
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other databases store bytes, which may be none"
)]
const fn id_from_raw(raw: &Uuid) -> Result<Uuid, uuid::Error> {
    Ok(*raw)
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

async fn connect(url: &str, _: bool) -> ConnectionResult<Connection> {
    let mut connection = open_connection(url).await?;
    connection
        .batch_execute(SET_UP)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn configuration(url: &str) -> Result<Config, tokio_postgres::Error> {
    let mut config: Config = url.parse()?;
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    Ok(config)
}

/// Connects without diesel-async, which would keep of a failure only that there was one, not that, say, the
/// connection was refused. A [`Listener`] reads the codes of the connection's errors.
async fn open_connection(url: &str) -> ConnectionResult<Connection> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(chain(&error));
    let mut config = configuration(url).map_err(bad)?;
    if config.get_ssl_mode() == SslMode::Require {
        let refused = config.connect(NoTls).await.map(drop);
        refused.map_err(bad)?;
    }
    // The listener takes the place of TLS. Nothing is encrypted, and with direct negotiation the server does not
    // learn of it.
    config.ssl_mode(SslMode::Require);
    config.ssl_negotiation(SslNegotiation::Direct);
    let listener = Listener::default();
    let mut connection = if let [Host::Unix(directory)] = config.get_hosts() {
        // The driver takes a connector only for hosts with a name: the socket is opened here.
        let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT);
        let socket = UnixStream::connect(directory.join(format!(".s.PGSQL.{port}"))).await;
        let socket = socket.map_err(|error| ConnectionError::BadConnection(chain(&error)))?;
        let connected = config.connect_raw(socket, listener.clone()).await;
        let (client, connection) = connected.map_err(bad)?;
        // It ends with the client.
        tokio::spawn(connection);
        AsyncPgConnection::try_from(client).await?
    } else {
        let connected = config.connect(listener.clone()).await;
        let (client, connection) = connected.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await?
    };
    connection.set_instrumentation(listener);
    Ok(connection)
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// A blocking connection for migrations, to be used on a thread for blocking work.
pub(crate) fn connect_blocking(
    servers: &Servers,
) -> ConnectionResult<AsyncConnectionWrapper<Connection>> {
    let connect = |url: String| async move { open_connection(&url).await };
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

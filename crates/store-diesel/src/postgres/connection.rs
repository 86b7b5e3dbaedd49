//! Connecting to PostgreSQL: the settings of each connection, and beginning a transaction.

use std::error::Error;
use std::time::Duration;

use diesel::sql_types::{Integer, Nullable, Text};
use diesel::{ConnectionError, ConnectionResult, QueryResult, QueryableByName};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _,
    SimpleAsyncConnection, TransactionManager,
};
use tokio::net::UnixStream;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

use super::listener::Listener;
use crate::hosts::Servers;

pub(super) type Connection = AsyncPgConnection;

/// Set on each connection. `random_page_cost`: the default is that of rotating disks, for which
/// tens of thousands of rows are read in order rather than looking up a few hundred.
/// `idle_in_transaction_session_timeout`: a process that is suspended in the middle of a
/// transaction does not block its rows for others forever.
pub(super) const SET_UP: &str = "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; SET random_page_cost = 1.1; \
     SET idle_in_transaction_session_timeout = '60s'";
/// How long a server may leave sent data unacknowledged, unless the URL says (`tcp_user_timeout`):
/// a server whose machine is gone sends no error.
const SILENCE: Duration = Duration::from_secs(10);

/// Who holds the locks that a session waits for.
const HOLDERS: &str = "
    SELECT string_agg(format('PostgreSQL process %s (%s)', holder.pid, concat_ws(', ', usename,
        host(client_addr), nullif(application_name, ''), state)), '; ') AS holders
    FROM unnest(pg_blocking_pids($1)) AS holder (pid)
    LEFT JOIN pg_stat_activity ON pg_stat_activity.pid = holder.pid";

#[derive(QueryableByName)]
struct Holders {
    #[diesel(sql_type = Nullable<Text>)]
    holders: Option<String>,
}

const DEFAULT_PORT: u16 = 5432;

pub(super) async fn connect(url: &str, _: bool) -> ConnectionResult<Connection> {
    let mut connection = open_connection(url).await?;
    connection
        .batch_execute(SET_UP)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

pub(super) fn configuration(url: &str) -> Result<Config, tokio_postgres::Error> {
    let mut config: Config = url.parse()?;
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    Ok(config)
}

/// Connects without diesel-async, which would keep only that a connection failed, not why (for
/// example, that it was refused). A [`Listener`] reads the error codes of the connection.
async fn open_connection(url: &str) -> ConnectionResult<Connection> {
    let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(chain(&error));
    let mut config = configuration(url).map_err(bad)?;
    // The listener takes the place of TLS. Nothing is encrypted, and with direct negotiation the
    // server does not notice.
    config.ssl_mode(SslMode::Require);
    config.ssl_negotiation(SslNegotiation::Direct);
    let listener = Listener::default();
    let mut connection = if let [Host::Unix(directory)] = config.get_hosts() {
        // The driver accepts a connector only for hosts with a name, so the socket is opened here.
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

pub(super) fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Opens a blocking connection for migrations, to be used on a thread for blocking work.
pub(crate) fn connect_blocking(
    servers: &Servers,
) -> ConnectionResult<AsyncConnectionWrapper<Connection>> {
    let connect = |url: String| async move { open_connection(&url).await };
    tokio::runtime::Handle::current()
        .block_on(servers.connect(connect))
        .map(AsyncConnectionWrapper::from)
}

/// Returns who holds the locks that the session with this process ID waits for. Returns `None` if it
/// does not wait, or nobody can be asked.
pub(crate) async fn lock_holders(servers: &Servers, pid: i32) -> Option<String> {
    let connect = |url: String| async move { open_connection(&url).await };
    let mut connection = servers.connect(connect).await.ok()?;
    let holders = diesel::sql_query(HOLDERS).bind::<Integer, _>(pid);
    let holders: Holders = holders.get_result(&mut connection).await.ok()?;
    holders.holders
}

pub(super) async fn begin(connection: &mut Connection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

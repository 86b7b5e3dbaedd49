//! Connecting to MySQL and MariaDB through diesel, and beginning a transaction. The settings of a
//! session are in `session`.

use diesel::{ConnectionResult, QueryResult};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AnsiTransactionManager, AsyncMysqlConnection, TransactionManager};

use super::session::{self, Session};
use crate::hosts::Servers;

pub(super) type Connection = AsyncMysqlConnection;

pub(super) async fn connect(url: &str, has_choice: bool) -> ConnectionResult<Connection> {
    let session = Session {
        // diesel-async has a cache of its own.
        statements: 0,
        has_choice,
    };
    Connection::try_from(session::open(url, session).await?).await
}

/// Opens a blocking connection for migrations, to be used on a thread for blocking work.
pub(crate) fn connect_blocking(
    servers: &Servers,
) -> ConnectionResult<AsyncConnectionWrapper<Connection>> {
    let has_choice = servers.are_several();
    let connect = |url: String| async move { connect(&url, has_choice).await };
    tokio::runtime::Handle::current()
        .block_on(servers.connect(connect))
        .map(AsyncConnectionWrapper::from)
}

pub(super) async fn begin(connection: &mut Connection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

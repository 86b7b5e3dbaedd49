//! Connecting to MySQL and MariaDB through diesel, and beginning a transaction. The settings of a
//! session are in `session`.

use diesel::sql_types::{Nullable, Text};
use diesel::{ConnectionResult, QueryResult, QueryableByName};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{
    AnsiTransactionManager, AsyncMysqlConnection, RunQueryDsl as _, TransactionManager,
};

use super::session::{self, Session};
use crate::hosts::Servers;

pub(super) type Connection = AsyncMysqlConnection;

#[derive(QueryableByName)]
struct Holders {
    #[diesel(sql_type = Nullable<Text>)]
    holders: Option<String>,
}

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

/// Returns who holds what the connection with this number waits for: a lock by this expression of its
/// name, or one on a table. Returns `None` if it does not wait, or nobody can be asked.
pub(crate) async fn lock_holders(servers: &Servers, name: &str, waiting: u64) -> Option<String> {
    let has_choice = servers.are_several();
    let connect = |url: String| async move { connect(&url, has_choice).await };
    let mut connection = servers.connect(connect).await.ok()?;
    let sql = holders(name, waiting);
    let holders: Holders = diesel::sql_query(sql)
        .get_result(&mut connection)
        .await
        .ok()?;
    holders.holders
}

/// A lock on a table has no known holder without privileges that Waypost does not need: it is one of
/// the other connections to the database.
fn holders(name: &str, waiting: u64) -> String {
    let described =
        "CONCAT('connection ', id, ' (', user, '@', host, ', ', command, ', ', time, ' s)')";
    format!(
        "SELECT COALESCE(
            (SELECT COALESCE(
                (SELECT {described} FROM information_schema.processlist
                    WHERE id = IS_USED_LOCK({name})),
                CONCAT('connection ', IS_USED_LOCK({name}))
            ) FROM DUAL WHERE IS_USED_LOCK({name}) <> {waiting}),
            (SELECT GROUP_CONCAT({described} SEPARATOR '; ') FROM information_schema.processlist
                WHERE db = DATABASE() AND id NOT IN ({waiting}, CONNECTION_ID())
                AND EXISTS (SELECT 1 FROM information_schema.processlist
                    WHERE id = {waiting} AND state LIKE 'Waiting for % lock%'))
        ) AS holders"
    )
}

pub(super) async fn begin(connection: &mut Connection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

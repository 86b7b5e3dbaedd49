//! PostgreSQL: what differs from the other databases.

use std::error::Error;
use std::sync::Arc;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
};
use time::Date;
use uuid::Uuid;
use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::database::Opened;
use crate::error::Fault;

#[path = "sql/clicks.rs"]
mod clicks;
#[path = "sql/id.rs"]
mod id;
#[path = "sql/links.rs"]
mod links;
#[path = "sql/pool.rs"]
mod pool;
#[path = "sql/salts.rs"]
mod salts;
#[path = "sql/schema.rs"]
mod schema;
#[path = "sql/store.rs"]
mod store;
#[path = "sql/transaction.rs"]
mod transaction;

use clicks::ClickRow;
use id::Id;
use schema::{link_clicks, link_days};
use transaction::WorkError;

type Connection = AsyncPgConnection;
type Backend = Pg;
type IdColumn = diesel::sql_types::Uuid;
type InstantColumn = diesel::sql_types::Timestamptz;
type RawId = Uuid;
type OwnedRawId = Uuid;

/// A statement has at most 65,535 parameters, and a row of `link_clicks` seven.
const ROWS_PER_INSERT: usize = 5_000;

/// The sum of big integers is a decimal here.
const SUM_OF_DAYS: &str = "CAST(SUM(link_days.clicks) AS bigint)";

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

/// A store on the database, and how to close it.
pub(crate) fn open(settings: &DatabaseSettings) -> Result<Opened, StoreError> {
    let pool = pool::pool(settings, settings.pool_size)?;
    let pools = pool::Pools {
        reads: pool.clone(),
        writes: pool,
    };
    let store = store::SqlStore {
        pools: pools.clone(),
    };
    Ok(Opened {
        store: Arc::new(store),
        close: Box::new(move || pools.close()),
    })
}

async fn connect(url: &str) -> ConnectionResult<Connection> {
    let mut connection = open_connection(url).await?;
    connection
        .batch_execute(
            "SET TIME ZONE 'UTC'; SET lock_timeout = '10s'; SET statement_timeout = '60s'",
        )
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Connects by hand: diesel-async would keep of an error only that there was one, not that, say, the
/// connection was refused.
async fn open_connection(url: &str) -> ConnectionResult<Connection> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .map_err(|error| ConnectionError::BadConnection(chain(&error)))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// A blocking connection for migrations, to be used on a thread for blocking work.
pub(crate) fn connect_blocking(url: &str) -> ConnectionResult<AsyncConnectionWrapper<Connection>> {
    tokio::runtime::Handle::current()
        .block_on(open_connection(url))
        .map(AsyncConnectionWrapper::from)
}

async fn begin(connection: &mut Connection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

fn classify(error: &DieselError) -> Fault {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UniqueViolation => Fault::Conflict,
            DatabaseErrorKind::SerializationFailure => Fault::Contention,
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Fault::ConnectionLost
            }
            // diesel does not hand on the SQLSTATE of these: only their (untranslated) text.
            _ => match information.message() {
                "deadlock detected" => Fault::Contention,
                message if message.starts_with("terminating connection") => Fault::ConnectionLost,
                message
                    if message.starts_with("canceling statement due to")
                        || message.starts_with("the database system is")
                        || message.starts_with("cannot execute")
                        || message.starts_with("sorry, too many clients") =>
                {
                    Fault::Unavailable
                }
                _ => Fault::Other,
            },
        },
        DieselError::BrokenTransactionManager => Fault::ConnectionLost,
        _ => Fault::Other,
    }
}

async fn insert_clicks(
    connection: &mut Connection,
    rows: Vec<ClickRow<'_>>,
) -> Result<(), WorkError> {
    for rows in rows.chunks(ROWS_PER_INSERT) {
        diesel::insert_into(link_clicks::table)
            .values(rows)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn add_to_day(
    connection: &mut Connection,
    link: Id,
    day: Date,
    clicks: i64,
) -> Result<(), WorkError> {
    diesel::insert_into(link_days::table)
        .values((
            link_days::link_id.eq(link),
            link_days::day.eq(day),
            link_days::clicks.eq(clicks),
        ))
        .on_conflict((link_days::link_id, link_days::day))
        .do_update()
        .set(link_days::clicks.eq(link_days::clicks + clicks))
        .execute(connection)
        .await?;
    Ok(())
}

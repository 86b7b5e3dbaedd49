//! PostgreSQL: what differs from the other databases.
//!
//! | what | where |
//! | --- | --- |
//! | the queries, compiled for PostgreSQL | `sql/` |
//! | the dialect: types, spellings of SQL, special behaviour | `postgres/dialect.rs` |
//! | connecting | `postgres/connection.rs`, `postgres/pooler.rs` |
//! | what errors mean | `postgres/fault.rs`, `postgres/listener.rs` |
//! | storing clicks | `ingest.rs`, `postgres/settle.rs`, `postgres/{budget,client,columns,copy}.rs` |

use std::sync::Arc;

use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::opened::Opened;

mod budget;
mod client;
mod columns;
mod connection;
mod copy;
mod dialect;
mod fault;
#[path = "ingest.rs"]
mod ingest;
mod listener;
mod pooler;
mod settle;
#[path = "sql/mod.rs"]
mod sql;

use dialect::Ingester;
use sql::{pool, port};

pub(crate) use connection::{connect_blocking, lock_holders};
pub(crate) use pooler::lends_sessions;

/// Opens a store on the database.
pub(crate) fn open(settings: &DatabaseSettings) -> Result<Opened, StoreError> {
    let servers = Arc::new(settings.url.servers());
    let pool = pool::pool(&servers, settings.pool_size)?;
    let pools = pool::Pools {
        reads: pool.clone(),
        writes: pool,
    };
    let ingester = Ingester::new(servers);
    Ok(port::open(pools, ingester))
}

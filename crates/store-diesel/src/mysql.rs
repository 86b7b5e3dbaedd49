//! MySQL and MariaDB: what differs from the other databases.
//!
//! | what | where |
//! | --- | --- |
//! | the queries, compiled for MySQL and MariaDB | `sql/` |
//! | the dialect: types, spellings of SQL, special behaviour | `mysql/dialect.rs` |
//! | connecting | `mysql/connection.rs`, `mysql/session.rs` |
//! | what errors mean | `mysql/fault.rs` |
//! | storing clicks | `ingest.rs`, `mysql/settle.rs`, `mysql/{budget,client,insert,known,literals}.rs` |

use std::sync::Arc;

use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::opened::Opened;

mod budget;
mod client;
mod connection;
mod dialect;
mod fault;
#[path = "ingest.rs"]
mod ingest;
mod insert;
mod known;
mod literals;
mod session;
mod settle;
#[path = "sql/mod.rs"]
mod sql;

use dialect::Ingester;
use sql::{pool, port};

pub(crate) use connection::{connect_blocking, lock_holders};

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

//! SQLite: what differs from the other databases.
//!
//! | what | where |
//! | --- | --- |
//! | the queries, compiled for SQLite | `sql/` |
//! | the dialect: types, spellings of SQL, special behaviour | `sqlite/dialect.rs` |
//! | connecting | `sqlite/connection.rs` |
//! | the files and their modes | `sqlite/file.rs` |
//! | what errors mean | `sqlite/fault.rs` |
//! | the size of the file | `sqlite/space.rs` |
//! | storing clicks | `sqlite/settle.rs`, `sqlite/{budget,instant}.rs` |

use std::sync::Arc;

use waypost_store::StoreError;

use crate::DatabaseSettings;
use crate::opened::Opened;

mod budget;
mod connection;
mod dialect;
mod fault;
mod file;
mod instant;
mod settle;
mod space;
#[path = "sql/mod.rs"]
mod sql;

use dialect::Ingester;
use sql::{pool, port};

pub(crate) use connection::{connect_blocking, try_to_begin, try_to_connect, use_temporary_files};
pub(crate) use file::{prepare as prepare_file, users_of};
pub(crate) use space::compact;

/// Opens a store on the database. SQLite allows one write at a time: one connection writes, the
/// others read.
pub(crate) fn open(settings: &DatabaseSettings) -> Result<Opened, StoreError> {
    let readers = settings.pool_size.saturating_sub(1).max(1);
    let file = Arc::new(settings.url.servers());
    let pools = pool::Pools {
        reads: pool::pool(&file, readers)?,
        writes: pool::pool(&file, 1)?,
    };
    let ingester = Ingester::new(file.first(), pools.writes.clone());
    Ok(port::open(pools, ingester))
}

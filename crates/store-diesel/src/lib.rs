//! The port of `waypost-store` on three databases: SQLite, PostgreSQL and MySQL/MariaDB.
//!
//! ```no_run
//! use waypost_store_diesel::{Database, DatabaseSettings};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = DatabaseSettings::for_url("sqlite:///var/lib/waypost/waypost.db")?;
//! let database = Database::connect(&settings).await?;
//! database.prepare_schema(true).await?;
//! let store = database.store();
//! assert_eq!(store.counts().await?.links, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # How it is built
//! The queries are written once, in `src/sql/`, as ordinary diesel code. Each of `src/sqlite.rs`,
//! `src/postgres.rs` and `src/mysql.rs` includes them (`#[path = "sql/mod.rs"] mod sql;`), so that
//! they are compiled once per database, and has a `dialect` with its differences: the connection,
//! the column types, what an error means, and the few statements that each database spells its own
//! way. `sql/mod.rs` lists the items that a backend must provide. No diesel type is part of the
//! public interface of this crate.
//!
//! Every transaction goes through `sql/transaction.rs`: it has a name, is retried when the database
//! reports that this may help, and never when its outcome is unknown. `.clippy.toml` bans the raw
//! calls.
//!
//! Clicks are the most frequent writes, and each database stores them in its own fastest way:
//! `sqlite/settle.rs`, `postgres/settle.rs` and `mysql/settle.rs`, on connections of their own that
//! live on the runtime of the caller, and with the same rules for retries (`retry.rs`). Code shared
//! by the two database servers is in `ingest.rs`, which each of them includes; code that does not
//! depend on the database is in `job.rs` and `tally.rs`.
//!
//! Lists of links are found in two steps: `sql/route.rs` chooses an index by a capped count of the
//! links that each filter matches, and `sql/catalog.rs` writes the query as one statement that
//! finds IDs. The links are then looked up by ID.
//!
//! # Adding an operation
//! Write the query in the file of its subject in `src/sql/`, name it in `sql/port.rs`, and, when
//! the schema changes, add a migration of the same name to each of
//! `migrations/{sqlite,postgres,mysql}`. The conformance suite of `waypost-store-testkit` runs on
//! all of them.

#![expect(
    clippy::duplicate_mod,
    reason = "the queries are written once and compiled once per database"
)]
#![expect(clippy::ref_option_ref, reason = "diesel's `Insertable` writes it")]

// Named only to compile SQLite into the program; diesel uses it.
use libsqlite3_sys as _;

#[macro_use]
mod keyset;

mod database;
mod datetime;
mod error;
mod hosts;
mod job;
mod metrics;
mod migrations;
mod mysql;
mod opened;
mod postgres;
mod retry;
mod settings;
mod snapshot;
mod sqlite;
mod tally;
mod url;
mod version;

pub use database::Database;
pub use error::DatabaseError;
pub use metrics::describe_metrics;
pub use migrations::MigrationState;
pub use settings::DatabaseSettings;
pub use url::{DatabaseKind, DatabaseUrl, DatabaseUrlError};

#![doc = include_str!("../README.md")]
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
mod waiting;

pub use database::Database;
pub use error::DatabaseError;
pub use metrics::describe_metrics;
pub use migrations::MigrationState;
pub use settings::DatabaseSettings;
pub use url::{DatabaseKind, DatabaseUrl, DatabaseUrlError};

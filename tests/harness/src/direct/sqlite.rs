//! SQLite through diesel's connection, so that the tests use the same SQLite as the programs.
//!
//! These functions block while another connection writes: at most [`BUSY_TIMEOUT_MS`].

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::deserialize::{self, QueryableByName};
use diesel::row::{Field, NamedRow};
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteType};
use diesel::{Connection, RunQueryDsl, sql_query};
// Compiles SQLite in.
use libsqlite3_sys as _;

use super::{Result, Rows, chain, hex};

const BUSY_TIMEOUT_MS: u32 = 10_000;

fn connect(path: &Path) -> Result<SqliteConnection> {
    let path = path.to_str().ok_or("the path is not UTF-8")?;
    let mut connection = SqliteConnection::establish(path).map_err(|error| chain(&error))?;
    connection
        .batch_execute(&format!("pragma busy_timeout = {BUSY_TIMEOUT_MS}"))
        .map_err(|error| chain(&error))?;
    Ok(connection)
}

/// Runs statements, separated by semicolons.
pub(crate) fn execute(path: &Path, sql: &str) -> Result<()> {
    connect(path)?
        .batch_execute(sql)
        .map_err(|error| chain(&error))
}

/// A connection that holds the write lock; closing it releases the lock.
pub(crate) struct Locked(#[expect(dead_code, reason = "held for its lock")] SqliteConnection);

/// Takes the write lock.
pub(crate) fn lock(path: &Path) -> Result<Locked> {
    let mut connection = connect(path)?;
    connection
        .batch_execute("begin immediate")
        .map_err(|error| chain(&error))?;
    Ok(Locked(connection))
}

/// Runs one query.
pub(crate) fn rows(path: &Path, sql: &str) -> Result<Rows> {
    let rows: Vec<TextRow> = sql_query(sql)
        .load(&mut connect(path)?)
        .map_err(|error| chain(&error))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A row with any columns.
struct TextRow(Vec<Option<String>>);

impl QueryableByName<Sqlite> for TextRow {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let values = (0..row.field_count()).map(|index| {
            let field = diesel::row::Row::get(row, index).ok_or("the row lacks a column")?;
            let Some(mut value) = field.value() else {
                return Ok(None);
            };
            Ok(value.value_type().map(|of| match of {
                SqliteType::Binary => hex(value.read_blob()),
                SqliteType::Text => value.read_text().to_owned(),
                SqliteType::Float | SqliteType::Double => value.read_double().to_string(),
                SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long => {
                    value.read_long().to_string()
                }
            }))
        });
        values.collect::<deserialize::Result<_>>().map(Self)
    }
}

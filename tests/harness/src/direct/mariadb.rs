//! MariaDB and MySQL through mysql_async.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Opts, OptsBuilder, Row, Value};

use super::{Result, Rows, chain, hex};

/// The character set of binary values.
const BINARY: u16 = 63;

async fn connect(url: &str) -> Result<Conn> {
    let options = Opts::from_url(url).map_err(|error| chain(&error))?;
    Conn::new(OptsBuilder::from_opts(options).prefer_socket(false))
        .await
        .map_err(|error| chain(&error))
}

/// Runs statements, separated by semicolons.
pub(crate) async fn execute(url: &str, sql: &str) -> Result<()> {
    let mut connection = connect(url).await?;
    let result = connection.query_drop(sql).await;
    let closed = connection.disconnect().await;
    result.and(closed).map_err(|error| chain(&error))
}

/// Runs one query.
pub(crate) async fn rows(url: &str, sql: &str) -> Result<Rows> {
    let mut connection = connect(url).await?;
    let result = connection.query::<Row, _>(sql).await;
    let closed = connection.disconnect().await;
    let rows = result.map_err(|error| chain(&error))?;
    closed.map_err(|error| chain(&error))?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let columns = row.columns();
            let values = row.unwrap();
            columns
                .iter()
                .zip(values)
                .map(|(column, value)| render(column, value))
                .collect()
        })
        .collect())
}

/// Formats a value. The text protocol sends every value as bytes.
fn render(column: &Column, value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) if is_binary(column) => Some(hex(&bytes)),
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    }
}

fn is_binary(column: &Column) -> bool {
    column.character_set() == BINARY
        && matches!(
            column.column_type(),
            ColumnType::MYSQL_TYPE_STRING
                | ColumnType::MYSQL_TYPE_VAR_STRING
                | ColumnType::MYSQL_TYPE_VARCHAR
                | ColumnType::MYSQL_TYPE_TINY_BLOB
                | ColumnType::MYSQL_TYPE_BLOB
                | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
                | ColumnType::MYSQL_TYPE_LONG_BLOB
                | ColumnType::MYSQL_TYPE_BIT
        )
}

//! PostgreSQL through tokio-postgres.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::{Result, Rows, chain};

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|error| chain(&error))?;
    // Ends when the client is dropped.
    tokio::spawn(connection);
    Ok(client)
}

/// Runs statements, separated by semicolons.
pub(crate) async fn execute(url: &str, sql: &str) -> Result<()> {
    let client = connect(url).await?;
    client
        .batch_execute(sql)
        .await
        .map_err(|error| chain(&error))
}

/// Runs one query. Preparing it returns the types, the simple protocol returns the values as text.
pub(crate) async fn rows(url: &str, sql: &str) -> Result<Rows> {
    let client = connect(url).await?;
    let statement = client.prepare(sql).await.map_err(|error| chain(&error))?;
    let messages = client
        .simple_query(sql)
        .await
        .map_err(|error| chain(&error))?;
    Ok(messages
        .into_iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })
        .map(|row| {
            let types = statement.columns().iter().map(|column| column.type_());
            types
                .enumerate()
                .map(|(index, of)| row.get(index).map(|text| render(of, text)))
                .collect()
        })
        .collect())
}

fn render(of: &Type, text: &str) -> String {
    match *of {
        Type::BOOL => u8::from(text == "t").to_string(),
        Type::BYTEA => text.trim_start_matches("\\x").to_owned(),
        Type::UUID => text.replace('-', ""),
        _ => text.to_owned(),
    }
}

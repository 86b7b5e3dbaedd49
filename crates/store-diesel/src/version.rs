//! What a database server is: its version, for people to read, and whether it accepts writes.

use diesel::ConnectionError;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Text};

use crate::{DatabaseError, DatabaseKind, DatabaseUrl, mysql, postgres, sqlite};

/// Reads it on a connection of its own.
pub(crate) async fn read(url: &DatabaseUrl) -> Result<String, DatabaseError> {
    let address = url.clone();
    let asked = tokio::task::spawn_blocking(move || read_blocking(&address)).await;
    let answer = asked.unwrap_or_else(|error| Err(error.into()));
    answer.map_err(|source| DatabaseError::Connect {
        url: url.to_string(),
        source,
    })
}

/// Whether a session may only read: on PostgreSQL by itself or because the server is a standby.
const POSTGRES_READ_ONLY: &str = "current_setting('transaction_read_only') = 'on'";
const MYSQL_READ_ONLY: &str = "@@read_only <> 0";

/// Returns whether the server does not accept writes. Returns `false` if it does not answer.
pub(crate) async fn is_read_only(url: &DatabaseUrl) -> bool {
    let url = url.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let servers = url.servers();
        match url.kind() {
            DatabaseKind::Sqlite => false,
            DatabaseKind::Postgres => postgres::connect_blocking(&servers).is_ok_and(|mut of| {
                let is = diesel::select(sql::<Bool>(POSTGRES_READ_ONLY));
                is.get_result(&mut of).unwrap_or(false)
            }),
            DatabaseKind::Mysql => mysql::connect_blocking(&servers).is_ok_and(|mut of| {
                let is = diesel::select(sql::<Bool>(MYSQL_READ_ONLY));
                is.get_result(&mut of).unwrap_or(false)
            }),
        }
    });
    asked.await.unwrap_or(false)
}

fn read_blocking(url: &DatabaseUrl) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let servers = url.servers();
    let boxed = |error: ConnectionError| Box::new(error);
    let version: Result<String, DieselError> = match url.kind() {
        DatabaseKind::Sqlite => {
            let mut connection = sqlite::connect_blocking(servers.first()).map_err(boxed)?;
            diesel::select(sql::<Text>("sqlite_version()")).get_result(&mut connection)
        }
        DatabaseKind::Postgres => {
            let mut connection = postgres::connect_blocking(&servers).map_err(boxed)?;
            let version = sql::<Text>("current_setting('server_version')");
            diesel::select(version).get_result(&mut connection)
        }
        DatabaseKind::Mysql => {
            let mut connection = mysql::connect_blocking(&servers).map_err(boxed)?;
            diesel::select(sql::<Text>("VERSION()")).get_result(&mut connection)
        }
    };
    Ok(version?)
}

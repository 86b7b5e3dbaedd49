//! The version of a database server, for people to read.

use diesel::ConnectionError;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;

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

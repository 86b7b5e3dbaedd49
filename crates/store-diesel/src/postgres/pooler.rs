//! Recognising a pooler that lends its connections to PostgreSQL for one transaction or statement
//! each, as `PgBouncer` does with `pool_mode = transaction`.
//!
//! Such a pooler loses the settings of a session and the statements prepared in it, or leaves them
//! to other clients. It does not say what it is, but it cannot hide that several of its clients are
//! served by one session of the server, or one client by several sessions.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use tokio::time::timeout;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

use super::connection::{SET_UP, chain, configuration};
use crate::hosts::Servers;

/// Identifies a session of the server. Process IDs alone may repeat on different machines.
const SESSION: &str =
    "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";

/// How often the sessions are compared. Other clients of a pooler may take a session in between.
const ROUNDS: u32 = 3;

/// Maximum time. A pooler that has no connection left lets its clients wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns whether the servers are reached through such a pooler. Returns `false` if that cannot be
/// found out in time, for example because nothing answers: then connections fail for another
/// reason.
pub(crate) async fn lends_sessions(servers: &Servers) -> bool {
    let asked = timeout(PATIENCE, async {
        let (one, other) = (connect(servers).await?, connect(servers).await?);
        let compared = compare(&one, &other).await;
        compared.map_err(|error| ConnectionError::BadConnection(chain(&error)))
    });
    match asked.await {
        Ok(Ok(lends)) => lends,
        Ok(Err(error)) => {
            tracing::debug!(%error, "cannot find out whether there is a pooler");
            false
        }
        Err(_) => false,
    }
}

/// Returns whether two connections that are open at the same time share sessions of the server.
async fn compare(one: &Client, other: &Client) -> Result<bool, Error> {
    for _ in 0..ROUNDS {
        let first = session(one).await?;
        let between = session(other).await?;
        let second = session(one).await?;
        if first == between || first != second {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Connects, and sets up the session as usual: some poolers lend a session for good from then on.
async fn connect(servers: &Servers) -> ConnectionResult<Client> {
    let connect = |url: String| async move {
        let bad = |error: Error| ConnectionError::BadConnection(chain(&error));
        let (client, connection) = configuration(&url)
            .map_err(bad)?
            .connect(NoTls)
            .await
            .map_err(bad)?;
        // It ends with the client.
        tokio::spawn(connection);
        client.batch_execute(SET_UP).await.map_err(bad)?;
        Ok(client)
    };
    servers.connect(connect).await
}

/// Returns the texts that identify the session of the server that answers. The simple protocol
/// prepares no statement.
async fn session(client: &Client) -> Result<Vec<Option<String>>, Error> {
    let answer = client.simple_query(SESSION).await?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let texts = rows.flat_map(|row| (0..row.len()).map(|column| row.get(column)));
    Ok(texts.map(|text| text.map(str::to_owned)).collect())
}

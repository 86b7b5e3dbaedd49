//! Opening sessions: their settings, and which server they may use.

use diesel::{ConnectionError, ConnectionResult};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Opts, OptsBuilder};

/// Set on each connection. `autocommit`: a statement alone is a transaction, whatever the default of
/// the server is. READ COMMITTED: counting locks the rows it changes, and no gaps between
/// them. The tags of a link have at most 5 kB. Evaluate correlated subqueries per row; otherwise
/// MariaDB materialises them.
const SET_UP: &str = "
    SET SESSION autocommit = 1;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SET SESSION sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES';
    SET SESSION innodb_lock_wait_timeout = 10;
    SET SESSION group_concat_max_len = 65536;
    SET SESSION optimizer_switch = 'semijoin=off,materialization=off'
";

/// What a server is, and which settings it has. Lists only variables that exist.
const VARIABLES: &str = "
    SHOW SESSION VARIABLES WHERE Variable_name IN
        ('read_only', 'super_read_only', 'wsrep_on', 'idle_write_transaction_timeout')";
/// Whether a node of a Galera cluster is part of it.
const READY: &str = "SHOW STATUS LIKE 'wsrep_ready'";

/// Makes a node of a Galera cluster wait, before a transaction or statement begins, until it has
/// applied all earlier commits of other nodes. Otherwise a server could read outdated positions,
/// links or leases.
const READ_LATEST: &str = "SET SESSION wsrep_sync_wait = 7";
/// Ends the transaction of a process that is suspended in the middle of it and blocks its rows for
/// others. MySQL has no such limit.
const LIMIT_IDLE: &str = "SET SESSION idle_write_transaction_timeout = 60";

/// The parameter with which the driver leaves a connection to this machine for the socket that the
/// server names. The default here is not to: at the other end of a tunnel, the socket of that name
/// is another server's.
const PREFER_SOCKET: &str = "prefer_socket=true";

/// How a session is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    /// Number of prepared statements that the driver keeps.
    pub(super) statements: usize,
    /// Whether there are other servers: a read-only one is not used then.
    pub(super) has_choice: bool,
}

/// Connects to a server. The connection lives on this runtime.
pub(super) async fn open(url: &str, session: Session) -> ConnectionResult<Conn> {
    let prefers_socket = url.contains(PREFER_SOCKET);
    let opts = Opts::from_url(url)
        .map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
    // The driver would look up the brackets of an IPv6 address, too.
    let host = opts.ip_or_hostname().trim_matches(['[', ']']).to_owned();
    let opts = OptsBuilder::from_opts(opts)
        .ip_or_hostname(host)
        .prefer_socket(prefers_socket)
        .init(vec![
            "SET NAMES utf8mb4",
            "SET time_zone = '+00:00'",
            SET_UP,
        ])
        .stmt_cache_size(session.statements)
        // Count an update that finds its row, even if it changes nothing.
        .client_found_rows(true);
    let mut connection = Conn::new(opts).await.map_err(|error| bad(&error))?;
    let unusable = set_up(&mut connection).await.map_err(|error| bad(&error))?;
    match unusable.filter(|_| session.has_choice) {
        Some(reason) => Err(ConnectionError::BadConnection(reason.into())),
        None => Ok(connection),
    }
}

/// Sets the variables that the server has. Returns why the server cannot be written to, if so.
async fn set_up(connection: &mut Conn) -> Result<Option<&'static str>, Error> {
    let variables: Vec<(String, String)> = connection.query(VARIABLES).await?;
    let has = |name: &str| variables.iter().any(|(found, _)| found == name);
    let is_on = |name: &str| {
        let mut values = variables.iter().filter(|(found, _)| found == name);
        values.any(|(_, value)| !matches!(value.as_str(), "OFF" | "0" | ""))
    };
    if has("idle_write_transaction_timeout") {
        connection.query_drop(LIMIT_IDLE).await?;
    }
    if is_on("wsrep_on") {
        connection.query_drop(READ_LATEST).await?;
        let ready: Option<(String, String)> = connection.query_first(READY).await?;
        if ready.is_some_and(|(_, value)| value != "ON") {
            return Ok(Some("the node is not part of its Galera cluster"));
        }
    }
    if is_on("read_only") || is_on("super_read_only") {
        return Ok(Some("the server does not allow writes"));
    }
    Ok(None)
}

fn bad(error: &Error) -> ConnectionError {
    ConnectionError::BadConnection(error.to_string())
}

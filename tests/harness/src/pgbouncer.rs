//! A private PgBouncer in front of a PostgreSQL server: a pooler of its connections.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use url::Url;

use crate::account::Account;
use crate::database::TestDatabase;
use crate::programs::pgbouncer;
use crate::supervisor::{Commands, NotReady, ServerDirectory, Supervisor};
use crate::wait::PATIENCE;
use crate::{Kind, port, postgres};

/// A PgBouncer, ended and removed when the value is dropped or the process ends.
pub struct PgBouncer {
    url: String,
    config: PathBuf,
    pid: Pid,
    _supervisor: Supervisor,
}

/// For how long a client keeps a connection to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// Until it disconnects.
    Session,
    /// For one transaction.
    Transaction,
    /// For one statement.
    Statement,
}

impl PoolMode {
    fn line(self) -> &'static str {
        match self {
            Self::Session => "pool_mode = session\n",
            Self::Transaction => "pool_mode = transaction\n",
            Self::Statement => "pool_mode = statement\n",
        }
    }
}

impl PgBouncer {
    /// Starts one in front of a PostgreSQL database, with few connections.
    ///
    /// # Panics
    /// When it cannot be started, with the reason, and for any other database.
    pub fn before(database: &TestDatabase, mode: PoolMode) -> Self {
        assert_eq!(
            database.kind(),
            Kind::Postgres,
            "PgBouncer pools PostgreSQL"
        );
        Self::try_before(database.url(), mode).unwrap_or_else(|message| panic!("{message}"))
    }

    fn try_before(database: &str, mode: PoolMode) -> Result<Self, String> {
        let mut url = Url::parse(database).map_err(|error| error.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        let upstream = url.port().unwrap_or(5432);
        let port = port::free()?;
        // In session mode, each connection of a client needs one.
        let (mode, size) = match mode {
            PoolMode::Session => (mode.line(), 50),
            _ => (mode.line(), 5),
        };
        let config = format!(
            "[databases]\n\
             * = host={host} port={upstream} user={user} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             {mode}\
             default_pool_size = {size}\n\
             ignore_startup_parameters = extra_float_digits,options,search_path\n"
        );
        // It does not run as root.
        let directory =
            ServerDirectory::create("pgbouncer", Account::for_server(postgres::ACCOUNT)?)?;
        let config = directory.write("pgbouncer.ini", config.as_bytes())?;
        let commands = Commands {
            prepare: vec!["true".into()],
            serve: vec![pgbouncer()?.into(), config.clone().into()],
            stop_signal: "TERM",
            ready_message: "process up: ",
        };
        let supervisor = Supervisor::start(directory, &commands)?;
        let pid = match supervisor.wait_until_ready(PATIENCE) {
            Ok(pid) => pid,
            Err(NotReady::Ended(log) | NotReady::TimedOut(log)) => {
                return Err(format!(
                    "PgBouncer did not start; the end of its log:\n{log}"
                ));
            }
        };
        url.set_port(Some(port))
            .map_err(|()| "the URL of a database has no port".to_owned())?;
        Ok(Self {
            url: url.into(),
            config,
            pid: process_id(pid)?,
            _supervisor: supervisor,
        })
    }

    /// Changes the mode of clients that are connected, too.
    ///
    /// # Panics
    /// When its configuration cannot be changed.
    pub fn set_mode(&self, from: PoolMode, to: PoolMode) {
        let config = fs::read_to_string(&self.config).expect("was written");
        let changed = config.replace(from.line(), to.line());
        assert_ne!(config, changed, "it is not in the mode {from:?}");
        fs::write(&self.config, changed).expect("was written");
        kill_process(self.pid, Signal::HUP).expect("it runs");
    }

    /// Returns the URL of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn process_id(pid: u32) -> Result<Pid, String> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| "PgBouncer has no process ID".to_owned())
}

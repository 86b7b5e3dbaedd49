//! A private PgBouncer in front of a PostgreSQL server: a pooler that lends connections for one
//! transaction each.

use url::Url;

use crate::account::Account;
use crate::database::TestDatabase;
use crate::programs::pgbouncer;
use crate::supervisor::{Commands, NotReady, ServerDirectory, Supervisor};
use crate::wait::PATIENCE;
use crate::{Kind, port, postgres};

/// A PgBouncer in transaction mode, ended and removed when the value is dropped or the process
/// ends.
pub struct PgBouncer {
    url: String,
    _supervisor: Supervisor,
}

impl PgBouncer {
    /// Starts one in front of a PostgreSQL database, with few connections.
    ///
    /// # Panics
    /// When it cannot be started, with the reason, and for any other database.
    pub fn before(database: &TestDatabase) -> Self {
        assert_eq!(
            database.kind(),
            Kind::Postgres,
            "PgBouncer pools PostgreSQL"
        );
        Self::try_before(database.url()).unwrap_or_else(|message| panic!("{message}"))
    }

    fn try_before(database: &str) -> Result<Self, String> {
        let mut url = Url::parse(database).map_err(|error| error.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        let upstream = url.port().unwrap_or(5432);
        let port = port::free()?;
        let config = format!(
            "[databases]\n\
             * = host={host} port={upstream} user={user} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = 5\n\
             ignore_startup_parameters = extra_float_digits,options,search_path\n"
        );
        // It does not run as root.
        let directory =
            ServerDirectory::create("pgbouncer", Account::for_server(postgres::ACCOUNT)?)?;
        let config = directory.write("pgbouncer.ini", config.as_bytes())?;
        let commands = Commands {
            prepare: vec!["true".into()],
            serve: vec![pgbouncer()?.into(), config.into()],
            stop_signal: "TERM",
            ready_message: "process up: ",
        };
        let supervisor = Supervisor::start(directory, &commands)?;
        match supervisor.wait_until_ready(PATIENCE) {
            Ok(_) => {}
            Err(NotReady::Ended(log) | NotReady::TimedOut(log)) => {
                return Err(format!(
                    "PgBouncer did not start; the end of its log:\n{log}"
                ));
            }
        }
        url.set_port(Some(port))
            .map_err(|()| "the URL of a database has no port".to_owned())?;
        Ok(Self {
            url: url.into(),
            _supervisor: supervisor,
        })
    }

    /// Returns the URL of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

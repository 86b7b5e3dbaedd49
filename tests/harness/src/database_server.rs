//! A private PostgreSQL or MariaDB server: started, set up, retried, ended.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::account::Account;
use crate::clock::TestClock;
use crate::database::Kind;
use crate::supervisor::{NotReady, ServerDirectory, Supervisor};
use crate::wait::PATIENCE;
use crate::{clock, mariadb, port, postgres, random};

const USER: &str = "waypost";
/// Maximum number of ports to try if other processes take them first.
const ATTEMPTS: u32 = 5;
/// Default memory of a server for pages, in MB: little, because many run at once.
const CACHE_MB: u32 = 64;
static CACHE: OnceLock<u32> = OnceLock::new();
/// What both servers log in that case.
const PORT_TAKEN: &str = "Address already in use";

/// A private database server, ended and removed when the value is dropped or the process ends.
///
/// Tests share [one of each kind](Self::shared) through [`TestDatabase`](crate::TestDatabase). A
/// test that harms its server [starts](Self::start) one of its own.
pub struct DatabaseServer {
    kind: Kind,
    url: String,
    pid: u32,
    supervisor: Supervisor,
}

impl DatabaseServer {
    /// Returns the server that all tests of this process share; the first call starts it.
    ///
    /// # Panics
    /// When it cannot be started, with the reason.
    pub fn shared(kind: Kind) -> &'static Self {
        static POSTGRES: OnceLock<Result<DatabaseServer, String>> = OnceLock::new();
        static MARIADB: OnceLock<Result<DatabaseServer, String>> = OnceLock::new();
        let server = match kind {
            Kind::Sqlite => panic!("SQLite has no server"),
            Kind::Postgres => &POSTGRES,
            Kind::MariaDb => &MARIADB,
        };
        match server.get_or_init(|| Self::try_start(kind)) {
            Ok(server) => server,
            Err(message) => panic!("{message}"),
        }
    }

    /// Sets the memory for pages, in MB, of the servers that this process starts from now on; only
    /// the first call has an effect.
    pub fn with_cache(megabytes: u32) {
        CACHE.get_or_init(|| megabytes);
    }

    /// Starts a server for the caller alone.
    ///
    /// # Panics
    /// When it cannot be started, with the reason; for [`Kind::Sqlite`], which has no server.
    pub fn start(kind: Kind) -> Self {
        Self::try_start(kind).unwrap_or_else(|message| panic!("{message}"))
    }

    /// Does the same as [`start`](Self::start), with this clock.
    ///
    /// # Panics
    /// As [`start`](Self::start), and when libfaketime is not installed.
    pub fn start_with_clock(kind: Kind, clock: &TestClock) -> Self {
        let env = clock.environment();
        let started = env.and_then(|env| Self::start_in(kind, &env, false));
        let server = started.unwrap_or_else(|message| panic!("{message}"));
        clock::remove_shared(server.pid);
        server
    }

    /// Does the same as [`start`](Self::start), and the server also listens on a Unix socket, see
    /// [`socket`](Self::socket).
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_with_socket(kind: Kind) -> Self {
        Self::start_in(kind, &[], true).unwrap_or_else(|message| panic!("{message}"))
    }

    /// Returns the socket of MariaDB, or the directory of the socket of PostgreSQL, if the server
    /// was [started with one](Self::start_with_socket).
    pub fn socket(&self) -> PathBuf {
        match self.kind {
            Kind::MariaDb => mariadb::socket(self.directory()),
            _ => self.directory().to_owned(),
        }
    }

    /// Does the same as [`start`](Self::start), with the reason as an error.
    ///
    /// # Errors
    /// A text with what to do about it, or the tail of the server's log.
    pub fn try_start(kind: Kind) -> Result<Self, String> {
        Self::start_in(kind, &[], false)
    }

    fn start_in(kind: Kind, env: &[(OsString, OsString)], socket: bool) -> Result<Self, String> {
        let mut tries = 1;
        loop {
            match Self::attempt(kind, port::free()?, env, socket)? {
                Ok(server) => return Ok(server),
                Err(log) if tries == ATTEMPTS || !log.contains(PORT_TAKEN) => {
                    return Err(format!("{kind} did not start; the end of its log:\n{log}"));
                }
                Err(_) => tries += 1,
            }
        }
    }

    /// Starts a server. The inner error is the log of a server that ended by itself: another port
    /// may help.
    fn attempt(
        kind: Kind,
        port: u16,
        env: &[(OsString, OsString)],
        socket: bool,
    ) -> Result<Result<Self, String>, String> {
        let (name, account) = match kind {
            Kind::Sqlite => return Err("SQLite has no server".to_owned()),
            Kind::Postgres => ("postgres", postgres::ACCOUNT),
            Kind::MariaDb => ("mariadb", mariadb::ACCOUNT),
        };
        let directory = ServerDirectory::create(name, Account::for_server(account)?)?;
        let password = random::word();
        let cache = *CACHE.get_or_init(|| CACHE_MB);
        let (commands, url) = if kind == Kind::Postgres {
            (
                postgres::commands(&directory, port, USER, &password, cache, socket)?,
                format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"),
            )
        } else {
            (
                mariadb::commands(&directory, port, USER, &password, cache, socket)?,
                format!("mysql://{USER}:{password}@127.0.0.1:{port}/mysql"),
            )
        };
        let commands = commands.with_environment(env.to_vec());
        let supervisor = Supervisor::start(directory, &commands)?;
        match supervisor.wait_until_ready(PATIENCE) {
            Ok(pid) => Ok(Ok(Self {
                kind,
                url,
                pid,
                supervisor,
            })),
            Err(NotReady::Ended(log)) => Ok(Err(log)),
            Err(NotReady::TimedOut(log)) => Err(format!(
                "{kind} was not ready after {PATIENCE:?}; the end of its log:\n{log}"
            )),
        }
    }

    /// Returns the kind of the database.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the URL of an account with all rights, with the server's own administrative
    /// database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the server's process ID.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the directory with all its files.
    pub fn directory(&self) -> &Path {
        self.supervisor.directory()
    }

    /// Returns the last lines of its log.
    pub fn log_tail(&self) -> String {
        self.supervisor.log_tail()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{DatabaseServer, Kind, PORT_TAKEN};

    #[test]
    fn a_taken_port_is_told_from_other_failures() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("can listen");
        let port = taken.local_addr().expect("has an address").port();
        for kind in [Kind::Postgres, Kind::MariaDb] {
            let log = DatabaseServer::attempt(kind, port, &[], false)
                .expect("is made")
                .err()
                .expect("does not listen");
            assert!(log.contains(PORT_TAKEN), "{log}");
        }
    }
}

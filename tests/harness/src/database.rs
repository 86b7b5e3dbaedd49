//! A database per test.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use crate::database_server::DatabaseServer;
use crate::direct::{self, Rows};
use crate::{janitor, random};

const POSTGRES_URL: &str = "WAYPOST_TEST_POSTGRES_URL";
const MYSQL_URL: &str = "WAYPOST_TEST_MYSQL_URL";

/// Longer than dropping a database takes, unless another session holds locks in it.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);

/// The databases Waypost runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
    /// A server; also MySQL, if a developer's own server is one.
    MariaDb,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MariaDb];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        })
    }
}

/// An empty database for one test. It is dropped with the value, even if it has connections.
pub struct TestDatabase {
    kind: Kind,
    url: String,
    place: Place,
}

enum Place {
    File {
        path: PathBuf,
        _directory: Option<TempDir>,
    },
    Server {
        administrator: String,
        name: String,
    },
    /// On a server that others end.
    Kept,
}

/// Prevents all other writes to an SQLite database while it exists.
pub struct DatabaseLock(#[expect(dead_code, reason = "held for its lock")] direct::sqlite::Locked);

impl TestDatabase {
    /// Creates an empty database of this kind.
    ///
    /// # Panics
    /// When it cannot be created; the message says what to do about it.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::sqlite(),
            Kind::Postgres | Kind::MariaDb => Self::at(kind, shared_url(kind)),
        }
    }

    /// Returns the name of a file that does not exist yet, in a temporary directory: an empty
    /// database.
    ///
    /// # Panics
    /// When no directory can be created.
    pub fn sqlite() -> Self {
        let directory = janitor::temporary_directory();
        let path = directory.path().join("waypost.db");
        Self {
            kind: Kind::Sqlite,
            url: format!("sqlite://{}", path.display()),
            place: Place::File {
                path,
                _directory: Some(directory),
            },
        }
    }

    /// Returns the database in a file, which need not exist yet, and stays.
    pub fn sqlite_at(path: &Path) -> Self {
        Self {
            kind: Kind::Sqlite,
            url: format!("sqlite://{}", path.display()),
            place: Place::File {
                path: path.to_owned(),
                _directory: None,
            },
        }
    }

    /// See [`new`](Self::new).
    ///
    /// # Panics
    /// See [`new`](Self::new).
    pub fn postgres() -> Self {
        Self::new(Kind::Postgres)
    }

    /// See [`new`](Self::new).
    ///
    /// # Panics
    /// See [`new`](Self::new).
    pub fn mariadb() -> Self {
        Self::new(Kind::MariaDb)
    }

    /// Creates an empty database on a server of the test's own.
    ///
    /// # Panics
    /// When it cannot be created.
    pub fn on(server: &DatabaseServer) -> Self {
        Self::at(server.kind(), server.url())
    }

    fn at(kind: Kind, administrator: &str) -> Self {
        let name = format!("waypost_test_{}", random::word());
        let sql = match kind {
            Kind::Postgres => format!("create database {name} template template0 encoding 'UTF8'"),
            _ => format!("create database {name} character set utf8mb4"),
        };
        let created = on_own_thread(execute_at(kind, administrator, &sql));
        if let Err(error) = created {
            panic!("cannot create a database on {kind}: {error}");
        }
        let mut url = Url::parse(administrator).expect("connected to it");
        url.set_path(&name);
        Self {
            kind,
            url: url.into(),
            place: Place::Server {
                administrator: administrator.to_owned(),
                name,
            },
        }
    }

    /// Returns a database that already exists, and stays.
    pub(crate) fn kept(kind: Kind, url: String) -> Self {
        Self {
            kind,
            url,
            place: Place::Kept,
        }
    }

    /// Returns the kind of the database.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `sqlite:///absolute/path`, `postgres://user:password@host:port/name` or `mysql://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the rows of a query, read without Waypost's code.
    ///
    /// Each value is text, `None` is NULL. Binary values and UUIDs are lowercase hexadecimal digits
    /// without punctuation and booleans are 0 and 1, whatever the database; all other values are
    /// spelled as the database spells them.
    ///
    /// # Panics
    /// When the database rejects the query.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let result: direct::Result<Rows> = match &self.place {
            Place::Server { .. } | Place::Kept if self.kind == Kind::Postgres => {
                direct::postgres::rows(&self.url, sql).await
            }
            Place::Server { .. } | Place::Kept => direct::mariadb::rows(&self.url, sql).await,
            Place::File { path, .. } => {
                let (path, sql) = (path.clone(), sql.to_owned());
                tokio::task::spawn_blocking(move || direct::sqlite::rows(&path, &sql))
                    .await
                    .expect("reading SQLite does not panic")
            }
        };
        result.unwrap_or_else(|error| panic!("{} refused `{sql}`: {error}", self.kind))
    }

    /// Prevents all other writes until the lock is dropped. Reading is possible.
    ///
    /// # Panics
    /// When the database is not SQLite, or is already locked.
    pub async fn lock(&self) -> DatabaseLock {
        let Place::File { path, .. } = &self.place else {
            panic!(
                "only SQLite is locked as a whole; cut off {} instead",
                self.kind
            );
        };
        let path = path.clone();
        let locked = tokio::task::spawn_blocking(move || direct::sqlite::lock(&path));
        let connection = locked.await.expect("locking SQLite does not panic");
        DatabaseLock(connection.unwrap_or_else(|error| panic!("SQLite refused a lock: {error}")))
    }

    /// Returns the one number in the result of a query.
    ///
    /// # Panics
    /// When the result is anything else.
    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        let number = match rows.as_slice() {
            [row] => match row.as_slice() {
                [Some(text)] => text.parse().ok(),
                _ => None,
            },
            _ => None,
        };
        number.unwrap_or_else(|| panic!("`{sql}` answered {rows:?}, not one number"))
    }

    /// Runs statements, separated by semicolons.
    ///
    /// # Panics
    /// When the database rejects one.
    pub async fn execute(&self, sql: &str) {
        let result = match &self.place {
            Place::Server { .. } | Place::Kept => execute_at(self.kind, &self.url, sql).await,
            Place::File { path, .. } => {
                let (path, sql) = (path.clone(), sql.to_owned());
                tokio::task::spawn_blocking(move || direct::sqlite::execute(&path, &sql))
                    .await
                    .expect("changing SQLite does not panic")
            }
        };
        result.unwrap_or_else(|error| panic!("{} refused `{sql}`: {error}", self.kind));
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Place::Server {
            administrator,
            name,
        } = &self.place
        else {
            return;
        };
        let sql = match self.kind {
            Kind::Postgres => format!("drop database if exists {name} with (force)"),
            _ => format!("set lock_wait_timeout = 5; drop database if exists {name}"),
        };
        // A database that cannot be dropped is removed with the server, or left for the developer
        // to inspect.
        let _ = on_own_thread(async {
            let dropped = execute_at(self.kind, administrator, &sql);
            tokio::time::timeout(DROP_TIMEOUT, dropped).await
        });
    }
}

/// Returns the URL of the developer's own server, or else of the one the tests share.
fn shared_url(kind: Kind) -> &'static str {
    static POSTGRES: OnceLock<Option<String>> = OnceLock::new();
    static MYSQL: OnceLock<Option<String>> = OnceLock::new();
    let (own, variable) = match kind {
        Kind::Postgres => (&POSTGRES, POSTGRES_URL),
        _ => (&MYSQL, MYSQL_URL),
    };
    own.get_or_init(|| env::var(variable).ok().filter(|url| !url.is_empty()))
        .as_deref()
        .unwrap_or_else(|| DatabaseServer::shared(kind).url())
}

async fn execute_at(kind: Kind, url: &str, sql: &str) -> direct::Result<()> {
    match kind {
        Kind::Postgres => direct::postgres::execute(url, sql).await,
        _ => direct::mariadb::execute(url, sql).await,
    }
}

/// Runs a future to its end, from code inside or outside a runtime.
pub(crate) fn on_own_thread<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("can start a runtime")
                .block_on(future)
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

//! The base of Waypost's tests: temporary databases and the real programs.
//!
//! # Databases
//! Every test gets an empty database of its own, on each of the three kinds:
//!
//! ```no_run
//! use waypost_test_harness::{Kind, TestDatabase};
//!
//! # async fn example() {
//! for kind in Kind::ALL {
//!     let database = TestDatabase::new(kind);
//!     database.execute("create table t (n integer)").await;
//!     assert_eq!(database.number("select count(*) from t").await, 0);
//! }
//! # }
//! ```
//!
//! PostgreSQL and MariaDB are private instances ([`DatabaseServer`]) that the test process
//! starts when it first needs one: in a temporary directory, on a free port of the loopback
//! interface, from the programs installed on the machine (`tests/install-dependencies.sh` installs
//! them). Other running servers are never used. A missing program fails the test; nothing is
//! skipped.
//!
//! Nothing remains afterwards. A small shell process supervises each instance and ends it, by its
//! process ID, when the test process is gone for any reason: the end of the tests, a panic, Ctrl-C,
//! `kill -9`. The same applies to temporary directories ([`temporary_directory`]) and to processes
//! started here.
//!
//! If `WAYPOST_TEST_POSTGRES_URL` or `WAYPOST_TEST_MYSQL_URL` is set, that server is used instead
//! (the URL of an account that may create databases).
//!
//! # Programs
//! [`binary`] builds the workspace's programs once per test process and returns their paths, so a
//! test never runs an outdated one. [`ServerProcess`] runs `server`, [`Invocation`] and [`run`] run
//! `linkctl`, both without any `WAYPOST_*` variable of the machine:
//!
//! ```no_run
//! use waypost_test_harness::{ServerOptions, ServerProcess, TestDatabase, run};
//!
//! let database = TestDatabase::sqlite();
//! let mut server = ServerProcess::start(&database, ServerOptions::new());
//! println!("try {}", server.url("/"));
//! assert!(server.terminate().success());
//! server.restart();
//!
//! run("linkctl", &["--version"], &[]).assert_success();
//! ```
//!
//! An [`OidcProvider`] is a real OpenID provider to sign in with. A [`ChromeDriver`] starts real
//! browsers; [`axe`] and [`html_validator`] check its pages.
//!
//! [`wait_until`] waits for an event, at most [`PATIENCE`].
//!
//! # Faults
//! A [`DatabaseProxy`] cuts the connection to a database server, and a [`DatabaseLock`] prevents
//! all other writes to SQLite. A [`SmallDisk`] can be filled, and a [`ReadOnlyCover`] makes a
//! directory read-only; if the tests may not mount anything, limits on the size of files
//! ([`ServerProcess::limit_file_size`]) and permissions serve instead. With a [`ReadOnlyRoot`], a
//! program can write nothing but its data directory. A [`TestClock`] is wrong by
//! days. A [`PgBouncer`] lends connections of PostgreSQL for one transaction each, or for longer. The
//! servers of a
//! [`PostgresPair`] or a [`GaleraCluster`] replicate each other and can be killed one by one.
//!
//! # Panics and errors
//! This is test code: failures panic with all available information (the tail of a database's log,
//! the output of a program). Functions named `try_…` return the same text as an error.
//!
//! # Blocking
//! Databases, servers and programs are started by blocking code that needs no async runtime and
//! may be called within one. Reading a database is async and needs tokio.

mod account;
mod binaries;
mod chromium;
mod clock;
mod database;
mod database_server;
mod direct;
mod disk;
mod invocation;
mod janitor;
mod mariadb;
mod oidc_provider;
mod page_checkers;
mod pgbouncer;
mod port;
mod postgres;
mod process;
mod programs;
mod proxy;
mod random;
mod read_only_root;
mod replication;
mod server;
mod supervisor;
mod wait;

pub use binaries::{binary, target_directory};
pub use chromium::ChromeDriver;
pub use clock::TestClock;
pub use database::{DatabaseLock, Kind, TestDatabase};
pub use database_server::DatabaseServer;
pub use disk::{ReadOnlyCover, SmallDisk};
pub use invocation::{Finished, Invocation, run};
pub use janitor::temporary_directory;
pub use oidc_provider::OidcProvider;
pub use page_checkers::{axe, html_validator};
pub use pgbouncer::{PgBouncer, PoolMode};
pub use port::free_port;
pub use programs::schemathesis;
pub use proxy::DatabaseProxy;
pub use read_only_root::ReadOnlyRoot;
pub use replication::{GaleraCluster, PostgresPair, Replication};
pub use server::{ServerOptions, ServerProcess};
pub use wait::{PATIENCE, wait_until, wait_until_blocking};

//! A PostgreSQL primary and its streaming standby.

use std::ffi::OsString;
use std::path::Path;

use rustix::process::Signal;

use super::{Files, Node, USER, option, send};
use crate::database::{Kind, TestDatabase, on_own_thread};
use crate::direct;
use crate::postgres::ACCOUNT;
use crate::programs::Postgres;
use crate::supervisor::Commands;
use crate::{PATIENCE, port, random, wait_until_blocking};

/// When the primary reports a successful commit to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// Once the standby has it on its disk.
    Synchronous,
    /// Before the standby has it.
    Asynchronous,
}

/// A primary and a standby, with an empty database.
pub struct PostgresPair {
    primary: Option<Node>,
    _standby: Node,
    ports: [u16; 2],
    password: String,
    name: String,
    _files: Files,
}

impl PostgresPair {
    /// Starts both. This blocks the thread.
    ///
    /// # Panics
    /// When they cannot be started, with the reason.
    pub fn start(replication: Replication) -> Self {
        Self::try_start(replication).unwrap_or_else(|message| panic!("{message}"))
    }

    fn try_start(replication: Replication) -> Result<Self, String> {
        let files = Files::create(ACCOUNT)?;
        let programs = Postgres::find()?;
        let password = random::word();
        let password_file = files.write("password", password.as_bytes())?;
        let ports = [port::free()?, port::free()?];
        let name = format!("waypost_test_{}", random::word());
        let url = |port| format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        let serve = |directory: &Path, port: u16| -> Vec<OsString> {
            [
                programs.postgres.clone().into(),
                "-D".into(),
                directory.into(),
                "-p".into(),
                port.to_string().into(),
            ]
            .into_iter()
            .chain(
                SETTINGS
                    .iter()
                    .flat_map(|setting| ["-c", setting])
                    .map(OsString::from),
            )
            .collect()
        };
        let start = |name: &str, prepare, directory: &Path, port, ready_message| {
            let commands = Commands {
                prepare,
                serve: serve(directory, port),
                stop_signal: "QUIT",
                ready_message,
            };
            Node::start(name, files.account, &commands)
        };
        let directories = [files.path("primary"), files.path("standby")];
        let [primary_directory, standby_directory] = &directories;
        let initdb = vec![
            programs.initdb.clone().into(),
            option("--pgdata=", primary_directory),
            option("--pwfile=", &password_file),
            format!("--username={USER}").into(),
            "--auth=scram-sha-256".into(),
            "--encoding=UTF8".into(),
            "--no-locale".into(),
            "--no-sync".into(),
        ];
        let accepts = "database system is ready to accept connections";
        let primary = start("primary", initdb, primary_directory, ports[0], accepts)?;
        let execute = |port, sql: &str| {
            let url = url(port);
            on_own_thread(direct::postgres::execute(&url, sql))
        };
        execute(ports[0], &format!("create database {name}"))?;
        let copy = vec![
            programs.basebackup.clone().into(),
            option("--pgdata=", standby_directory),
            format!("--dbname={}", url(ports[0])).into(),
            "--write-recovery-conf".into(),
            "--checkpoint=fast".into(),
            "--no-sync".into(),
        ];
        let reads = "database system is ready to accept read-only connections";
        let standby = start("standby", copy, standby_directory, ports[1], reads)?;
        if replication == Replication::Synchronous {
            execute(ports[0], "alter system set synchronous_standby_names = '*'")?;
            execute(ports[0], "select pg_reload_conf()")?;
        }
        let pair = Self {
            primary: Some(primary),
            _standby: standby,
            ports,
            password,
            name,
            _files: files,
        };
        let state = match replication {
            Replication::Synchronous => "sync",
            Replication::Asynchronous => "async",
        };
        let follows = format!(
            "select count(*) from pg_stat_replication where state = 'streaming' and sync_state = '{state}'"
        );
        wait_until_blocking("the standby follows", PATIENCE, || {
            pair.number(pair.ports[0], &follows) == 1
        });
        Ok(pair)
    }

    /// Returns the URL of the database that names both servers, this one first.
    pub fn url(&self, first: usize) -> String {
        let [a, b] = self.ports;
        let (first, second) = if first == 0 { (a, b) } else { (b, a) };
        format!(
            "postgres://{USER}:{}@127.0.0.1:{first},127.0.0.1:{second}/{}",
            self.password, self.name
        )
    }

    /// Returns the database on the first server.
    pub fn primary(&self) -> TestDatabase {
        self.database(self.ports[0])
    }

    /// Returns the database on the second server.
    pub fn standby(&self) -> TestDatabase {
        self.database(self.ports[1])
    }

    fn database(&self, port: u16) -> TestDatabase {
        let (password, name) = (&self.password, &self.name);
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/{name}");
        TestDatabase::kept(Kind::Postgres, url)
    }

    fn number(&self, port: u16, sql: &str) -> i64 {
        let database = self.database(port);
        on_own_thread(async move { database.number(sql).await })
    }

    /// Lets the primary continue without replication. What it commits from now on is lost when it
    /// is killed.
    pub fn stop_replication(&self) {
        let sender = self.number(self.ports[0], "select pid from pg_stat_replication");
        let sender = u32::try_from(sender).expect("a process id");
        send(sender, Signal::STOP);
    }

    /// Kills the primary as a power failure does.
    ///
    /// # Panics
    /// When it was killed before.
    pub fn kill_primary(&mut self) {
        self.primary.take().expect("still runs").kill();
    }

    /// Suspends the primary, as when its machine is paused.
    pub fn pause_primary(&self) {
        self.primary.iter().for_each(Node::pause);
    }

    /// Resumes the primary, which has not noticed anything.
    pub fn resume_primary(&self) {
        self.primary.iter().for_each(Node::resume);
    }

    /// Promotes the standby to primary. It accepts writes when this returns.
    pub fn promote(&self) {
        let promoted = self.number(self.ports[1], "select pg_promote()::int");
        assert_eq!(promoted, 1, "the standby is promoted within 60 s");
    }
}

/// As for other servers of tests. Settings that only serve to survive a power failure are off:
/// processes are killed, not the machine.
const SETTINGS: [&str; 8] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
    "dynamic_shared_memory_type=mmap",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "logging_collector=off",
];

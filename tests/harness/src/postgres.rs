//! Creates and runs a temporary PostgreSQL server.
//!
//! Clients connect over TCP with a password (SCRAM-SHA-256), as in production. Settings that only
//! serve to survive a power failure are off.

use std::ffi::OsString;
use std::path::Path;

use crate::programs::Postgres;
use crate::supervisor::{Commands, ServerDirectory};

/// The preferred account for it when the tests run as root.
pub(crate) const ACCOUNT: &str = "postgres";

pub(crate) fn commands(
    directory: &ServerDirectory,
    port: u16,
    user: &str,
    password: &str,
    cache_mb: u32,
    socket: bool,
) -> Result<Commands, String> {
    let programs = Postgres::find()?;
    let data = directory.path().join("data");
    let password = directory.write("password", password.as_bytes())?;
    Ok(Commands {
        prepare: vec![
            programs.initdb.into(),
            option("--pgdata=", &data),
            option("--pwfile=", &password),
            format!("--username={user}").into(),
            "--auth=scram-sha-256".into(),
            "--encoding=UTF8".into(),
            "--no-locale".into(),
            "--no-sync".into(),
        ],
        serve: [
            programs.postgres.into(),
            "-D".into(),
            data.into(),
            "-p".into(),
            port.to_string().into(),
        ]
        .into_iter()
        .chain(
            [
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "max_connections=300",
                // In its directory: nothing stays in /dev/shm, whatever happens.
                "dynamic_shared_memory_type=mmap",
                "fsync=off",
                "full_page_writes=off",
                "logging_collector=off",
                "log_destination=stderr",
            ]
            .into_iter()
            .flat_map(|setting| ["-c".into(), setting.into()]),
        )
        .chain(["-c".into(), format!("shared_buffers={cache_mb}MB").into()])
        .chain(socket.then(|| "-c".into()))
        .chain(socket.then(|| option("unix_socket_directories=", directory.path())))
        .collect(),
        // Immediate shutdown: https://www.postgresql.org/docs/current/server-shutdown.html
        stop_signal: "QUIT",
        ready_message: "database system is ready to accept connections",
    })
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

//! Creates and runs a temporary MariaDB server.
//!
//! Clients connect over TCP with a password; unless a test asks for one, there is no socket that a
//! driver could silently prefer. Settings that only serve to survive a power failure are off.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::programs::MariaDb;
use crate::supervisor::{Commands, ServerDirectory};

/// The preferred account for it when the tests run as root.
pub(crate) const ACCOUNT: &str = "mysql";

pub(crate) fn commands(
    directory: &ServerDirectory,
    port: u16,
    user: &str,
    password: &str,
    cache_mb: u32,
    socket: bool,
) -> Result<Commands, String> {
    let programs = MariaDb::find()?;
    let init_file = directory.write(
        "init.sql",
        // One statement per line.
        format!(
            "CREATE USER '{user}'@'%' IDENTIFIED BY '{password}';\n\
             GRANT ALL PRIVILEGES ON *.* TO '{user}'@'%' WITH GRANT OPTION;\n"
        )
        .as_bytes(),
    )?;
    let both: Vec<OsString> = [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0",
        // Its queues count against a limit that is often low in containers.
        "--innodb-use-native-aio=0",
        "--skip-name-resolve",
    ]
    .into_iter()
    .map(OsString::from)
    .chain([
        format!("--innodb-buffer-pool-size={cache_mb}M").into(),
        // The log must hold all changes until half of the cache is written.
        format!("--innodb-log-file-size={}M", cache_mb.div_ceil(2)).into(),
        option("--datadir=", &directory.path().join("data")),
        // A starting server removes the temporary tables it finds, in /tmp also those of other
        // servers.
        option("--tmpdir=", directory.path()),
    ])
    .collect();

    let mut prepare: Vec<OsString> = vec![
        programs.install_db.into(),
        "--no-defaults".into(),
        "--auth-root-authentication-method=socket".into(),
        "--skip-test-db".into(),
    ];
    prepare.extend(both.clone());

    let mut serve: Vec<OsString> = vec![
        programs.mariadbd.into(),
        "--no-defaults".into(),
        "--bind-address=127.0.0.1".into(),
        format!("--port={port}").into(),
        if socket {
            option("--socket=", &self::socket(directory.path()))
        } else {
            "--socket=".into()
        },
        "--skip-log-bin".into(),
        "--max-connections=300".into(),
        "--character-set-server=utf8mb4".into(),
        option("--init-file=", &init_file),
        option("--pid-file=", &directory.path().join("pid")),
    ];
    serve.extend(both);

    Ok(Commands {
        prepare,
        serve,
        stop_signal: "KILL",
        ready_message: "ready for connections",
    })
}

/// Returns the socket of a server in this directory.
pub(crate) fn socket(directory: &Path) -> PathBuf {
    directory.join("mariadb.sock")
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

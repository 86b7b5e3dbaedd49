//! The measured servers: the ceiling, and Waypost with a database and a durability.

use std::env;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde::Serialize;
use waypost_test_harness::{ServerOptions, ServerProcess, TestDatabase};

use crate::options::{Database, Durability};
use crate::{Result, cores};

/// HTTP workers: the server has one core.
pub(crate) const WORKERS: usize = 1;
const DURABILITY: &str = "WAYPOST_CLICK_DURABILITY";

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subject {
    /// A bare actix-web server.
    Ceiling,
    /// Waypost.
    Waypost {
        database: Database,
        durability: Durability,
    },
}

impl Subject {
    /// Returns the first column of a table.
    pub(crate) fn database(self) -> String {
        match self {
            Self::Ceiling => "ceiling".to_owned(),
            Self::Waypost { database, .. } => database.kind().to_string(),
        }
    }

    /// Returns the second column of a table.
    pub(crate) fn durability(self) -> &'static str {
        match self {
            Self::Ceiling => "",
            Self::Waypost { durability, .. } => durability.name(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ceiling => formatter.write_str("ceiling"),
            Self::Waypost { .. } => {
                write!(formatter, "{}, {}", self.database(), self.durability())
            }
        }
    }
}

/// A running subject, on a core of its own. Dropping it ends it.
pub(crate) enum Running {
    Ceiling(Ceiling),
    Waypost(Box<ServerProcess>),
}

impl Running {
    /// Starts the ceiling.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn ceiling(core: usize) -> Result<Self> {
        cores::on(core, Ceiling::start)?.map(Self::Ceiling)
    }

    /// Starts Waypost.
    ///
    /// # Errors
    /// When it does not start, with its output.
    pub(crate) fn waypost(
        core: usize,
        database: &TestDatabase,
        durability: Durability,
    ) -> Result<Self> {
        let mut options = ServerOptions::new().env("WAYPOST_WORKERS", WORKERS.to_string());
        if durability != Durability::Awaited {
            options = options.env(DURABILITY, durability.name());
        }
        let server = cores::on(core, || ServerProcess::try_start(database, options))??;
        Ok(Self::Waypost(Box::new(server)))
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Ceiling(ceiling) => ceiling.port,
            Self::Waypost(server) => server.port(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        match self {
            Self::Ceiling(ceiling) => ceiling.process.id(),
            Self::Waypost(server) => server.pid(),
        }
    }
}

/// Returns whether the server of this workspace has a journal: one without a journal rejects the
/// setting.
///
/// # Errors
/// When it does not start for another reason.
pub(crate) fn has_durabilities() -> Result<bool> {
    let database = TestDatabase::sqlite();
    let options = ServerOptions::new().env(DURABILITY, Durability::Journal.name());
    match ServerProcess::try_start(&database, options) {
        Ok(_) => Ok(true),
        Err(output) if output.contains(DURABILITY) => Ok(false),
        Err(output) => Err(output.into()),
    }
}

/// The bare server, in a process of its own.
pub(crate) struct Ceiling {
    process: Child,
    port: u16,
}

impl Ceiling {
    fn start() -> Result<Self> {
        let mut process = own_role("ceiling")?.spawn()?;
        let stdout = process.stdout.take().ok_or("standard output is a pipe")?;
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        let port = line.trim_end().parse();
        let ceiling = Self {
            process,
            port: *port.as_ref().unwrap_or(&0),
        };
        read?;
        port.map_err(|_| "the ceiling did not start")?;
        Ok(ceiling)
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Whatever its status, it has ended.
        let _ = self.process.wait();
    }
}

/// Returns this program in another role, which ends when its standard input does.
///
/// # Errors
/// When the program cannot be found.
pub(crate) fn own_role(role: &str) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command
        .arg(role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Ok(command)
}

/// Ends this process when its parent ends, or closes the pipe.
pub(crate) fn end_with_standard_input() {
    thread::spawn(|| {
        let mut rest = [0; 64];
        while let Ok(1..) = std::io::stdin().read(&mut rest) {}
        std::process::exit(0);
    });
}

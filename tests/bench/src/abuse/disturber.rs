//! The disturbing clients, in a process of their own with the lowest priority on its core: with two
//! cores it shares that of the load, which must not be disturbed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _, stdin, stdout};
use std::process::{Child, ChildStdout};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::clients;
use crate::{Result, subject};

const STARTED: &str = "started";
/// The lowest priority.
const NICEST: i32 = 19;

/// The kind of a disturbance. To add one, add it here and to [`clients`].
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Disturbance {
    /// 1,000 connections that were used once and are kept
    Idle,
    /// 300 connections on which the head of a request arrives a byte a second
    Slow,
    /// Wrong passwords for random accounts, from one address, on 32 connections
    SignIns,
    /// The same, each from another address
    SpreadSignIns,
    /// Requests for new links with wrong tokens, on 32 connections
    Tokens,
    /// 10,000 connections that send nothing
    Silent,
    /// 10,000 connections with eight requests for a large file, whose answers nobody reads
    Unread,
}

impl Disturbance {
    /// Returns the name shown in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Idle => "1,000 idle connections",
            Self::Slow => "300 slow requests",
            Self::SignIns => "bad sign-ins",
            Self::SpreadSignIns => "bad sign-ins from everywhere",
            Self::Tokens => "wrong tokens",
            Self::Silent => "10,000 silent connections",
            Self::Unread => "10,000 that never read",
        }
    }

    /// Returns the number of concurrent connections.
    pub(super) fn connections(self) -> usize {
        match self {
            Self::Idle => 1_000,
            Self::Slow => 300,
            Self::SignIns | Self::SpreadSignIns | Self::Tokens => 32,
            Self::Silent | Self::Unread => 10_000,
        }
    }

    /// Returns whether its connections are held until the server ends them, and not opened again.
    pub(super) fn holds(self) -> bool {
        matches!(self, Self::Silent | Self::Unread)
    }
}

/// The task of the disturbing clients.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Disturb {
    /// The server's port on the loopback interface.
    pub(super) port: u16,
    pub(super) disturbance: Disturbance,
}

/// What they did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Done {
    /// From the first request to the last.
    pub(super) elapsed_s: f64,
    /// Connections that the server closed.
    pub(super) cut: u64,
    /// Responses, by status.
    pub(super) answers: BTreeMap<u16, u64>,
}

impl Done {
    /// Returns the text of the table: the responses per second by status, and the number of closed
    /// connections.
    pub(super) fn summary(&self) -> String {
        let mut text = String::new();
        for (status, answers) in &self.answers {
            let per_second = *answers as f64 / self.elapsed_s;
            // Writing to a string does not fail.
            let _ = write!(text, "{status}: {per_second:.0}/s, ");
        }
        let _ = write!(text, "{} cut off", self.cut);
        text
    }
}

/// The disturbing clients of a server. Dropping it ends them.
pub(super) struct Disturber {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Disturber {
    /// Starts them and waits until all of their connections are open.
    ///
    /// # Errors
    /// When they do not start, or the server does not accept the connections.
    pub(super) fn start(port: u16, disturbance: Disturbance) -> Result<Self> {
        let mut process = subject::own_role("disturb")?.spawn()?;
        let stdout = process.stdout.take().ok_or("standard output is a pipe")?;
        let mut disturber = Self {
            process,
            stdout: BufReader::new(stdout),
        };
        let mut job = serde_json::to_vec(&Disturb { port, disturbance })?;
        job.push(b'\n');
        let stdin = disturber.process.stdin.as_mut();
        stdin.ok_or("standard input is a pipe")?.write_all(&job)?;
        if disturber.line()? != STARTED {
            return Err(format!("`{}` did not start", disturbance.name()).into());
        }
        Ok(disturber)
    }

    /// Stops them.
    ///
    /// # Errors
    /// When they ended before.
    pub(super) fn stop(mut self) -> Result<Done> {
        drop(self.process.stdin.take());
        let done = serde_json::from_str(&self.line()?);
        done.map_err(|_| "the disturbing clients ended too early".into())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Disturber {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Whatever its status, it has ended.
        let _ = self.process.wait();
    }
}

/// The process of the disturbing clients: does the job on standard input until standard input ends.
///
/// # Errors
/// When there is no server, or no job.
pub(crate) fn run() -> Result<()> {
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let job: Disturb = serde_json::from_str(&line)?;
    rustix::process::nice(NICEST)?;
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        while let Ok(1..) = stdin().read(&mut rest) {}
        // The receiver is gone if it failed meanwhile.
        let _ = end.send(());
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(clients::run(job, || writeln!(stdout(), "{STARTED}"), ended))?;
    writeln!(stdout(), "{}", serde_json::to_string(&done)?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Done;

    #[test]
    fn what_was_done_is_told_by_status_and_second() {
        let done = Done {
            elapsed_s: 2.0,
            cut: 3,
            answers: [(401, 10), (429, 4_000)].into(),
        };
        assert_eq!(done.summary(), "401: 5/s, 429: 2000/s, 3 cut off");
    }
}

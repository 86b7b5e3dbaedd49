//! The load: visitors who follow links, from a process of its own on a core of its own.
//!
//! Whoever wants it starts it with a [`Job`] and gets a [`Report`]. The job and the report are each
//! one line of JSON, on standard input and standard output; between them a line says when the
//! measured time begins.

mod connection;
mod generator;
mod pace;
mod request;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::process::{Child, ChildStdout};

use serde::{Deserialize, Serialize};

use crate::{Result, cores, subject};

const STARTED: &str = "started";

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The server's port on the loopback interface.
    pub(crate) port: u16,
    /// The server's process, whose CPU time is read when the measured time begins and ends.
    pub(crate) server_pid: u32,
    /// Keep-alive connections, each with one request under way at the most.
    pub(crate) connections: u32,
    /// The codes to visit, at random.
    pub(crate) codes: Vec<String>,
    /// Redirects per second; as fast as the server can without.
    pub(crate) rate: Option<f64>,
    /// Seconds before the measured time.
    pub(crate) warm_up_s: f64,
    /// The measured time, in seconds.
    pub(crate) seconds: f64,
    /// Requests after which it ends early, those before the measured time included.
    pub(crate) requests: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The measured time, up to the last answer.
    pub(crate) elapsed_s: f64,
    /// Redirects within it.
    pub(crate) redirects: u64,
    /// From the moment a request was due to its answer.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
    /// CPU time of the server within the measured time.
    pub(crate) server_cpu_s: f64,
    /// CPU time of the load within the measured time.
    pub(crate) load_cpu_s: f64,
    /// Redirects by code, in the order of the job, those before the measured time included.
    pub(crate) found: Vec<u64>,
    /// Answers that were no redirects, by status.
    pub(crate) others: BTreeMap<u16, u64>,
    /// Connections that broke or sent what is not HTTP.
    pub(crate) broken: u64,
    /// Requests that were sent and not answered: a server may have counted them.
    pub(crate) unanswered: u64,
}

impl Report {
    /// All redirects, those before the measured time included.
    pub(crate) fn total(&self) -> u64 {
        self.found.iter().sum()
    }

    /// Answers that were no redirects.
    pub(crate) fn refused(&self) -> u64 {
        self.others.values().sum()
    }

    /// Redirects per second.
    pub(crate) fn rate(&self) -> f64 {
        float(self.redirects) / self.elapsed_s
    }

    /// CPU time of the server per redirect, in µs.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.server_cpu_s * 1e6 / float(self.redirects)
    }
}

/// A number for arithmetic: exact up to 2^53.
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// A load under way. Dropping it ends it.
pub(crate) struct Load {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Load {
    /// Starts the load and waits until the measured time begins.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(core: usize, job: &Job) -> Result<Self> {
        let mut process = cores::on(core, || subject::own_role("load")?.spawn_checked())??;
        let stdout = process.stdout.take().ok_or("standard output is a pipe")?;
        let mut load = Self {
            process,
            stdout: BufReader::new(stdout),
        };
        let mut line = serde_json::to_vec(job)?;
        line.push(b'\n');
        let stdin = load.process.stdin.as_mut();
        stdin.ok_or("standard input is a pipe")?.write_all(&line)?;
        if load.line()? != STARTED {
            return Err("the load did not start".into());
        }
        Ok(load)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn finish(mut self) -> Result<Report> {
        let report = serde_json::from_str(&self.line()?);
        report.map_err(|_| "the load failed".into())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Whatever came of it: it is gone.
        let _ = self.process.wait();
    }
}

/// Starting a process, with the errors of this program.
trait Spawn {
    fn spawn_checked(self) -> Result<Child>;
}

impl Spawn for std::process::Command {
    fn spawn_checked(mut self) -> Result<Child> {
        Ok(self.spawn()?)
    }
}

/// The load's own process: does the job that standard input names.
///
/// # Errors
/// When there is no server, or no job.
pub(crate) fn run() -> Result<()> {
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    subject::end_with_standard_input();
    let report = generator::run(&job, || writeln!(stdout(), "{STARTED}"))?;
    writeln!(stdout(), "{}", serde_json::to_string(&report)?)?;
    Ok(())
}

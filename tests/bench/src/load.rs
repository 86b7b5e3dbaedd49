//! The load: visitors who follow links, from a process of its own on a core of its own.
//!
//! It is started with a [`Job`] and returns a [`Report`]. The job and the report are each one line
//! of JSON, on standard input and standard output; between them a line marks the beginning of the
//! measured time.

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

/// The task of the load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The server's port on the loopback interface.
    pub(crate) port: u16,
    /// The server's process, whose CPU time is read at the beginning and the end of the measured
    /// time.
    pub(crate) server_pid: u32,
    /// Keep-alive connections, each with at most one pending request.
    pub(crate) connections: u32,
    /// The codes to visit, at random.
    pub(crate) codes: Vec<String>,
    /// Redirects per second; `None`: as fast as the server can.
    pub(crate) rate: Option<f64>,
    /// Seconds before the measured time.
    pub(crate) warm_up_s: f64,
    /// The measured time, in seconds.
    pub(crate) seconds: f64,
    /// Number of requests after which it ends early, including those before the measured time.
    pub(crate) requests: Option<u64>,
}

/// The results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The measured time, up to the last response.
    pub(crate) elapsed_s: f64,
    /// Redirects within it.
    pub(crate) redirects: u64,
    /// From the moment a request was due to its response.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
    /// CPU time of the server within the measured time.
    pub(crate) server_cpu_s: f64,
    /// CPU time of the load within the measured time.
    pub(crate) load_cpu_s: f64,
    /// Redirects by code, in the order of the job, including those before the measured time.
    pub(crate) found: Vec<u64>,
    /// Responses other than redirects, by status.
    pub(crate) others: BTreeMap<u16, u64>,
    /// Connections that broke or did not send HTTP.
    pub(crate) broken: u64,
    /// Requests without a response, which the server may have counted.
    pub(crate) unanswered: u64,
}

impl Report {
    /// Returns all redirects, including those before the measured time.
    pub(crate) fn total(&self) -> u64 {
        self.found.iter().sum()
    }

    /// Returns the number of responses other than redirects.
    pub(crate) fn refused(&self) -> u64 {
        self.others.values().sum()
    }

    /// Returns the redirects per second.
    pub(crate) fn rate(&self) -> f64 {
        float(self.redirects) / self.elapsed_s
    }

    /// Returns the CPU time of the server per redirect, in µs.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.server_cpu_s * 1e6 / float(self.redirects)
    }
}

/// Converts a number for arithmetic: exact up to 2^53.
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// A running load. Dropping it ends it.
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
        // Whatever its status, it has ended.
        let _ = self.process.wait();
    }
}

/// Starts a process, with the errors of this program.
trait Spawn {
    fn spawn_checked(self) -> Result<Child>;
}

impl Spawn for std::process::Command {
    fn spawn_checked(mut self) -> Result<Child> {
        Ok(self.spawn()?)
    }
}

/// The process of the load: does the job on standard input.
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

//! Chromium, and the driver through which a test uses it.
//!
//! A driver is a process of its own, in a temporary directory that is also its home and contains
//! the profiles of its browsers. A browser is a child of its driver and listens to it on a pipe:
//! when the driver ends for any reason, the pipe is closed, and the browser ends with all its
//! processes. A browser that does not is killed: by [`Drop`] here, and by the janitor if the test
//! process itself is gone.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::janitor;
use crate::process::{Process, Written, text};
use crate::programs::ChromiumPrograms;
use crate::wait::PATIENCE;

/// How long its browsers may take to end by themselves.
const END_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
/// What the driver writes before its port.
const LISTENING: &str = "ChromeDriver was started successfully on port ";

/// The options of each browser.
const ARGUMENTS: [&str; 13] = [
    "--headless=new",
    // Ends with the driver; see above.
    "--remote-debugging-pipe",
    // Containers have little room in /dev/shm.
    "--disable-dev-shm-usage",
    // Only pages use the network, and only on this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    // Screenshots are the same on every machine.
    "--force-color-profile=srgb",
    "--hide-scrollbars",
];
/// The option without which Chromium refuses to run as root.
const NO_SANDBOX: &str = "--no-sandbox";

/// A running chromedriver, on a free port of the loopback interface. Dropping it ends it and its
/// browsers.
pub struct ChromeDriver {
    process: Process,
    url: String,
    chromium: PathBuf,
    /// Removed last.
    _directory: TempDir,
}

impl ChromeDriver {
    /// Starts a driver, without a browser.
    ///
    /// # Panics
    /// When it is not installed, or does not listen within 60 s, with its output.
    pub fn start() -> Self {
        let ChromiumPrograms {
            chromium,
            chromedriver,
        } = ChromiumPrograms::find().unwrap_or_else(|message| panic!("{message}"));
        let directory = janitor::temporary_directory();
        let mut command = Command::new(chromedriver);
        command
            .args(["--port=0", "--log-level=WARNING"])
            .current_dir(directory.path())
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .stdin(Stdio::null());
        let process = Process::start(&mut command).expect("can start chromedriver");
        let port = process.wait_for(PATIENCE, |written: &Written| {
            let text = text(&written.stdout);
            let (_, rest) = text.split_once(LISTENING)?;
            rest.split_once('.')?.0.parse::<u16>().ok()
        });
        let port = port.unwrap_or_else(|| {
            let output = text(&process.written().both);
            panic!("chromedriver does not listen; its output:\n{output}")
        });
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            chromium,
            _directory: directory,
        }
    }

    /// Returns the WebDriver URL, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the browser to start.
    ///
    /// # Panics
    /// When its path is not UTF-8.
    pub fn chromium(&self) -> &str {
        self.chromium.to_str().expect("a path in UTF-8")
    }

    /// Returns the options of the browser.
    pub fn arguments() -> Vec<&'static str> {
        let mut arguments = ARGUMENTS.to_vec();
        if rustix::process::geteuid().is_root() {
            arguments.push(NO_SANDBOX);
        }
        arguments
    }

    /// Returns its output so far, for the message of a failed test.
    pub fn output(&self) -> String {
        text(&self.process.written().both)
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        let browsers = descendants(self.process.id());
        self.process.signal(Signal::KILL);
        let deadline = Instant::now() + END_TIMEOUT;
        while browsers.iter().any(Running::still_runs) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        for browser in browsers.iter().filter(|browser| browser.still_runs()) {
            browser.kill();
        }
        // Not earlier: it waits for the end of the output, which the browsers have inherited.
        self.process.kill();
    }
}

/// A process as shown in `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    pid: i32,
    parent: i32,
    /// In clock ticks since the machine was started: distinguishes it from a later process with its
    /// ID.
    started: u64,
}

impl Running {
    /// Returns `None` if the process no longer exists, or only its exit status is left.
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may contain spaces and parentheses itself: proc_pid_stat(5).
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let (state, parent, started) = (fields.first()?, fields.get(1)?, fields.get(19)?);
        if ["Z", "X"].contains(state) {
            return None;
        }
        Some(Self {
            pid,
            parent: parent.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    fn still_runs(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.started == self.started)
    }

    fn kill(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            // Fails only if it has just ended.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the children of a process, their children, and so on.
fn descendants(pid: u32) -> Vec<Running> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<Running> = ids.filter_map(Running::of).collect();
    let mut found: Vec<Running> = Vec::new();
    let mut parents = vec![i32::try_from(pid).unwrap_or_default()];
    while let Some(parent) = parents.pop() {
        for child in all.iter().filter(|process| process.parent == parent) {
            parents.push(child.pid);
            found.push(*child);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::Signal;

    use super::{Running, descendants};
    use crate::process::{Process, text};
    use crate::wait_until_blocking;

    #[test]
    fn a_process_is_known_with_its_children_until_it_has_ended() {
        let script = "(sleep 60; :) & echo $!; wait";
        let shell = Process::start(Command::new("sh").args(["-c", script])).expect("can start");
        let wait = std::time::Duration::from_secs(20);
        let child = shell.wait_for(wait, |written| text(&written.stdout).trim().parse().ok());
        let child = Running::of(child.expect("an id")).expect("runs");
        wait_until_blocking("the subshell runs sleep", wait, || {
            descendants(shell.id()).len() == 2
        });
        let all = descendants(shell.id());
        assert!(all.contains(&child), "{all:?}");
        shell.signal(Signal::KILL);
        assert!(all.iter().all(Running::still_runs));
        all.iter().for_each(Running::kill);
        wait_until_blocking("all have ended", wait, || {
            !all.iter().any(Running::still_runs)
        });
    }
}

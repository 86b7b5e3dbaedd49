//! Replicated database servers, of which some are killed while others continue.

mod galera;
mod postgres;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

pub use galera::GaleraCluster;
pub use postgres::{PostgresPair, Replication};

use crate::account::Account;
use crate::janitor;
use crate::supervisor::{Commands, NotReady, ServerDirectory, Supervisor};
use crate::{PATIENCE, wait_until_blocking};

/// The name of the account of each server.
const USER: &str = "waypost";
/// Far longer than a start takes: a machine may be very busy.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The files of several servers, which stay when a server ends.
struct Files {
    directory: TempDir,
    account: Option<Account>,
}

impl Files {
    fn create(account: &str) -> Result<Self, String> {
        let account = Account::for_server(account)?;
        let directory = janitor::temporary_directory();
        give_away(directory.path(), account, 0o700)?;
        Ok(Self { directory, account })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file that the servers can read and run.
    fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        let path = self.path(name);
        fs::write(&path, content)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        give_away(&path, self.account, 0o700)?;
        Ok(path)
    }
}

fn give_away(path: &Path, account: Option<Account>, mode: u32) -> Result<(), String> {
    let given = account.map_or(Ok(()), |account| {
        chown(path, Some(account.uid), Some(account.gid))
    });
    given
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(|error| format!("cannot change the owner of {}: {error}", path.display()))
}

/// One of the servers, running. It ends when the value is dropped or the test process ends.
struct Node {
    pid: u32,
    _supervisor: Supervisor,
}

impl Node {
    /// Starts a server. The error is the log of a server that did not start.
    fn start(name: &str, account: Option<Account>, commands: &Commands) -> Result<Self, String> {
        let directory = ServerDirectory::create(name, account)?;
        let supervisor = Supervisor::start(directory, commands)?;
        match supervisor.wait_until_ready(READY_TIMEOUT) {
            Ok(pid) => Ok(Self {
                pid,
                _supervisor: supervisor,
            }),
            Err(NotReady::Ended(log) | NotReady::TimedOut(log)) => {
                Err(format!("{name} did not start; the end of its log:\n{log}"))
            }
        }
    }

    /// Lets the server end by itself.
    fn end(self) {
        send(self.pid, Signal::TERM);
        let process = PathBuf::from(format!("/proc/{}", self.pid));
        wait_until_blocking("the server has ended", PATIENCE, || !process.exists());
    }

    /// Kills the server and its children at one moment, as a power failure does.
    fn kill(self) {
        self.pause();
        self.send_all(Signal::KILL);
    }

    /// Suspends the server and its children, as when their machine is paused.
    fn pause(&self) {
        // A suspended process starts no more children.
        send(self.pid, Signal::STOP);
        self.send_all(Signal::STOP);
    }

    /// Resumes the server and its children.
    fn resume(&self) {
        self.send_all(Signal::CONT);
    }

    fn send_all(&self, signal: Signal) {
        let children = format!("/proc/{0}/task/{0}/children", self.pid);
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        for pid in children.chain([self.pid]) {
            send(pid, signal);
        }
    }
}

/// Sends a signal, unless the process has ended.
fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Returns an option with the path of a file.
fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// Returns a shell script as a command.
fn script(lines: &str) -> Vec<OsString> {
    vec!["sh".into(), "-ec".into(), lines.into()]
}

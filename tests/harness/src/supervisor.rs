//! One database server that cannot outlive the test process.
//!
//! The server is the child of a shell (`supervisor.sh`) in a process group of its own, which Ctrl-C
//! does not reach. The shell's standard input is a pipe that only the test process holds open: the
//! operating system closes it when that process ends, even by `kill -9`, and the shell ends the
//! server and removes its directory.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::account::Account;
use crate::janitor;

/// Number of lines of a log that are shown: the reason is at its end.
const LOG_TAIL_LINES: usize = 40;

/// A directory owned by the account the server runs under.
pub(crate) struct ServerDirectory {
    directory: TempDir,
    account: Option<Account>,
}

impl ServerDirectory {
    pub(crate) fn create(name: &str, account: Option<Account>) -> Result<Self, String> {
        let directory = tempfile::Builder::new()
            .prefix(&format!("server-{name}-"))
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(janitor::directory())
            .map_err(|error| format!("cannot create a temporary directory: {error}"))?;
        let this = Self { directory, account };
        this.give_away(this.path())?;
        Ok(this)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file that only the server can read.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, String> {
        let path = self.path().join(name);
        fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o600)))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        self.give_away(&path)?;
        Ok(path)
    }

    fn give_away(&self, path: &Path) -> Result<(), String> {
        self.account.map_or(Ok(()), |account| {
            chown(path, Some(account.uid), Some(account.gid))
                .map_err(|error| format!("cannot change the owner of {}: {error}", path.display()))
        })
    }
}

/// The commands of a supervisor.
pub(crate) struct Commands {
    /// Creates the files of an empty instance.
    pub(crate) prepare: Vec<OsString>,
    /// The server, in the foreground.
    pub(crate) serve: Vec<OsString>,
    /// The name of the signal that ends the server at once.
    pub(crate) stop_signal: &'static str,
    /// What the server logs when it accepts connections.
    pub(crate) ready_message: &'static str,
}

impl Commands {
    /// Adds variables to the environment of the server, besides a few of the supervisor.
    pub(crate) fn with_environment(mut self, env: Vec<(OsString, OsString)>) -> Self {
        if env.is_empty() {
            return self;
        }
        let pairs = env.into_iter().map(|(mut pair, value)| {
            pair.push("=");
            pair.push(value);
            pair
        });
        let env = std::iter::once("env".into()).chain(pairs);
        self.serve = env.chain(self.serve).collect();
        self
    }
}

/// Why a server did not start.
pub(crate) enum NotReady {
    /// It ended by itself; the tail of its log.
    Ended(String),
    /// It takes too long; the tail of its log.
    TimedOut(String),
}

/// A running supervisor. Dropping it ends the server and waits until everything is removed.
pub(crate) struct Supervisor {
    directory: PathBuf,
    ready_message: &'static str,
    process: Child,
    /// Held open; see above.
    lifeline: Option<ChildStdin>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    server: Option<u32>,
    ended: bool,
}

impl Supervisor {
    pub(crate) fn start(directory: ServerDirectory, commands: &Commands) -> Result<Self, String> {
        directory.write("supervisor.sh", include_bytes!("supervisor.sh"))?;
        directory.write("prepare.sh", &exec(&commands.prepare))?;
        directory.write("serve.sh", &exec(&commands.serve))?;
        let mut command = Command::new("sh");
        command
            .args(["supervisor.sh", commands.stop_signal])
            .current_dir(directory.path())
            // The environment must not change how a database behaves.
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", directory.path())
            .env("LC_ALL", "C")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(account) = directory.account {
            command.uid(account.uid).gid(account.gid);
        }
        let mut process = command.spawn().map_err(|error| {
            let directory = directory.path().display();
            format!("cannot start `sh` in {directory}: {error}")
        })?;
        let lifeline = process.stdin.take();
        let reports = process.stdout.take().expect("standard output is a pipe");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for line in BufReader::new(reports).lines().map_while(Result::ok) {
                let mut state = shared.lock().expect("never poisoned");
                match line.split_once(' ') {
                    Some(("started", pid)) => state.server = pid.parse().ok(),
                    _ => state.ended = true,
                }
            }
            shared.lock().expect("never poisoned").ended = true;
        });
        Ok(Self {
            // From here on the supervisor removes it.
            directory: directory.directory.keep(),
            ready_message: commands.ready_message,
            process,
            lifeline,
            state,
        })
    }

    /// Waits until the server accepts connections; returns its process ID.
    pub(crate) fn wait_until_ready(&self, timeout: Duration) -> Result<u32, NotReady> {
        let deadline = Instant::now() + timeout;
        loop {
            let (server, ended) = {
                let state = self.state.lock().expect("never poisoned");
                (state.server, state.ended)
            };
            if ended {
                return Err(NotReady::Ended(self.log_tail()));
            }
            if let Some(server) = server
                && self.log().contains(self.ready_message)
            {
                return Ok(server);
            }
            if Instant::now() > deadline {
                return Err(NotReady::TimedOut(self.log_tail()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.process.wait();
    }
}

/// Returns a script that replaces itself with the command.
fn exec(command: &[OsString]) -> Vec<u8> {
    let mut script = b"exec".to_vec();
    for word in command {
        script.extend_from_slice(b" '");
        for byte in word.as_encoded_bytes() {
            match byte {
                b'\'' => script.extend_from_slice(br"'\''"),
                other => script.push(*other),
            }
        }
        script.push(b'\'');
    }
    script.push(b'\n');
    script
}

/// Returns the search path of the tests, and the system's directories of programs.
fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

#[cfg(test)]
mod tests {
    use super::exec;

    #[test]
    fn a_command_reaches_the_shell_word_by_word() {
        let script = exec(&["a".into(), "it's $HOME".into()]);
        assert_eq!(script, b"exec 'a' 'it'\\''s $HOME'\n");
    }
}

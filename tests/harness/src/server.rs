//! The real `server` as a process of its own.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::binaries::binary;
use crate::clock::{self, TestClock};
use crate::database::TestDatabase;
use crate::janitor;
use crate::process::{Process, Written, text};
use crate::programs;
use crate::read_only_root::ReadOnlyRoot;
use crate::wait::PATIENCE;

/// What a server writes to standard output before its address.
const LISTENING: &str = "listening on http://";

/// How a server is started, besides the database.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    data_dir: Option<Arc<TempDir>>,
    clock: Option<TestClock>,
    traced: Option<PathBuf>,
    inherited: Option<Arc<OwnedFd>>,
    read_only: Option<ReadOnlyRoot>,
}

impl ServerOptions {
    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an environment variable, which overrides those that [`ServerProcess`] sets itself.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Adds a command-line argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets its clock.
    #[must_use]
    pub fn clock(mut self, clock: &TestClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Records its file operations: each write with its bytes, each sync and each deletion, in the
    /// order in which they happen, in the format of strace.
    #[must_use]
    pub fn trace_files(mut self, record: &Path) -> Self {
        self.traced = Some(record.to_owned());
        self
    }

    /// Hands over a socket, as systemd does (`sd_listen_fds(3)`).
    ///
    /// # Panics
    /// When the socket cannot be duplicated.
    #[must_use]
    pub fn inherit(mut self, socket: &impl AsFd) -> Self {
        let socket = rustix::io::dup(socket.as_fd()).expect("sockets can be duplicated");
        self.inherited = Some(Arc::new(socket));
        self
    }

    /// Lets the server write nothing but its data directory.
    #[must_use]
    pub fn read_only_root(mut self, root: ReadOnlyRoot) -> Self {
        self.read_only = Some(root);
        self
    }

    /// Uses this data directory instead of a new one.
    #[must_use]
    pub fn data_dir(mut self, directory: Arc<TempDir>) -> Self {
        self.data_dir = Some(directory);
        self
    }
}

/// A running `server` on a port of its own. Dropping it kills it and waits for its end.
///
/// Its environment has no `WAYPOST_*` variable but `WAYPOST_LISTEN=127.0.0.1:0`, `WAYPOST_DATA_DIR`
/// (a temporary directory, in which it also runs), `WAYPOST_DATABASE_URL`,
/// `WAYPOST_LOG_FORMAT=json`, no rate limits, `WAYPOST_METRICS_PUBLIC=true`,
/// `WAYPOST_ANONYMOUS_LINKS=true` (most tests are about clicks, not about users) and those of the
/// [`ServerOptions`].
pub struct ServerProcess {
    process: Process,
    address: SocketAddr,
    database_url: String,
    data_dir: Arc<TempDir>,
    options: ServerOptions,
}

impl ServerProcess {
    /// Starts a server on this database and waits until it listens.
    ///
    /// # Panics
    /// When it ends or does not listen within 30 s, with its output.
    pub fn start(database: &TestDatabase, options: ServerOptions) -> Self {
        Self::try_start(database, options).unwrap_or_else(|message| panic!("{message}"))
    }

    /// Does the same as [`start`](Self::start), for a server that is expected to refuse.
    ///
    /// # Errors
    /// How it ended, and its output.
    ///
    /// # Panics
    /// When the program does not build.
    pub fn try_start(database: &TestDatabase, options: ServerOptions) -> Result<Self, String> {
        Self::launch(database.url().to_owned(), options)
    }

    fn launch(database_url: String, options: ServerOptions) -> Result<Self, String> {
        let data_dir = options
            .data_dir
            .clone()
            .unwrap_or_else(|| Arc::new(janitor::temporary_directory()));
        let (process, address) = spawn(&database_url, data_dir.path(), &options)?;
        Ok(Self {
            process,
            address,
            database_url,
            data_dir,
            options,
        })
    }

    /// Returns the absolute URL of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns its process ID.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns its data directory, which exists as long as it is referenced, for the
    /// [`ServerOptions`] of another server.
    pub fn data_dir(&self) -> Arc<TempDir> {
        Arc::clone(&self.data_dir)
    }

    /// Returns its output since its last start, standard output and standard error in the order of
    /// arrival; all of it once it has ended.
    pub fn output(&self) -> String {
        text(&self.process.written().both)
    }

    /// Returns the part of [`output`](Self::output) that went to standard output.
    pub fn stdout(&self) -> String {
        text(&self.process.written().stdout)
    }

    /// Returns the part of [`output`](Self::output) that went to standard error.
    pub fn stderr(&self) -> String {
        text(&self.process.written().stderr)
    }

    /// Waits until it has written this text since its last start.
    ///
    /// # Panics
    /// When it ends or the time is over before, with its output.
    pub fn wait_for_output(&self, text: &str, timeout: Duration) {
        let found = self.process.wait_for(timeout, |written: &Written| {
            let both = written.both.windows(text.len());
            both.into_iter()
                .any(|part| part == text.as_bytes())
                .then_some(())
        });
        assert!(
            found.is_some(),
            "the server did not write `{text}` in {timeout:?}; its output:\n{}",
            self.output()
        );
    }

    /// Limits the length of all files that it writes to from now on, in bytes; `None` removes the
    /// limit. Every file counts: the journal, and an SQLite database as well.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        self.process.limit_file_size(bytes);
    }

    /// Returns whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.wait(Duration::ZERO).is_none()
    }

    /// Sends SIGTERM and waits up to 40 s for its end.
    ///
    /// # Panics
    /// When it takes longer, with its output.
    pub fn terminate(&mut self) -> ExitStatus {
        self.request_end();
        self.wait(PATIENCE)
    }

    /// Sends SIGTERM and returns at once.
    pub fn request_end(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes longer, with its output.
    pub fn wait(&mut self, timeout: Duration) -> ExitStatus {
        self.process.wait(timeout).unwrap_or_else(|| {
            panic!(
                "the server did not end in {timeout:?}; its output:\n{}",
                self.output()
            )
        })
    }

    /// Sends SIGKILL and waits for its end.
    pub fn kill(&mut self) -> ExitStatus {
        self.process.kill()
    }

    /// Starts it again, with the same options, data directory and database, on a new port. A server
    /// that still runs is killed first.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.restart_with(self.options.clone());
    }

    /// Does the same as [`restart`](Self::restart) with other options; the data directory stays,
    /// unless they name one.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn restart_with(&mut self, mut options: ServerOptions) {
        self.kill();
        options
            .data_dir
            .get_or_insert_with(|| Arc::clone(&self.data_dir));
        *self = Self::launch(self.database_url.clone(), options)
            .unwrap_or_else(|message| panic!("{message}"));
    }
}

fn spawn(
    database_url: &str,
    data_dir: &Path,
    options: &ServerOptions,
) -> Result<(Process, SocketAddr), String> {
    let mut command = match (&options.traced, &options.inherited) {
        (Some(record), _) => traced(record)?,
        (None, Some(socket)) => inheriting(socket),
        (None, None) => match options.read_only {
            Some(root) => read_only(root, data_dir),
            None => Command::new(binary("server")),
        },
    };
    command
        .args(&options.args)
        .current_dir(data_dir)
        .env("WAYPOST_LISTEN", "127.0.0.1:0")
        .env("WAYPOST_DATA_DIR", data_dir)
        .env("WAYPOST_DATABASE_URL", database_url)
        .env("WAYPOST_LOG_FORMAT", "json")
        .env("WAYPOST_ANONYMOUS_LINKS", "true")
        .env("WAYPOST_METRICS_PUBLIC", "true")
        .env("WAYPOST_RATE_LIMIT_API", "0")
        .env("WAYPOST_RATE_LIMIT_CREATE", "0")
        .envs(options.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    if let Some(clock) = &options.clock {
        command.envs(clock.environment()?);
    }
    let mut process =
        Process::start(&mut command).map_err(|error| format!("cannot run the server: {error}"))?;
    let address = process.wait_for(PATIENCE, |written: &Written| {
        listening_address(&written.stdout)
    });
    if options.clock.is_some() {
        clock::remove_shared(process.id());
    }
    match address {
        Some(address) => Ok((process, address)),
        None => {
            let what = match process.wait(Duration::from_secs(1)) {
                Some(status) => format!("the server ended ({status}) before it listened"),
                None => format!("the server did not listen after {PATIENCE:?}"),
            };
            let output = text(&process.written().both);
            Err(format!("{what}; its output:\n{output}"))
        }
    }
}

/// Returns the server under strace as a detached process, so that the child process is the server.
fn traced(record: &Path) -> Result<Command, String> {
    let mut command = Command::new(programs::strace()?);
    command
        .args(["-D", "-f", "-qq", "-y", "-xx", "-s", "33554432"])
        .args([
            "-e",
            "trace=pwrite64,ftruncate,fsync,fdatasync,unlink,unlinkat",
        ])
        .arg("-o")
        .arg(record)
        .arg(binary("server"));
    Ok(command)
}

/// Returns the server with a socket as its first inherited one. The shell becomes the server, and so
/// its process ID is that of the server. The duplicate of the socket is inherited by what it runs.
fn inheriting(socket: &OwnedFd) -> Command {
    let mut command = Command::new("bash");
    let script = format!(
        "exec 3<&{}; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"",
        socket.as_raw_fd()
    );
    command.arg("-c").arg(script).arg(binary("server"));
    command
}

/// Returns the server that can write nothing but its data directory. The shell becomes the server.
fn read_only(root: ReadOnlyRoot, data_dir: &Path) -> Command {
    let mut command = Command::new("env");
    command.args(root.command(data_dir)).arg(binary("server"));
    command
}

/// Returns the address in the first complete line that contains one.
fn listening_address(stdout: &[u8]) -> Option<SocketAddr> {
    let text = text(stdout);
    let (lines, _unfinished) = text.rsplit_once('\n')?;
    lines.lines().find_map(|line| {
        let (_, rest) = line.split_once(LISTENING)?;
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c)));
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::listening_address;

    #[test]
    fn the_address_is_read_from_a_whole_line() {
        let expected = "127.0.0.1:4711".parse().ok();
        for line in [
            "listening on http://127.0.0.1:4711\n",
            "  Waypost 0.1.0, listening on http://127.0.0.1:4711/ (1 worker)\n",
            "{\"message\":\"listening on http://127.0.0.1:4711\"}\n{\"mess",
        ] {
            assert_eq!(listening_address(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(listening_address(b"listening on http://127.0.0.1:47"), None);
    }
}

//! One run of a program that ends by itself (`linkctl`), from its arguments to its output.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::binaries::binary;
use crate::clock::TestClock;
use crate::database::TestDatabase;
use crate::janitor;
use crate::process::{Process, text};
use crate::wait::PATIENCE;

/// A run to start: the program, its arguments, environment and input.
///
/// By default it runs in an empty temporary directory, without the machine's `WAYPOST_*` variables
/// and with empty standard input. It is killed after 60 s.
///
/// ```no_run
/// use waypost_test_harness::{Invocation, TestDatabase};
///
/// let database = TestDatabase::sqlite();
/// let finished = Invocation::of("linkctl")
///     .args(["migrate", "status"])
///     .database(&database)
///     .run();
/// assert_eq!(finished.status.code(), Some(0), "{finished:?}");
/// ```
#[derive(Clone, Debug)]
pub struct Invocation {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    directory: Option<PathBuf>,
    timeout: Duration,
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a program of the workspace with these arguments and variables: the short form of
/// [`Invocation`].
///
/// # Panics
/// As [`Invocation::run`].
pub fn run(name: &str, args: &[&str], env: &[(&str, &str)]) -> Finished {
    env.iter()
        .fold(
            Invocation::of(name).args(args),
            |invocation, (name, value)| invocation.env(name, value),
        )
        .run()
}

impl Invocation {
    /// Prepares a run of a program of the workspace, which is built if necessary.
    ///
    /// # Panics
    /// As [`binary`].
    pub fn of(name: &str) -> Self {
        Self::of_program(binary(name))
    }

    /// Prepares a run of an installed program.
    pub fn of_program(program: PathBuf) -> Self {
        Self {
            program,
            args: Vec::new(),
            env: Vec::new(),
            stdin: None,
            directory: None,
            timeout: PATIENCE,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Sets its clock.
    ///
    /// # Panics
    /// When libfaketime is not installed.
    #[must_use]
    pub fn clock(mut self, clock: &TestClock) -> Self {
        let env = clock.environment();
        self.env
            .extend(env.unwrap_or_else(|message| panic!("{message}")));
        self
    }

    /// Sets `WAYPOST_DATABASE_URL`.
    #[must_use]
    pub fn database(self, database: &TestDatabase) -> Self {
        self.env("WAYPOST_DATABASE_URL", database.url())
    }

    /// Sets its standard input, which then ends.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// Sets its current directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets its time limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end. This blocks the thread.
    ///
    /// # Panics
    /// When it cannot be started, and when it takes too long, with its output until then.
    pub fn run(self) -> Finished {
        let empty = janitor::temporary_directory();
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.as_deref().unwrap_or(empty.path()))
            .stdin(if self.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            });
        let mut process = Process::start(&mut command)
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.program.display()));
        if let (Some(mut pipe), Some(input)) = (process.take_stdin(), self.stdin) {
            // A program may end without reading all of it.
            thread::spawn(move || pipe.write_all(&input));
        }
        let Some(status) = process.wait(self.timeout) else {
            process.kill();
            panic!(
                "{} {:?} did not end in {:?}; its output:\n{}",
                self.program.display(),
                self.args,
                self.timeout,
                text(&process.written().both)
            );
        };
        let written = process.written();
        Finished {
            status,
            stdout: text(&written.stdout),
            stderr: text(&written.stderr),
        }
    }
}

impl Finished {
    /// Returns itself if the program succeeded.
    ///
    /// # Panics
    /// If it did not, with its output.
    #[track_caller]
    pub fn assert_success(self) -> Self {
        assert!(
            self.status.success(),
            "{}\nstandard output:\n{}\nstandard error:\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }
}

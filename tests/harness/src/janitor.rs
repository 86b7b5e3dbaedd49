//! Temporary directories and processes that do not outlive the test process.
//!
//! Dropping a `TempDir` or the handle of a process cleans up in the ordinary case. For the others
//! (`kill -9`, Ctrl-C, a panic that aborts) a shell (`janitor.sh`) waits for the end of the test
//! process, on a pipe that only that process holds open. The shell creates the one directory that
//! contains everything temporary, so that at every moment there is a process that will remove it.

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Error, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

use crate::random;

struct Janitor {
    directory: PathBuf,
    lifeline: Mutex<ChildStdin>,
}

/// Creates an empty directory, removed when the value is dropped or the process ends.
///
/// # Panics
/// When it cannot be created.
pub fn temporary_directory() -> TempDir {
    tempfile::Builder::new()
        // As the server wants its data directory.
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&janitor().directory)
        .expect("can create a temporary directory")
}

/// Returns where to create the directory of a database server, with a name that begins with
/// `server-`.
pub(crate) fn directory() -> &'static Path {
    &janitor().directory
}

/// Kills the process if this one ends first.
pub(crate) fn watch(pid: u32) {
    tell("watch", pid);
}

/// Forgets a process. Call this before waiting for it: its ID may afterwards belong to another
/// process.
pub(crate) fn forget(pid: u32) {
    tell("forget", pid);
}

fn tell(verb: &str, pid: u32) {
    let mut lifeline = janitor().lifeline.lock().expect("never poisoned");
    writeln!(lifeline, "{verb} {pid}").expect("the janitor reads as long as this process lives");
}

fn janitor() -> &'static Janitor {
    static JANITOR: OnceLock<Janitor> = OnceLock::new();
    JANITOR.get_or_init(|| start().expect("can start a shell in a temporary directory"))
}

fn start() -> std::io::Result<Janitor> {
    let directory = place().join(format!("waypost-test-{}", random::word()));
    let mut process = Command::new("sh")
        .args(["-c", include_str!("janitor.sh"), "janitor"])
        .arg(&directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lifeline = process.stdin.take().expect("standard input is a pipe");
    let reports = process.stdout.take().expect("standard output is a pipe");
    let mut report = String::new();
    BufReader::new(reports).read_line(&mut report)?;
    if report != "made\n" {
        return Err(Error::other(format!("cannot make {}", directory.display())));
    }
    Ok(Janitor {
        directory,
        lifeline: Mutex::new(lifeline),
    })
}

/// Returns the directory for temporary files, if all users may enter it: a database server runs
/// under an account of its own if the tests run as root.
fn place() -> PathBuf {
    let usual = env::temp_dir();
    let mode = fs::metadata(&usual).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o001 == 0o001) {
        usual
    } else {
        "/tmp".into()
    }
}

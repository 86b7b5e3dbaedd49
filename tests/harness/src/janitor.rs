//! Temporary directories and processes that do not outlive the test process.
//!
//! Dropping a `TempDir` or a process's handle cleans up in the ordinary case. For the others
//! (`kill -9`, Ctrl-C, a panic that aborts) a shell (`janitor.sh`) waits for the end of the test
//! process, on a pipe whose other end only that process has.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

struct Janitor {
    directory: PathBuf,
    lifeline: Mutex<ChildStdin>,
}

/// An empty directory, removed when the value is dropped or the process ends.
///
/// # Panics
/// Where it cannot be created.
pub fn temporary_directory() -> TempDir {
    TempDir::new_in(&janitor().directory).expect("can create a temporary directory")
}

/// Kills the process if this one ends first.
pub(crate) fn watch(pid: u32) {
    tell("watch", pid);
}

/// To be called before the process is waited for: its id may then belong to another.
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
    let directory = tempfile::Builder::new().prefix("waypost-test-").tempdir()?;
    std::fs::write(
        directory.path().join("janitor.sh"),
        include_bytes!("janitor.sh"),
    )?;
    let mut process = Command::new("sh")
        .arg("janitor.sh")
        .current_dir(directory.path())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let lifeline = process.stdin.take().expect("standard input is a pipe");
    Ok(Janitor {
        directory: directory.keep(),
        lifeline: Mutex::new(lifeline),
    })
}

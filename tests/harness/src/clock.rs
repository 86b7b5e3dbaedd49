//! Clocks that tests set.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tempfile::TempDir;

use crate::{janitor, programs};

/// The clock of programs that are started with it, which a test can set while they run. Clones
/// share one clock.
///
/// The programs are the real ones: libfaketime is between them and the operating system. Their
/// monotonic clock is right, and so are the times of files.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<TempDir>);

impl TestClock {
    /// Creates a clock that is this many days ahead, or slow if the number is negative.
    ///
    /// # Panics
    /// When no file can be written.
    pub fn ahead(days: i32) -> Self {
        let directory = janitor::temporary_directory();
        // A database server may run under an account of its own.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("is ours");
        let clock = Self(Arc::new(directory));
        clock.set_ahead(days);
        clock
    }

    /// Sets the clock; programs that use it notice at once.
    ///
    /// # Panics
    /// When no file can be written.
    pub fn set_ahead(&self, days: i32) {
        let next = self.0.path().join("next");
        fs::write(&next, format!("{days:+}d\n")).expect("can write");
        fs::set_permissions(&next, Permissions::from_mode(0o644)).expect("is ours");
        // A reader sees one or the other.
        fs::rename(next, self.file()).expect("can rename");
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("clock")
    }

    /// Returns the environment of a program that uses this clock.
    pub(crate) fn environment(&self) -> Result<Vec<(OsString, OsString)>, String> {
        Ok(vec![
            ("LD_PRELOAD".into(), programs::faketime()?.into()),
            ("FAKETIME_TIMESTAMP_FILE".into(), self.file().into()),
            // A child process would otherwise start with a value that its parent read long ago.
            ("FAKETIME_NO_CACHE".into(), "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
            ("NO_FAKE_STAT".into(), "1".into()),
        ])
    }
}

/// Removes the files that a process put into `/dev/shm` for its children. They would stay if the
/// process is killed.
pub(crate) fn remove_shared(pid: u32) {
    for name in [
        format!("/dev/shm/faketime_shm_{pid}"),
        format!("/dev/shm/sem.faketime_sem_{pid}"),
    ] {
        // It may have ended, and removed the file.
        let _ = fs::remove_file(name);
    }
}

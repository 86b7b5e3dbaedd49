//! Small file systems, for tests that fill or cover a directory.

use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

use crate::janitor;

/// A file system in memory, mounted on a temporary directory. It is unmounted when the value is
/// dropped, or else by the janitor when the process ends.
pub struct SmallDisk {
    directory: Arc<TempDir>,
}

/// An empty, read-only file system, mounted over a directory. Files already open in the directory
/// stay open. The directory is back when the value is dropped.
pub struct ReadOnlyCover {
    on: std::path::PathBuf,
}

impl SmallDisk {
    /// Mounts one with this many bytes. Returns `None` if this process may not mount anything.
    ///
    /// # Panics
    /// When it cannot be mounted for another reason.
    pub fn try_mount(bytes: u64) -> Option<Self> {
        let directory = Arc::new(janitor::temporary_directory());
        let options = format!("size={bytes},mode=0700");
        mount_tmpfs(directory.path(), MountFlags::empty(), &options).then_some(Self { directory })
    }

    /// Returns where it is mounted: a data directory for [`ServerOptions`](crate::ServerOptions).
    pub fn directory(&self) -> Arc<TempDir> {
        Arc::clone(&self.directory)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        release(self.directory.path());
    }
}

impl ReadOnlyCover {
    /// Covers this directory. Returns `None` if this process may not mount anything.
    ///
    /// # Panics
    /// When it cannot be covered for another reason.
    pub fn try_over(directory: &Path) -> Option<Self> {
        mount_tmpfs(directory, MountFlags::RDONLY, "size=4096").then(|| Self {
            on: directory.to_owned(),
        })
    }
}

impl Drop for ReadOnlyCover {
    fn drop(&mut self) {
        release(&self.on);
    }
}

/// Mounts it. Returns whether that was allowed.
fn mount_tmpfs(on: &Path, flags: MountFlags, options: &str) -> bool {
    let options = std::ffi::CString::new(options).expect("no option has a NUL");
    match mount("tmpfs", on, "tmpfs", flags, &*options) {
        Ok(()) => true,
        Err(Errno::PERM | Errno::ACCESS) => false,
        Err(error) => panic!("cannot mount a file system on {}: {error}", on.display()),
    }
}

fn release(path: &Path) {
    // Processes that still use it keep it until then; for all others it is gone.
    let _ = unmount(path, UnmountFlags::DETACH);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::{ReadOnlyCover, SmallDisk};

    fn mounted(path: &std::path::Path) -> bool {
        let mounts = fs::read_to_string("/proc/mounts").expect("is there");
        mounts.contains(path.to_str().expect("is UTF-8"))
    }

    #[test]
    fn a_small_disk_is_full_soon_and_gone_when_it_is_dropped() {
        let Some(disk) = SmallDisk::try_mount(64 * 1_024) else {
            return;
        };
        let path = disk.directory().path().to_owned();
        let written = fs::write(path.join("file"), vec![0; 100_000]);
        let error = written.expect_err("is larger than the disk");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        drop(disk);
        assert!(!mounted(&path), "{}", path.display());
    }

    #[test]
    fn a_covered_directory_takes_nothing_and_is_back_afterwards() {
        let directory = crate::temporary_directory();
        fs::write(directory.path().join("before"), "").expect("can write");
        let Some(cover) = ReadOnlyCover::try_over(directory.path()) else {
            return;
        };
        let error = fs::write(directory.path().join("meanwhile"), "").expect_err("is covered");
        assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
        drop(cover);
        assert!(!mounted(directory.path()));
        assert!(directory.path().join("before").exists());
    }
}

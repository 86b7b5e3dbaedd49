//! The directory of a journal: the lock that keeps other processes out, the journal ID, the
//! segments, and other files.
//!
//! | file | contents |
//! | --- | --- |
//! | `lock` | locked by the process that uses the journal; empty |
//! | `id` | the ID of the journal in the database |
//! | `owners` | the processes that used the journal, see `lineage.rs` |
//! | `00000000000000000000.clicks` | a segment, named by the position of its first record |
//! | `accepted` | with durability `memory`: the number of accepted clicks, for the next start |
//! | `rejected` | frames of clicks that the database rejected, each with position 0, see `set_aside.rs` |
//! | `retries` | journals of such clicks that are retried, see `retries.rs` |
//!
//! Only the owner of the files can read them.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use tracing::warn;
use uuid::Uuid;
use waypost_core::JournalId;
use waypost_store::explain_denied;

use super::frame::{self, HEADER, PREFIX};
use super::modes::{DIRECTORY_MODE, FILE_MODE, close_to_others};
use super::record::MAX_RECORD;

const EXTENSION: &str = "clicks";

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process uses it.
    #[error(
        "the journal {} is in use by another server; give each server a data directory of its own \
         (WAYPOST_DATA_DIR)",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A file or directory of the journal cannot be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Another version of Waypost wrote it.
    #[error(
        "{} was written by another version of Waypost; start that version once to store its pending clicks",
        path.display()
    )]
    Version {
        /// The segment.
        path: PathBuf,
    },
    /// The file `id` does not contain a journal ID.
    #[error(
        "{} does not contain the ID of a journal; restore it from a backup, or move the directory \
         to start a new journal",
        path.display()
    )]
    BadId {
        /// The file.
        path: PathBuf,
    },
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| {
        let source = explain_denied(&path, source);
        JournalError::Io { path, source }
    }
}

/// The locked directory of a journal. Only this process uses it while this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The operating system unlocks it when the process ends, in any way.
    lock: File,
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing the file is not enough, because a forked child also has it open until it executes
        // its program. If unlocking fails, the last close unlocks it.
        let _ = self.lock.unlock();
    }
}

/// A segment as found in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The position of its first record.
    pub(super) base: u64,
    pub(super) path: PathBuf,
    /// Its length in bytes.
    pub(super) bytes: u64,
}

impl Directory {
    /// Creates the directory if it is missing, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(io_error(path))?;
        close_to_others(path);
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(&lock_path)
            // Pending clicks on a disk that became read-only can still be stored.
            .or_else(|error| File::open(&lock_path).map_err(|_| error))
            .map_err(io_error(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(JournalError::Io {
                path: lock_path,
                source,
            }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the ID of the journal. A new journal gets `new`.
    pub(super) fn id(&self, new: JournalId) -> Result<JournalId, JournalError> {
        if let Some(id) = read_id(&self.path)? {
            return Ok(id);
        }
        self.rename(new)?;
        Ok(new)
    }

    /// Changes the ID of the journal, and syncs it to disk. Clicks that were set aside are kept for
    /// the previous ID.
    pub(super) fn rename(&self, id: JournalId) -> Result<(), JournalError> {
        if let Some(before) = read_id(&self.path)?
            && before != id
        {
            self.keep_set_aside_for(before)?;
        }
        self.replace("id", &format!("{id}\n"))
    }

    /// Replaces the contents of a file atomically: at any moment, and after a power failure, it has
    /// either the old contents or `text`. It has `text` when this returns.
    pub(super) fn replace(&self, name: &str, text: &str) -> Result<(), JournalError> {
        let path = self.path.join(name);
        let new = self.path.join(format!("{name}.new"));
        let write = || {
            let mut file = create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            self.sync()
        };
        write().map_err(io_error(&path))
    }

    /// Syncs the directory to disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Creates a segment and writes its header.
    pub(super) fn create_segment(&self, base: u64) -> io::Result<(PathBuf, File)> {
        let path = self.path.join(segment_name(base));
        let file = create(&path)?;
        if let Err(error) = file.write_all_at(&frame::header(base), 0) {
            // If this fails, an empty segment remains, which is harmless.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok((path, file))
    }

    /// Returns the recorded number of clicks accepted in memory, or 0.
    pub(super) fn accepted(&self) -> u64 {
        read_accepted(&self.path)
    }

    /// Opens the file in which that number is recorded.
    pub(super) fn accepted_file(&self) -> Result<File, JournalError> {
        let path = self.path.join("accepted");
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(io_error(&path))
    }
}

/// Creates a file, or truncates an existing one. It gets the owner of its directory, so that the
/// server can read it if an operator works as root.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(path)?;
    if let Some(directory) = path.parent() {
        let (owner, own) = (std::fs::metadata(directory)?, file.metadata()?);
        if (owner.uid(), owner.gid()) != (own.uid(), own.gid()) {
            // Only root may do this.
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
        }
    }
    Ok(file)
}

/// Returns the ID of the journal in a directory, or `None` if there is no journal.
pub(super) fn read_id(directory: &Path) -> Result<Option<JournalId>, JournalError> {
    let path = directory.join("id");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(&path)(error)),
    };
    match Uuid::parse_str(text.trim()) {
        Ok(id) => Ok(Some(JournalId::from_uuid(id))),
        Err(_) => Err(JournalError::BadId { path }),
    }
}

/// Reads the number in the form of [`accepted_bytes`], or returns 0.
pub(super) fn read_accepted(directory: &Path) -> u64 {
    let text = std::fs::read_to_string(directory.join("accepted")).ok();
    let noted = text.as_deref().and_then(|text| {
        let accepted = text.split(' ').next()?.parse().ok()?;
        (text.as_bytes() == accepted_bytes(accepted)).then_some(accepted)
    });
    noted.unwrap_or(0)
}

/// Encodes a number for the file `accepted`: with a fixed length, so that writing again replaces it
/// completely, and with a CRC-32, so that a damaged number is not used, from which positions would
/// continue.
pub(super) fn accepted_bytes(accepted: u64) -> Vec<u8> {
    let checksum = crc32fast::hash(&accepted.to_le_bytes());
    format!("{accepted:020} {checksum:08x}\n").into_bytes()
}

/// Returns the segments of a directory, sorted by position.
pub(super) fn segments(directory: &Path) -> Result<Vec<Found>, JournalError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io_error(directory))? {
        let entry = entry.map_err(io_error(directory))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(base) = name.to_str().and_then(base_of) else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) => found.push(Found {
                base,
                path,
                bytes: metadata.len(),
            }),
            // Deleted just now by the server, if the journal is only inspected.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io_error(&path)(error)),
        }
    }
    found.sort_by_key(|found| found.base);
    Ok(found)
}

pub(super) fn segment_name(base: u64) -> String {
    format!("{base:020}.{EXTENSION}")
}

/// Returns the position in the name of a segment. Only one spelling of a number is accepted, so
/// that there is one segment for each position.
fn base_of(name: &str) -> Option<u64> {
    let base = name.split('.').next()?.parse().ok()?;
    (name == segment_name(base)).then_some(base)
}

/// Checks that all segments have the format version of this program.
pub(super) fn check_versions(segments: &[Found]) -> Result<(), JournalError> {
    for Found { path, .. } in segments {
        let mut header = Vec::new();
        let read = File::open(path).and_then(|file| {
            let length = u64::try_from(HEADER).unwrap_or(u64::MAX);
            file.take(length).read_to_end(&mut header)
        });
        // The reader handles unreadable segments.
        if read.is_ok() && frame::is_of_another_version(&header) {
            return Err(JournalError::Version { path: path.clone() });
        }
    }
    Ok(())
}

/// Reads the first bytes of a segment's frames: at least those of its first record.
pub(super) fn read_first_frame(found: &Found) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let longest = HEADER.saturating_add(PREFIX).saturating_add(MAX_RECORD);
    let file = File::open(&found.path)?;
    file.take(u64::try_from(longest).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)?;
    Ok(bytes.split_off(HEADER.min(bytes.len())))
}

/// Reads the frames of a segment, without its header.
pub(super) fn read_frames(found: &Found) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(&found.path)?.read_to_end(&mut bytes)?;
    Ok(bytes.split_off(HEADER.min(bytes.len())))
}

/// Removes the bytes after the records of the last segment (including damaged ones): a part of the
/// record that was being written when the process was killed or the power failed. The click of a
/// killed process was never answered with a redirect.
pub(super) fn cut_torn_tail(found: &mut Found, frames: usize) {
    let good = u64::try_from(HEADER.saturating_add(frames)).unwrap_or(u64::MAX);
    let Some(torn) = found.bytes.checked_sub(good).filter(|torn| *torn > 0) else {
        return;
    };
    let segment = found.path.display().to_string();
    warn!(
        segment,
        bytes = torn,
        "removing an incomplete record at the end of the journal"
    );
    found.bytes = good;
    let cut = OpenOptions::new().write(true).open(&found.path);
    if let Err(error) = cut.and_then(|file| file.set_len(good)) {
        // It will be overwritten or skipped.
        warn!(segment, %error, "cannot remove the incomplete record");
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests {
    use waypost_core::SeededRandom;

    use super::*;

    fn new_id(seed: u64) -> JournalId {
        let at = time::macros::datetime!(2026-03-01 12:00 UTC);
        JournalId::new(at, &SeededRandom::new(seed))
    }

    #[test]
    fn a_second_process_is_kept_out_until_the_first_one_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let first = Directory::open(&path).unwrap();
        let second = Directory::open(&path).unwrap_err();
        assert!(matches!(second, JournalError::Locked { .. }), "{second}");
        assert!(second.to_string().contains("WAYPOST_DATA_DIR"), "{second}");
        drop(first);
        Directory::open(&path).unwrap();
    }

    #[test]
    fn the_id_stays_until_it_is_changed() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Directory::open(directory.path()).unwrap();
        assert_eq!(journal.id(new_id(1)).unwrap(), new_id(1));
        assert_eq!(journal.id(new_id(2)).unwrap(), new_id(1));
        journal.rename(new_id(3)).unwrap();
        assert_eq!(read_id(directory.path()).unwrap(), Some(new_id(3)));
        std::fs::write(directory.path().join("id"), "nonsense").unwrap();
        let error = journal.id(new_id(4)).unwrap_err();
        assert!(matches!(error, JournalError::BadId { .. }), "{error}");
    }

    #[test]
    fn segments_are_found_in_the_order_of_their_positions_and_other_files_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Directory::open(directory.path()).unwrap();
        for base in [70, 8, 9_000] {
            journal.create_segment(base).unwrap();
        }
        for name in ["x.clicks", "70.clicks", "+0000000000000000070.clicks"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        let found = segments(directory.path()).unwrap();
        let bases: Vec<_> = found.iter().map(|found| found.base).collect();
        assert_eq!(bases, [8, 70, 9_000]);
        assert!(found.iter().all(|found| found.bytes == HEADER as u64));
    }

    #[test]
    fn a_damaged_number_of_accepted_clicks_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read_accepted(directory.path()), 0);
        for accepted in [0, 64, u64::MAX] {
            let bytes = accepted_bytes(accepted);
            std::fs::write(directory.path().join("accepted"), &bytes).unwrap();
            assert_eq!(read_accepted(directory.path()), accepted);
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(directory.path().join("accepted"), &damaged).unwrap();
                assert_eq!(read_accepted(directory.path()), 0, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_written_can_be_read_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let journal = Directory::open(&path).unwrap();
        journal.id(new_id(1)).unwrap();
        journal.create_segment(0).unwrap();
        journal
            .set_aside(|bytes| bytes.extend_from_slice(b"frame"))
            .unwrap();
        journal.accepted_file().unwrap();
        for entry in std::fs::read_dir(&path).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, DIRECTORY_MODE);
    }
}

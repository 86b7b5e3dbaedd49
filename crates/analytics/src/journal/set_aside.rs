//! Clicks that the database rejected: the file `rejected` of a journal's directory.
//!
//! They are retried as a journal of their own, in the directory `retries`, see `retries.rs`. A file
//! belongs to the journal that counted its clicks as rejected: when the journal ID changes, the
//! file is renamed to `rejected.ID`, with the previous ID.
//!
//! A file is locked while it is appended to or taken away, so that a click that is being set aside,
//! and may still be stored, is not retried by another process.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tracing::warn;
use uuid::Uuid;
use waypost_core::{Click, ClickId, JournalId};

use super::directory::{Directory, JournalError, io_error};
use super::frame::{self, Frame, PREFIX};
use super::modes::FILE_MODE;
use super::record;

/// The file of the journal's present ID.
const FILE: &str = "rejected";
/// Maximum size of the file.
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;
/// The position in the frames of clicks that are set aside. Their place in the file is not known
/// without counting.
const NO_POSITION: u64 = 0;

/// A file of clicks that were set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetAsideFile {
    pub(super) path: PathBuf,
    /// The journal that counted its clicks as rejected.
    pub(super) journal: JournalId,
}

/// A record that was set aside. Its file is locked while this value lives.
#[derive(Debug)]
pub(crate) struct SetAside {
    file: File,
    before: u64,
}

impl SetAside {
    /// Removes the record again.
    pub(crate) fn undo(self) {
        if let Err(error) = self.file.set_len(self.before) {
            warn!(%error, "cannot remove a click from the file of rejected clicks, although it \
                was not rejected");
        }
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        // Closing the file may not be enough, as for the lock of a directory.
        let _ = self.file.unlock();
    }
}

impl Directory {
    /// Sets a record aside; `write` appends its bytes.
    ///
    /// # Errors
    /// If it cannot be written, or the file has reached its maximum size.
    pub(super) fn set_aside(&self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<SetAside> {
        let mut frame = Vec::new();
        frame::write(&mut frame, NO_POSITION, write);
        let mut file = self.lock_set_aside()?;
        let before = file.metadata()?.len();
        if before > MAX_BYTES {
            return Err(io::Error::new(
                ErrorKind::QuotaExceeded,
                "the file of rejected clicks has reached its limit of 64 MiB",
            ));
        }
        file.write_all(&frame)?;
        file.sync_data()?;
        Ok(SetAside { file, before })
    }

    /// Opens and locks the file. A process that takes it away locks it only while renaming it.
    fn lock_set_aside(&self) -> io::Result<File> {
        let path = self.path().join(FILE);
        loop {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(FILE_MODE)
                .open(&path)?;
            file.lock()?;
            if is_at(&file, &path)? {
                return Ok(file);
            }
        }
    }

    /// Keeps clicks that were set aside for the previous ID, before the journal ID changes.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(super) fn keep_set_aside_for(&self, before: JournalId) -> Result<(), JournalError> {
        let path = self.path().join(FILE);
        let kept = self.path().join(format!("{FILE}.{before}"));
        let keep = || match std::fs::read(&path) {
            Ok(_) if !kept.try_exists()? => std::fs::rename(&path, &kept),
            // A killed process may have done this before. Duplicates are retried only once.
            Ok(frames) => {
                let mut file = OpenOptions::new().append(true).open(&kept)?;
                file.write_all(&frames)?;
                file.sync_data()?;
                std::fs::remove_file(&path)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        keep().map_err(io_error(&path))
    }
}

/// Whether the path still refers to this file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == {
            let own = file.metadata()?;
            (own.dev(), own.ino())
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the non-empty files of clicks that were set aside in the directory of the journal `id`,
/// sorted by name.
///
/// # Errors
/// [`JournalError::Io`].
pub(super) fn files(directory: &Path, id: JournalId) -> Result<Vec<SetAsideFile>, JournalError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io_error(directory))? {
        let entry = entry.map_err(io_error(directory))?;
        let name = entry.file_name();
        // A file that was removed in the meantime counts as empty.
        let is_empty = entry.metadata().is_ok_and(|found| found.len() == 0);
        let journal = match name.to_str().and_then(|name| name.strip_prefix(FILE)) {
            Some("") => Some(id),
            Some(rest) => rest
                .strip_prefix('.')
                .and_then(|id| Uuid::parse_str(id).ok())
                .map(JournalId::from_uuid),
            None => None,
        };
        if let Some(journal) = journal.filter(|_| !is_empty) {
            let path = entry.path();
            files.push(SetAsideFile { path, journal });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Renames a file of clicks that were set aside, while no process appends to it. Returns whether it
/// existed.
///
/// # Errors
/// [`JournalError::Io`].
pub(super) fn take(from: &Path, to: &Path) -> Result<bool, JournalError> {
    let take = || {
        let file = match OpenOptions::new().append(true).open(from) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        file.lock()?;
        let is_there = is_at(&file, from)?;
        if is_there {
            std::fs::rename(from, to)?;
        }
        file.unlock()?;
        Ok(is_there)
    };
    take().map_err(io_error(from))
}

/// Returns the records of a file, in the order in which they were set aside: each click once, up to
/// the first damaged record.
pub(super) fn records(frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frames;
    let mut seen: BTreeSet<ClickId> = BTreeSet::new();
    std::iter::from_fn(move || {
        let Frame::Record(record) = frame::read(rest, NO_POSITION) else {
            return None;
        };
        let length = PREFIX.saturating_add(record.len());
        rest = rest.get(length..).unwrap_or_default();
        Some(record)
    })
    .filter(move |record| record::read(record).is_some_and(|read| seen.insert(read.click.id)))
}

/// Returns the clicks of a journal that were set aside because the database rejected them, in that
/// order. Reading ends at a damaged record.
///
/// # Errors
/// [`JournalError`] if the file exists and cannot be read.
pub fn set_aside(directory: &Path) -> Result<Vec<Click>, JournalError> {
    let path = directory.join(FILE);
    let frames = match std::fs::read(&path) {
        Ok(frames) => frames,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(&path)(error)),
    };
    let read = records(&frames).filter_map(record::read);
    Ok(read.map(|read| read.click).collect())
}

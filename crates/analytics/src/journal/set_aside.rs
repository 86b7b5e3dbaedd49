//! Clicks that the database refused: the file `rejected` of a journal's directory.
//!
//! They are tried again as a journal of their own, in the directory `retries`, see `retries.rs`. A file belongs
//! to the journal that counted its clicks as rejected: when a journal goes on under another id, the file
//! becomes `rejected.ID`, with the id before.
//!
//! Whoever adds to a file or takes it away has it locked: a click that is being set aside, and may yet be stored, is
//! not tried again by somebody else.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tracing::warn;
use uuid::Uuid;
use waypost_core::{Click, ClickId, JournalId};

use super::directory::{Directory, FILE_MODE, JournalError, io_error};
use super::frame::{self, Frame, PREFIX};
use super::record;

/// The file of the journal's present id.
const FILE: &str = "rejected";
/// Beyond this size no more clicks are set aside.
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;
/// The position in the frames of clicks that are set aside: they have none in their file that could be
/// known without counting.
const NO_POSITION: u64 = 0;

/// A file of clicks that were set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetAsideFile {
    pub(super) path: PathBuf,
    /// The journal that counted them as rejected.
    pub(super) journal: JournalId,
}

/// A record that was set aside. Nobody else takes it as long as this value lives.
#[derive(Debug)]
pub(crate) struct SetAside {
    file: File,
    before: u64,
}

impl SetAside {
    /// It need not have been.
    pub(crate) fn undo(self) {
        if let Err(error) = self.file.set_len(self.before) {
            warn!(%error, "the file of rejected clicks holds one that was not rejected");
        }
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        // As that of a directory: closing it may not be enough.
        let _ = self.file.unlock();
    }
}

impl Directory {
    /// Sets a record aside; `write` appends its bytes.
    ///
    /// # Errors
    /// When it cannot be written, or there is no room for it.
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

    /// Opens the file, and locks it. Whoever takes it away has it locked only while it gets another name.
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

    /// The journal goes on under another id: what was set aside is kept for the one before.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(super) fn keep_set_aside_for(&self, before: JournalId) -> Result<(), JournalError> {
        let path = self.path().join(FILE);
        let kept = self.path().join(format!("{FILE}.{before}"));
        let keep = || match std::fs::read(&path) {
            Ok(_) if !kept.try_exists()? => std::fs::rename(&path, &kept),
            // A process that was killed in the midst of this did so before. What stands there twice is
            // tried again once.
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

/// Whether the path still leads to this file.
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

/// The files of clicks that were set aside in the directory of the journal `id` and hold something, in the order of
/// their names.
///
/// # Errors
/// [`JournalError::Io`].
pub(super) fn files(directory: &Path, id: JournalId) -> Result<Vec<SetAsideFile>, JournalError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io_error(directory))? {
        let entry = entry.map_err(io_error(directory))?;
        let name = entry.file_name();
        // One that is gone meanwhile holds nothing.
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

/// Gives a file of clicks that were set aside another name, when nobody adds to it. Returns whether it was there.
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

/// The records in a file, in the order in which they were set aside: each click once, up to the first damaged one.
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

/// The clicks of a journal that were set aside because the database refused them, in the order in which
/// it did. Reading ends at a damaged one.
///
/// # Errors
/// [`JournalError`] when the file is there and cannot be read.
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

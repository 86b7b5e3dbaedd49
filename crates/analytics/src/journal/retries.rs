//! Retrying clicks that were set aside: each file of such clicks becomes a journal of its own,
//! whose position tells which of its clicks are stored. However often a retry is interrupted, no
//! click is stored twice.
//!
//! The directory `retries` of the journal contains one directory for each, named by its journal ID:
//!
//! | file | contents |
//! | --- | --- |
//! | `of` | the ID of the journal that counted the clicks as rejected |
//! | `source` | the file of clicks that were set aside, until it is converted to a segment |
//! | `id`, `00000000000000000000.clicks`, … | as in every journal |
//!
//! Clicks that are rejected again are set aside there, and become another retry.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{ClickId, JournalId, Random};

use super::directory::{self, Directory, JournalError, io_error};
use super::modes::DIRECTORY_MODE;
use super::{frame, record, set_aside};

const RETRIES: &str = "retries";
const OF: &str = "of";
const SOURCE: &str = "source";

/// A retry: clicks that were set aside, as a journal that no server uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Its directory.
    pub directory: PathBuf,
    /// Its journal ID.
    pub id: JournalId,
    /// The journal that counted the clicks as rejected.
    pub of: JournalId,
}

impl Retry {
    /// Moves the retry out of the way, for people to inspect; later retries skip it. Returns its
    /// new directory.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn keep(&self) -> Result<PathBuf, JournalError> {
        let kept = self.directory.with_extension("kept");
        std::fs::rename(&self.directory, &kept).map_err(io_error(&self.directory))?;
        Ok(kept)
    }

    /// Returns the IDs of its clicks, including those that are stored by now.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(crate) fn clicks(&self) -> Result<Vec<ClickId>, JournalError> {
        let mut ids = Vec::new();
        for found in directory::segments(&self.directory)? {
            let frames = directory::read_frames(&found).map_err(io_error(&found.path))?;
            let read = frame::records(&frames, found.base);
            let read = read.filter_map(|placed| record::read(placed.record));
            ids.extend(read.map(|read| read.click.id));
        }
        Ok(ids)
    }
}

/// Exclusive access to the retries of a journal, while this value lives.
#[derive(Debug)]
pub struct Retries {
    directory: Directory,
    journal: PathBuf,
}

impl Retries {
    /// Locks the retries of the journal in `directory`, which a server may use at the same time.
    /// Returns `None` if there is no journal.
    ///
    /// # Errors
    /// [`JournalError::Locked`] if another process is retrying, [`JournalError::Io`].
    pub fn of(journal: &Path) -> Result<Option<Self>, JournalError> {
        if directory::read_id(journal)?.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            directory: Directory::open(&journal.join(RETRIES))?,
            journal: journal.to_owned(),
        }))
    }

    /// Converts all files of clicks that were set aside to journals. Returns them and unfinished
    /// earlier ones, oldest first.
    ///
    /// # Errors
    /// [`JournalError`]. The call can be repeated, and no click is duplicated.
    pub fn prepare(
        &self,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> Result<Vec<Retry>, JournalError> {
        let mut journals = vec![self.journal.clone()];
        journals.extend(self.directories()?);
        for journal in journals {
            let Some(id) = directory::read_id(&journal)? else {
                continue;
            };
            for file in set_aside::files(&journal, id)? {
                let retry = self
                    .directory
                    .path()
                    .join(JournalId::new(now, random).to_string());
                let begin = || {
                    DirBuilder::new().mode(DIRECTORY_MODE).create(&retry)?;
                    write(&retry, OF, format!("{}\n", file.journal).as_bytes())?;
                    self.directory.sync()
                };
                begin().map_err(io_error(&retry))?;
                set_aside::take(&file.path, &retry.join(SOURCE))?;
            }
        }
        let mut retries = Vec::new();
        for retry in self.directories()? {
            retries.extend(finish(&retry)?);
        }
        Ok(retries)
    }

    /// Deletes a journal that is empty.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn delete(&self, retry: &Retry) -> Result<(), JournalError> {
        let path = &retry.directory;
        // Keep the directory if clicks were set aside in it again.
        if !set_aside::files(path, retry.id)?.is_empty() {
            return Ok(());
        }
        std::fs::remove_dir_all(path).map_err(io_error(path))
    }

    /// Returns the directories of retries, sorted by ID and therefore by creation.
    fn directories(&self) -> Result<Vec<PathBuf>, JournalError> {
        let path = self.directory.path();
        let mut directories = Vec::new();
        for entry in std::fs::read_dir(path).map_err(io_error(path))? {
            let path = entry.map_err(io_error(path))?.path();
            if id_of(&path).is_some() {
                directories.push(path);
            }
        }
        directories.sort();
        Ok(directories)
    }
}

/// Returns the ID in the name of a retry's directory.
fn id_of(retry: &Path) -> Option<JournalId> {
    let name = retry.file_name()?.to_str()?;
    Uuid::parse_str(name).ok().map(JournalId::from_uuid)
}

/// Returns the journal whose clicks the one in `directory` retries; `None` for ordinary journals.
pub(super) fn retry_of(directory: &Path) -> Result<Option<JournalId>, JournalError> {
    let path = directory.join(OF);
    match std::fs::read_to_string(&path) {
        Ok(text) => match Uuid::parse_str(text.trim()) {
            Ok(id) => Ok(Some(JournalId::from_uuid(id))),
            Err(_) => Err(JournalError::BadId { path }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(&path)(error)),
    }
}

/// Converts a file of clicks that were set aside to a journal. Repeating it after an interruption
/// has the same result. Returns `None` if it was interrupted before the file was taken.
fn finish(retry: &Path) -> Result<Option<Retry>, JournalError> {
    let source = retry.join(SOURCE);
    let frames = match std::fs::read(&source) {
        Ok(frames) => Some(frames),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(io_error(&source)(error)),
    };
    let (Some(id), Some(of)) = (id_of(retry), retry_of(retry)?) else {
        return Ok(None);
    };
    let make = |frames: &[u8]| {
        let mut segment = frame::header(0).to_vec();
        for (position, record) in (0..).zip(set_aside::records(frames)) {
            frame::write(&mut segment, position, |bytes| {
                bytes.extend_from_slice(record);
            });
        }
        write(retry, &directory::segment_name(0), &segment)?;
        write(retry, "id", format!("{id}\n").as_bytes())?;
        std::fs::remove_file(&source)
    };
    match frames {
        Some(frames) => make(&frames).map_err(io_error(retry))?,
        None if directory::read_id(retry)?.is_none() => {
            std::fs::remove_dir_all(retry).map_err(io_error(retry))?;
            return Ok(None);
        }
        None => {}
    }
    let directory = retry.to_owned();
    Ok(Some(Retry { directory, id, of }))
}

/// Writes a file and syncs it to disk.
fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = directory::create(&directory.join(name))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()
}

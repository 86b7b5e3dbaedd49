//! The lineage of a journal: the processes that used its directory, one after the other.
//!
//! The file `owners` of the directory lists them, so that a process knows which one it succeeds. A
//! copy of the directory includes the file: both copies then have the same predecessors, and the
//! database assigns the journal to the first of them that takes it.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

use tracing::warn;
use uuid::Uuid;
use waypost_core::{JournalId, JournalOwner};
use waypost_store::{JournalSplit, Predecessor, Tried};

use super::directory::{Directory, JournalError, io_error};

const FILE: &str = "owners";
/// Maximum number of owners that are kept, which are the latest ones. Each start of a process adds
/// one.
const MAX_OWNERS: usize = 256;

/// The processes that used a directory under the present ID of its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// The position at which the journal began; `None` if an earlier version began it.
    pub(crate) began: Option<u64>,
    /// The journal that it continues, to tell a database that was restored from a backup.
    pub(crate) split: Option<JournalSplit>,
    /// Other journals that may have settled records of this one, because this one continues them.
    pub(crate) relatives: Vec<JournalId>,
    /// The processes that owned it, oldest first.
    pub(crate) owners: Vec<Predecessor>,
    /// Owner IDs with which the journal was claimed without a response, with the process before
    /// them.
    pub(crate) tried: Vec<Tried>,
}

impl Lineage {
    /// Reads the lineage of the journal in a directory. It is empty if there is none, or if the
    /// file is damaged: the process then counts as the owner of a copy, and its clicks are
    /// identified by their IDs.
    pub(super) fn read(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Self::default();
        };
        Self::of_text(&text).unwrap_or_else(|| {
            warn!(
                file = %path.display(),
                "the list of journal owners is damaged; continuing without it"
            );
            Self::default()
        })
    }

    /// Checks that the file can be read if it exists: a process without permission must not count
    /// as the owner of a copy.
    pub(super) fn check(directory: &Path) -> Result<(), JournalError> {
        let path = directory.join(FILE);
        match std::fs::read(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io_error(&path)(error)),
        }
    }

    /// Writes the lineage to a directory, and syncs it to disk.
    pub(super) fn write(&self, directory: &Directory) -> Result<(), JournalError> {
        directory.replace(FILE, &self.to_text())
    }

    /// Adds a process that owns the journal.
    pub(crate) fn push(&mut self, owner: Predecessor) {
        self.tried.retain(|tried| tried.owner != owner.owner);
        self.owners.push(owner);
        let excess = self.owners.len().saturating_sub(MAX_OWNERS);
        self.owners.drain(..excess);
        for tried in &mut self.tried {
            tried.after = tried.after.saturating_sub(excess);
        }
    }

    /// Adds another journal that may have settled records of this one.
    pub(crate) fn relate(&mut self, relative: JournalId) {
        if !self.relatives.contains(&relative) {
            self.relatives.push(relative);
        }
    }

    /// Adds an owner ID with which the journal is about to be taken.
    pub(crate) fn try_as(&mut self, owner: JournalOwner) {
        let after = self.owners.len();
        self.tried.push(Tried { owner, after });
        let excess = self.tried.len().saturating_sub(MAX_OWNERS);
        self.tried.drain(..excess);
    }

    /// Parses the text of the file. Returns `None` if it is invalid.
    fn of_text(text: &str) -> Option<Self> {
        let mut lineage = Self::default();
        for line in text.lines() {
            match line.split_once(' ')? {
                ("began", position) => lineage.began = Some(position.parse().ok()?),
                ("split", split) => {
                    let (from, at) = split.split_once(' ')?;
                    lineage.split = Some(JournalSplit {
                        from: JournalId::from_uuid(Uuid::parse_str(from).ok()?),
                        at: at.parse().ok()?,
                    });
                }
                ("relative", id) => {
                    let id = Uuid::parse_str(id).ok()?;
                    lineage.relatives.push(JournalId::from_uuid(id));
                }
                ("owner", owner) => {
                    let (id, end) = owner.split_once(' ')?;
                    let id = Uuid::parse_str(id).ok()?;
                    lineage.owners.push(Predecessor {
                        owner: JournalOwner::from_uuid(id),
                        end: end.parse().ok()?,
                    });
                }
                ("tried", id) => {
                    let id = Uuid::parse_str(id).ok()?;
                    lineage.tried.push(Tried {
                        owner: JournalOwner::from_uuid(id),
                        after: lineage.owners.len(),
                    });
                }
                ("crc32", _) => {}
                _ => return None,
            }
        }
        (lineage.to_text() == text).then_some(lineage)
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(began) = self.began {
            // Writing to a string does not fail.
            let _ = writeln!(text, "began {began}");
        }
        if let Some(JournalSplit { from, at }) = self.split {
            let _ = writeln!(text, "split {from} {at}");
        }
        for relative in &self.relatives {
            let _ = writeln!(text, "relative {relative}");
        }
        let mut tried = self.tried.iter().peekable();
        let mut write_tried = |text: &mut String, after| {
            while let Some(tried) = tried.next_if(|tried| tried.after <= after) {
                let _ = writeln!(text, "tried {}", tried.owner);
            }
        };
        for (after, Predecessor { owner, end }) in self.owners.iter().enumerate() {
            write_tried(&mut text, after);
            let _ = writeln!(text, "owner {owner} {end}");
        }
        write_tried(&mut text, self.owners.len());
        let checksum = crc32fast::hash(text.as_bytes());
        let _ = writeln!(text, "crc32 {checksum:08x}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: u128) -> Predecessor {
        Predecessor {
            owner: JournalOwner::from_uuid(Uuid::from_u128(number)),
            end: 7,
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Lineage::read(directory.path()), Lineage::default());
        let opened = Directory::open(directory.path()).unwrap();
        let mut lineage = Lineage::default();
        for (began, number) in [(None, 1), (Some(0), 2), (Some(u64::MAX), 3)] {
            lineage.began = began;
            lineage.split = began.map(|at| JournalSplit {
                from: JournalId::from_uuid(Uuid::from_u128(number)),
                at,
            });
            lineage.relate(JournalId::from_uuid(Uuid::from_u128(number)));
            lineage.push(owner(number));
            lineage.try_as(owner(number + 10).owner);
            lineage.write(&opened).unwrap();
            assert_eq!(Lineage::read(directory.path()), lineage);
        }
        let after: Vec<_> = lineage.tried.iter().map(|tried| tried.after).collect();
        assert_eq!(after, [1, 2, 3]);
        // The response arrived after all.
        lineage.push(owner(13));
        lineage.write(&opened).unwrap();
        assert_eq!(Lineage::read(directory.path()), lineage);
        assert_eq!(lineage.tried.len(), 2);
        lineage.owners.pop();
        let known: Vec<_> = (1..=3).map(owner).collect();
        assert_eq!(lineage.owners, known);
    }

    #[test]
    fn a_damaged_one_is_not_believed() {
        let mut lineage = Lineage {
            began: Some(12),
            relatives: vec![JournalId::from_uuid(Uuid::from_u128(9))],
            ..Lineage::default()
        };
        lineage.push(owner(1));
        lineage.try_as(owner(2).owner);
        let text = lineage.to_text();
        assert_eq!(Lineage::of_text(&text), Some(lineage));
        for bit in 0..text.len() * 8 {
            let mut damaged = text.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(damaged) = String::from_utf8(damaged) {
                assert_eq!(Lineage::of_text(&damaged), None, "{damaged:?}");
            }
        }
        for cut in 0..text.len() {
            assert_eq!(Lineage::of_text(&text[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        Lineage::check(directory.path()).unwrap();
        // A directory cannot be read as a file.
        std::fs::create_dir(directory.path().join(FILE)).unwrap();
        let error = Lineage::check(directory.path()).unwrap_err();
        assert!(matches!(error, JournalError::Io { .. }), "{error}");
    }

    #[test]
    fn the_latest_owners_are_kept() {
        let mut lineage = Lineage::default();
        for number in 0..1_000 {
            lineage.push(owner(number));
            lineage.try_as(owner(number + 2_000).owner);
        }
        assert_eq!(lineage.owners.len(), MAX_OWNERS);
        let after: Vec<_> = lineage.tried.iter().map(|tried| tried.after).collect();
        let expected: Vec<_> = (1..=MAX_OWNERS).collect();
        assert_eq!(after, expected);
        assert_eq!(lineage.owners.last(), Some(&owner(999)));
    }
}

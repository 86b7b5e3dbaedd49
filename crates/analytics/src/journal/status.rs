//! Looking at a journal from outside: what is in it, without locking it and without changing
//! anything, whether a server uses it or not.

use std::io::{self, ErrorKind};
use std::path::Path;

use time::OffsetDateTime;
use waypost_core::{JournalId, JournalOwner};

use super::directory::{self, Found, JournalError};
use super::frame::{self, PREFIX};
use super::lineage::Lineage;
use super::{record, set_aside};

/// What is in the directory of a journal.
#[derive(Debug, Clone)]
pub struct JournalStatus {
    /// The id under which the database knows it.
    pub id: JournalId,
    /// Its segments, oldest first.
    pub segments: Vec<SegmentStatus>,
    /// How many clicks a server with durability `memory` had accepted at the least.
    pub accepted_in_memory: u64,
    /// What the clicks take that were set aside because the database refused them, in bytes, without those that are
    /// tried again.
    pub set_aside_bytes: u64,
    /// The processes that used it under its id, as far as that is known.
    owners: Vec<JournalOwner>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentStatus {
    /// The name of its file.
    pub name: String,
    /// The position of its first record.
    pub first: u64,
    /// How many good records it holds; of a segment that is settled, how many it was given.
    pub records: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many of its bytes are no good records: damage, or a record that is being written. 0 of a segment that is
    /// settled: it is not read.
    pub bad_bytes: u64,
    /// The position behind its last record that can be made out.
    end: u64,
    found: Found,
}

/// The clicks of a journal that are not settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// How many there are, as far as they can be counted.
    pub clicks: u64,
    /// When the oldest one happened.
    pub oldest: Option<OffsetDateTime>,
}

impl JournalStatus {
    /// The id of the journal in `directory`. `None` when there is none.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    pub fn id_in(directory: &Path) -> Result<Option<JournalId>, JournalError> {
        directory::read_id(directory)
    }

    /// Looks at the journal in `directory`, of which everything before `committed` is settled. `None` when there is
    /// none. Segments that are settled are not read: a journal keeps many of them.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be read.
    pub fn read(directory: &Path, committed: u64) -> Result<Option<Self>, JournalError> {
        let Some(id) = directory::read_id(directory)? else {
            return Ok(None);
        };
        let mut segments = Vec::new();
        let found = directory::segments(directory)?;
        let ends: Vec<u64> = found.iter().skip(1).map(|next| next.base).collect();
        let ends = ends.into_iter().map(Some).chain([None]);
        for (found, end) in found.into_iter().zip(ends) {
            if let Some(end) = end.filter(|end| *end <= committed) {
                segments.push(SegmentStatus::settled(found, end));
                continue;
            }
            match segment(found) {
                Ok(segment) => segments.push(segment),
                Err((_, error)) if error.kind() == ErrorKind::NotFound => {}
                Err((found, source)) => {
                    return Err(JournalError::Io {
                        path: found.path,
                        source,
                    });
                }
            }
        }
        let Lineage { owners, tried, .. } = Lineage::read(directory);
        let owners = owners.iter().map(|own| own.owner);
        let owners = owners
            .chain(tried.iter().map(|tried| tried.owner))
            .collect();
        let set_aside = set_aside::files(directory, id)?;
        let set_aside = set_aside
            .iter()
            .filter_map(|file| file.path.metadata().ok());
        Ok(Some(Self {
            id,
            segments,
            accepted_in_memory: directory::read_accepted(directory),
            set_aside_bytes: set_aside.map(|file| file.len()).sum(),
            owners,
        }))
    }

    /// Whether a process used this directory, or the one that it is a copy of, under the journal's id.
    #[must_use]
    pub fn was_used_by(&self, owner: JournalOwner) -> bool {
        self.owners.contains(&owner)
    }

    /// The position of the oldest record; that behind the last one when there is none.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.segments
            .first()
            .map_or(self.end(), |first| first.first)
    }

    /// The position behind the last record; 0 when there never was one, or none is left.
    #[must_use]
    pub fn end(&self) -> u64 {
        let end = self.segments.last().map_or(0, |last| last.end);
        end.max(self.accepted_in_memory)
    }

    /// What is pending when everything before the position `committed` is settled.
    #[must_use]
    pub fn pending(&self, committed: u64) -> Pending {
        Pending {
            clicks: self.end().saturating_sub(committed),
            oldest: self
                .segments
                .iter()
                .find_map(|segment| segment.time_of(committed)),
        }
    }
}

impl SegmentStatus {
    fn settled(found: Found, end: u64) -> Self {
        Self {
            name: name_of(&found.path),
            first: found.base,
            records: end.saturating_sub(found.base),
            bytes: found.bytes,
            bad_bytes: 0,
            end,
            found,
        }
    }

    /// When the first click at or behind a position happened, if it is in this segment.
    fn time_of(&self, position: u64) -> Option<OffsetDateTime> {
        if self.end <= position {
            return None;
        }
        let frames = directory::read_frames(&self.found).ok()?;
        frame::records(&frames, self.first)
            .filter(|placed| placed.position >= position)
            .find_map(|placed| record::read(placed.record))
            .map(|read| read.click.clicked_at)
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn segment(found: Found) -> Result<SegmentStatus, (Found, io::Error)> {
    let frames = match directory::read_frames(&found) {
        Ok(frames) => frames,
        Err(error) => return Err((found, error)),
    };
    let (mut records, mut good_bytes) = (0_u64, 0_usize);
    for placed in frame::records(&frames, found.base) {
        records = records.saturating_add(1);
        good_bytes = good_bytes.saturating_add(PREFIX.saturating_add(placed.record.len()));
    }
    let bad_bytes = u64::try_from(frames.len().saturating_sub(good_bytes)).unwrap_or(u64::MAX);
    Ok(SegmentStatus {
        name: name_of(&found.path),
        first: found.base,
        records,
        bytes: found.bytes,
        bad_bytes,
        end: found
            .base
            .saturating_add(frame::extent(&frames, found.base).records),
        found,
    })
}

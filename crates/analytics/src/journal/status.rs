//! Inspecting a journal from outside, without locking or changing it, whether a server uses it or
//! not.

use std::io::{self, ErrorKind};
use std::path::Path;

use time::OffsetDateTime;
use waypost_core::{JournalId, JournalOwner};

use super::directory::{self, Found, JournalError};
use super::frame::{self, PREFIX};
use super::lineage::Lineage;
use super::{record, set_aside};

/// The status of a journal, read from its directory.
#[derive(Debug, Clone)]
pub struct JournalStatus {
    /// The ID of the journal in the database.
    pub id: JournalId,
    /// Its segments, oldest first.
    pub segments: Vec<SegmentStatus>,
    /// Minimum number of clicks that a server with durability `memory` has accepted.
    pub accepted_in_memory: u64,
    /// Size in bytes of the clicks that were set aside because the database rejected them, without
    /// those being retried.
    pub set_aside_bytes: u64,
    /// The processes that used it under its ID, if known.
    owners: Vec<JournalOwner>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentStatus {
    /// The name of its file.
    pub name: String,
    /// The position of its first record.
    pub first: u64,
    /// Number of good records; for a settled segment, the number of records written.
    pub records: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of bytes that are not good records: damage, or a record that is being written. 0 for
    /// a settled segment, which is not read.
    pub bad_bytes: u64,
    /// The position after its last recognisable record.
    end: u64,
    found: Found,
}

/// The pending clicks of a journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pending {
    /// Number of clicks, as far as they can be counted.
    pub clicks: u64,
    /// When the oldest one happened.
    pub oldest: Option<OffsetDateTime>,
}

impl JournalStatus {
    /// Returns the ID of the journal in `directory`, or `None` if there is none.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub fn id_in(directory: &Path) -> Result<Option<JournalId>, JournalError> {
        directory::read_id(directory)
    }

    /// Reads the status of the journal in `directory`, of which everything before `committed` is
    /// settled. Returns `None` if there is none. Does not read settled segments, of which there may
    /// be many.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
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

    /// Whether a process used this directory, or the one that it is a copy of, under the journal's
    /// ID.
    #[must_use]
    pub fn was_used_by(&self, owner: JournalOwner) -> bool {
        self.owners.contains(&owner)
    }

    /// Returns the position of the oldest record, or the end if there is none.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.segments
            .first()
            .map_or(self.end(), |first| first.first)
    }

    /// Returns the position after the last record; 0 if there are no segments.
    #[must_use]
    pub fn end(&self) -> u64 {
        let end = self.segments.last().map_or(0, |last| last.end);
        end.max(self.accepted_in_memory)
    }

    /// Returns the pending clicks, if everything before the position `committed` is settled.
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

    /// Returns when the first click at or after a position happened, if it is in this segment.
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

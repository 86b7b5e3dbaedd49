//! Functions for the fuzz targets of this crate, which read arbitrary contents of a data directory.
//! Not part of the public interface.

use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{ClickId, JournalId, LinkId, SessionHash};

pub use super::record::ReadClick;
use super::{ClickRecord, Cursor, Journal, JournalError, frame, record};
use crate::settings::{Durability, JournalSettings};

/// The contents of a journal.
#[derive(Debug, PartialEq, Eq)]
pub struct Contents {
    /// Number of pending records, by its status.
    pub pending: u64,
    /// Number of records read as clicks.
    pub read: u64,
    /// Number of records counted as unreadable or lost.
    pub dropped: u64,
}

/// Opens the journal in a directory and reads it from its first record.
///
/// # Errors
/// [`JournalError`] as for [`Journal::open`].
pub fn read_journal(directory: &Path) -> Result<Contents, JournalError> {
    let settings = JournalSettings {
        durability: Durability::Journal,
        sync_interval: Duration::from_secs(1),
        max_bytes: u64::MAX,
        keep: Duration::ZERO,
    };
    let journal = Journal::open(directory, &settings, JournalId::from_uuid(Uuid::nil()))?;
    let first = journal.first();
    journal.begin(first, 0);
    let mut contents = Contents {
        pending: journal.pending(),
        read: 0,
        dropped: 0,
    };
    let mut cursor = Cursor::new(first);
    loop {
        let records = cursor
            .read(&journal, 100)
            .unwrap_or_else(|_| cursor.pass_over(&journal));
        let read = u64::try_from(records.clicks.len()).unwrap_or(u64::MAX);
        let dropped = records.dropped.total();
        if read == 0 && dropped == 0 {
            return Ok(contents);
        }
        contents.read = contents.read.saturating_add(read);
        contents.dropped = contents.dropped.saturating_add(dropped);
    }
}

/// Returns a good segment, for a fuzzer to damage. A fuzzer cannot compute its checksums.
#[must_use]
pub fn segment(records: u8) -> Vec<u8> {
    let mut bytes = frame::header(0).to_vec();
    for position in 0..u64::from(records) {
        let text = "x".repeat(usize::try_from(position).unwrap_or(0));
        let click = ClickRecord {
            id: ClickId::from_uuid(Uuid::from_u128(position.into())),
            link_id: LinkId::from_uuid(Uuid::nil()),
            clicked_at: OffsetDateTime::UNIX_EPOCH,
            day: OffsetDateTime::UNIX_EPOCH.date(),
            ip_hash: None,
            // Every other click has a session.
            session: (position % 2 == 1).then(|| SessionHash::from_bytes([9; 32])),
            country: None,
            class: None,
            user_agent: text.as_bytes(),
            referrer: b"",
        };
        frame::write(&mut bytes, position, |bytes| click.write(bytes));
    }
    bytes
}

/// Reads a record. Returns the click, and the click that is read after writing it again.
#[must_use]
pub fn read_and_rewrite(bytes: &[u8]) -> Option<(ReadClick, Option<ReadClick>)> {
    let read = record::read(bytes)?;
    let mut rewritten = Vec::new();
    ClickRecord::of(&read.click, read.session).write(&mut rewritten);
    let again = record::read(&rewritten);
    Some((read, again))
}

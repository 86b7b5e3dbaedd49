//! Tests of the guarantees of a journal, as its writers and its reader see them.

mod concurrency;
mod damage;
mod limits;
mod memory;
mod model;
mod reading;
mod restart;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use time::macros::{date, datetime};
use uuid::Uuid;
use waypost_core::{ClickId, LinkId};
use waypost_store::Dropped;

use super::*;

const NEW_ID: JournalId = JournalId::from_uuid(Uuid::from_u128(7));

/// Eight records of [`Desk::append`] fill a segment, and eight segments the journal.
const SETTINGS: JournalSettings = JournalSettings {
    durability: Durability::Journal,
    sync_interval: Duration::from_millis(1),
    max_bytes: 8 * (24 + 8 * 67),
    keep: Duration::ZERO,
};
/// The time of tidying, later than any click.
const LATER: OffsetDateTime = datetime!(2200-01-01 12:00 UTC);
const PER_SEGMENT: u64 = 8;
const FULL: u64 = 64;

/// A journal in its own directory, started at the last settled position.
struct Desk {
    temporary: TempDir,
    settings: JournalSettings,
    journal: Arc<Journal>,
    /// The position in the database.
    committed: u64,
}

impl Desk {
    fn new() -> Self {
        Self::with(SETTINGS)
    }

    fn with(settings: JournalSettings) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        // New journals sync their ID, and hundreds of them would keep the disk busy.
        std::fs::write(temporary.path().join("id"), NEW_ID.to_string()).unwrap();
        let journal = Journal::open(temporary.path(), &settings, NEW_ID).unwrap();
        journal.begin(0, 0);
        Self {
            temporary,
            settings,
            journal,
            committed: 0,
        }
    }

    /// Kills the process, calls `meddle` with the directory, and starts it again.
    fn restart_after(self, meddle: impl FnOnce(&Path)) -> Self {
        let settings = self.settings.clone();
        self.restart_with(settings, meddle)
    }

    fn restart_with(self, settings: JournalSettings, meddle: impl FnOnce(&Path)) -> Self {
        let Self {
            temporary,
            journal,
            committed,
            ..
        } = self;
        assert_eq!(
            Arc::strong_count(&journal),
            1,
            "the journal is still in use"
        );
        drop(journal);
        meddle(temporary.path());
        let journal = Journal::open(temporary.path(), &settings, NEW_ID).unwrap();
        journal.begin(committed, 0);
        let mut desk = Self {
            temporary,
            settings,
            journal,
            committed,
        };
        desk.settle(committed);
        desk
    }

    fn restart(self) -> Self {
        self.restart_after(|_| ())
    }

    fn append(&self, number: u64) -> Result<u64, DropReason> {
        append(&self.journal, number)
    }

    /// Appends clicks with these numbers.
    fn append_all(&self, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.append(number).unwrap();
        }
    }

    fn settle(&mut self, position: u64) {
        self.committed = position;
        self.journal.settle(position, None);
        self.journal.durable(position);
        // The open segment is kept, because it is not old.
        self.journal.release_old(LATER);
    }

    /// Deletes all settled segments.
    fn tidy(&self) {
        self.journal.tidy(LATER);
    }

    /// Reads everything after the settled position, in small portions.
    fn read(&self) -> Read {
        read(&self.journal, self.committed)
    }

    /// Returns the segments in the directory.
    fn files(&self) -> Vec<PathBuf> {
        files(self.temporary.path())
    }

    /// Returns the positions at which they begin.
    fn bases(&self) -> Vec<u64> {
        let found = directory::segments(self.temporary.path()).unwrap();
        found.iter().map(|found| found.base).collect()
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let found = directory::segments(directory).unwrap();
    found.into_iter().map(|found| found.path).collect()
}

/// Appends a click that is identified by its number.
fn append(journal: &Arc<Journal>, number: u64) -> Result<u64, DropReason> {
    let appending = journal.append(&ClickRecord {
        id: ClickId::from_uuid(Uuid::from_u128(number.into())),
        link_id: LinkId::from_uuid(Uuid::from_u128(1)),
        clicked_at: datetime!(2026-03-01 12:00 UTC) + time::Duration::seconds(number.cast_signed()),
        day: date!(2026 - 03 - 01),
        ip_hash: None,
        session: None,
        country: None,
        class: None,
        // All records have the same length.
        user_agent: format!("{number:010}").as_bytes(),
        referrer: b"",
    });
    appending.write_now()
}

/// The result of reading.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    numbers: Vec<u64>,
    dropped: Dropped,
    /// The position after the last record read.
    end: u64,
}

fn read(journal: &Journal, from: u64) -> Read {
    let mut cursor = Cursor::new(from);
    let mut all = Read {
        end: from,
        ..Read::default()
    };
    loop {
        let records = match cursor.read(journal, 3) {
            Ok(records) => records,
            Err(_) => cursor.pass_over(journal),
        };
        assert_eq!(records.start, all.end);
        if !all.take(records) {
            return all;
        }
        assert_eq!(all.end, cursor.position());
    }
}

impl Read {
    /// Adds the next records. Returns `false` if there are none.
    fn take(&mut self, records: Records) -> bool {
        let count = records.clicks.len() as u64 + records.dropped.total();
        self.end += count;
        self.dropped = self.dropped.plus(&records.dropped);
        for click in records.clicks {
            let number = u64::try_from(click.id.as_uuid().as_u128()).unwrap();
            let user_agent = click.user_agent.unwrap();
            assert_eq!(user_agent.as_str(), format!("{number:010}"));
            self.numbers.push(number);
        }
        count > 0
    }

    /// Asserts that all records were good and have these numbers.
    #[track_caller]
    fn is(&self, numbers: std::ops::Range<u64>) {
        assert_eq!(self.dropped, Dropped::default());
        assert_eq!(self.numbers, numbers.collect::<Vec<_>>());
    }
}

//! Rows in the binary format of `COPY` (PostgreSQL, "COPY", section "Binary Format"): writing a row
//! takes a fraction of the time of statement parameters, and storing it a third.

use std::io::Cursor;

use time::macros::{date, datetime};
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;
use waypost_core::{Click, Country, DeviceClass, Family, Referrer, UserAgent, VisitClass};

use crate::tally::DayTally;

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A number of columns that marks the end of the rows.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// PostgreSQL's epoch, in seconds since 1970, and as a day.
const EPOCH: i64 = datetime!(2000-01-01 00:00 UTC).unix_timestamp();
const FIRST_DAY: i32 = date!(2000 - 01 - 01).to_julian_day();

/// Approximate number of bytes to send at once.
const CHUNK: usize = 64 * 1024;

/// Rows that are not sent yet.
pub(super) struct Rows(Vec<u8>);

impl Rows {
    pub(super) fn new() -> Self {
        let mut bytes = Self::buffer();
        bytes.extend_from_slice(HEADER);
        Self(bytes)
    }

    /// Creates a buffer with room for one more row of maximum length.
    fn buffer() -> Vec<u8> {
        Vec::with_capacity(CHUNK + 8 * 1024)
    }

    pub(super) fn push_click(&mut self, click: &Click) {
        self.begin(12);
        self.value(click.id.as_uuid().as_bytes());
        self.value(click.link_id.as_uuid().as_bytes());
        self.optional(click.user_id.as_ref().map(|id| id.as_uuid().as_bytes()));
        self.optional(click.ip_hash.map(|hash| hash.to_hex()));
        self.optional(click.user_agent.as_ref().map(UserAgent::as_str));
        self.optional(click.referrer.as_ref().map(Referrer::as_str));
        self.value(&timestamp(click.clicked_at).to_be_bytes());
        let facts = &click.facts;
        self.optional(facts.class.map(VisitClass::as_str));
        self.optional(facts.browser.as_ref().map(Family::as_str));
        self.optional(facts.os.as_ref().map(Family::as_str));
        self.optional(facts.device.map(DeviceClass::as_str));
        self.optional(facts.country.as_ref().map(Country::as_bytes));
    }

    /// Appends a new day with its document.
    pub(super) fn push_day(&mut self, tally: &DayTally<'_>, document: &str) {
        self.begin(8);
        self.value(tally.link.as_bytes());
        self.value(&day(tally.day).to_be_bytes());
        for number in [
            tally.clicks,
            tally.humans,
            tally.new_visitors,
            tally.first,
            tally.last,
        ] {
            self.value(&number.to_be_bytes());
        }
        self.value(document.as_bytes());
    }

    /// Appends a visitor of a link on a day.
    pub(super) fn push_visit(&mut self, date: Date, link: Uuid, visitor: Uuid) {
        self.begin(3);
        self.value(&day(date).to_be_bytes());
        self.value(link.as_bytes());
        self.value(visitor.as_bytes());
    }

    fn begin(&mut self, columns: i16) {
        self.0.extend_from_slice(&columns.to_be_bytes());
    }

    fn optional(&mut self, bytes: Option<impl AsRef<[u8]>>) {
        match bytes {
            Some(bytes) => self.value(bytes.as_ref()),
            None => self.0.extend_from_slice(&NULL),
        }
    }

    /// Appends a length and the bytes. No value is anywhere near 2 GB, which the server would
    /// reject.
    fn value(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// Returns whether there are no rows. Only meaningful before any are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == HEADER.len()
    }

    /// Takes the rows to send now, if there are enough.
    pub(super) fn take_full(&mut self) -> Option<Cursor<Vec<u8>>> {
        (self.0.len() >= CHUNK).then(|| Cursor::new(std::mem::replace(&mut self.0, Self::buffer())))
    }

    /// Takes the remaining rows.
    pub(super) fn finish(mut self) -> Cursor<Vec<u8>> {
        self.0.extend_from_slice(&TRAILER);
        Cursor::new(self.0)
    }
}

/// Converts to microseconds since 2000, truncated.
fn timestamp(at: OffsetDateTime) -> i64 {
    let at = at.to_offset(UtcOffset::UTC);
    (at.unix_timestamp() - EPOCH) * 1_000_000 + i64::from(at.microsecond())
}

/// Converts to days since 2000.
const fn day(day: Date) -> i32 {
    day.to_julian_day() - FIRST_DAY
}

//! Clicks in the binary format of `COPY` (PostgreSQL, "COPY", section "Binary Format"): writing a row
//! so takes a fraction of what the parameters of a statement take.

use std::io::Cursor;

use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};
use waypost_core::{Click, Country, DeviceClass, Family, Referrer, UserAgent, VisitClass};

/// The signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of columns that says that no row follows.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const COLUMNS: [u8; 2] = 12_i16.to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// From when PostgreSQL counts, in seconds since 1970.
const EPOCH: i64 = datetime!(2000-01-01 00:00 UTC).unix_timestamp();

/// About so many bytes are sent at once.
const CHUNK: usize = 64 * 1024;

/// Rows that are not sent yet.
pub(super) struct Rows(Vec<u8>);

impl Rows {
    pub(super) fn new() -> Self {
        let mut bytes = Self::buffer();
        bytes.extend_from_slice(HEADER);
        Self(bytes)
    }

    /// With room for one more row of the longest.
    fn buffer() -> Vec<u8> {
        Vec::with_capacity(CHUNK + 8 * 1024)
    }

    pub(super) fn push(&mut self, click: &Click) {
        self.0.extend_from_slice(&COLUMNS);
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

    fn optional(&mut self, bytes: Option<impl AsRef<[u8]>>) {
        match bytes {
            Some(bytes) => self.value(bytes.as_ref()),
            None => self.0.extend_from_slice(&NULL),
        }
    }

    /// The length and the bytes. No value of a click is anywhere near 2 GB; the server would refuse
    /// it.
    fn value(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// What is to be sent now, if it is worth it.
    pub(super) fn take_full(&mut self) -> Option<Cursor<Vec<u8>>> {
        (self.0.len() >= CHUNK).then(|| Cursor::new(std::mem::replace(&mut self.0, Self::buffer())))
    }

    /// What is left.
    pub(super) fn finish(mut self) -> Cursor<Vec<u8>> {
        self.0.extend_from_slice(&TRAILER);
        Cursor::new(self.0)
    }
}

/// Microseconds since 2000, cut.
fn timestamp(at: OffsetDateTime) -> i64 {
    let at = at.to_offset(UtcOffset::UTC);
    (at.unix_timestamp() - EPOCH) * 1_000_000 + i64::from(at.microsecond())
}

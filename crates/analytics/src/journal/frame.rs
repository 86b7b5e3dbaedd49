//! The bytes of a segment: a header, then one frame per record. This module does no I/O.
//!
//! | part | bytes | contents, numbers little-endian |
//! | --- | --- | --- |
//! | header | 8 | `WAYPOSTJ` |
//! | | 4 | version of the format, 1 |
//! | | 8 | position of the first record: the number of records of the journal before it |
//! | | 4 | CRC-32 of the 20 bytes before |
//! | frame | 4 | length of the record, 1 to 8,192 |
//! | | 4 | CRC-32 over the record's position (8 bytes), its length (4 bytes) and the record |
//! | | n | the record |
//!
//! The checksum covers the position, so that a record in the wrong place, because a block of the
//! disk was lost or repeated, is not accepted. Reading does not depend on an undamaged header: the
//! file name has the position, and each frame proves it.

mod recovery;

pub(super) use recovery::{Resumed, extent, records, resume};

use super::record::MAX_RECORD;

const MAGIC: [u8; 8] = *b"WAYPOSTJ";
const VERSION: u32 = 1;
/// Length of a header in bytes.
pub(super) const HEADER: usize = 24;
/// Length of the prefix of each record in bytes.
pub(super) const PREFIX: usize = 8;

/// Returns the header of a segment whose first record has this position.
pub(super) fn header(base: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    let mut fields = Vec::with_capacity(HEADER);
    fields.extend_from_slice(&MAGIC);
    fields.extend_from_slice(&VERSION.to_le_bytes());
    fields.extend_from_slice(&base.to_le_bytes());
    fields.extend_from_slice(&crc32fast::hash(&fields).to_le_bytes());
    bytes.copy_from_slice(&fields);
    bytes
}

/// Whether these bytes are the header of another format version, whose segments this program must
/// not touch. A damaged header is not another version.
pub(super) fn is_of_another_version(bytes: &[u8]) -> bool {
    let header: Option<&[u8; HEADER]> = bytes.first_chunk();
    let Some((fields, checksum)) = header.and_then(|header| header.split_last_chunk::<4>()) else {
        return false;
    };
    let Some((magic, rest)) = fields.split_first_chunk::<8>() else {
        return false;
    };
    *magic == MAGIC
        && u32::from_le_bytes(*checksum) == crc32fast::hash(fields)
        && !rest.starts_with(&VERSION.to_le_bytes())
}

/// Appends a frame to `bytes`; `write` appends the record.
pub(super) fn write(bytes: &mut Vec<u8>, position: u64, write: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    lay(bytes, write);
    seal(
        bytes.get_mut(start..).unwrap_or_default(),
        position,
        usize::MAX,
    );
}

/// Appends an unsealed frame, whose position is not known yet.
pub(super) fn lay(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; PREFIX]);
    write(bytes);
    let frame = bytes.get_mut(start..).unwrap_or_default();
    // The record is at most 8 KiB long.
    let record = frame.len().saturating_sub(PREFIX);
    let length = u32::try_from(record).unwrap_or(0).to_le_bytes();
    if let Some(place) = frame.first_chunk_mut() {
        *place = length;
    }
}

/// Seals unsealed frames, up to `room` bytes. The first gets the position `first`. Returns the
/// sealed frames.
pub(super) fn seal(frames: &mut [u8], first: u64, room: usize) -> Good {
    let mut sealed = Good::default();
    while let Some((length, rest)) = frames
        .get_mut(sealed.bytes..)
        .and_then(<[u8]>::split_first_chunk_mut::<4>)
        && let Some(size) = size(*length)
        && let Some((stored, rest)) = rest.split_first_chunk_mut::<4>()
        && let Some(record) = rest.get(..size)
    {
        let end = sealed.bytes.saturating_add(PREFIX).saturating_add(size);
        if end > room {
            break;
        }
        let position = first.wrapping_add(sealed.records);
        *stored = checksum(position, *length, record).to_le_bytes();
        sealed.records += 1;
        sealed.bytes = end;
    }
    sealed
}

fn checksum(position: u64, length: [u8; 4], record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&position.to_le_bytes());
    hasher.update(&length);
    hasher.update(record);
    hasher.finalize()
}

/// What a range of bytes of a segment begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A complete record. The frame has [`PREFIX`] bytes more.
    Record(&'a [u8]),
    /// The beginning of a frame, or nothing.
    Incomplete,
    /// Something else.
    Damaged,
}

/// Returns the length of a record, if these bytes are a valid one.
fn size(length: [u8; 4]) -> Option<usize> {
    let size = usize::try_from(u32::from_le_bytes(length)).ok()?;
    (1..=MAX_RECORD).contains(&size).then_some(size)
}

/// Reads the frame of the record at `position` at the beginning of `bytes`.
pub(super) fn read(bytes: &[u8], position: u64) -> Frame<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Frame::Incomplete;
    };
    let Some(size) = size(*length) else {
        return Frame::Damaged;
    };
    let Some((stored, rest)) = rest.split_first_chunk::<4>() else {
        return Frame::Incomplete;
    };
    let Some(record) = rest.get(..size) else {
        return Frame::Incomplete;
    };
    if u32::from_le_bytes(*stored) == checksum(position, *length, record) {
        Frame::Record(record)
    } else {
        Frame::Damaged
    }
}

/// The good records at the beginning of a segment's frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Good {
    /// Number of records.
    pub(super) records: u64,
    /// Number of bytes of their frames.
    pub(super) bytes: usize,
}

/// Counts the good records of `frames`, the first of which has the position `base`.
pub(super) fn count(frames: &[u8], base: u64) -> Good {
    let mut good = Good::default();
    while let Some(rest) = frames.get(good.bytes..)
        && let Frame::Record(record) = read(rest, base.wrapping_add(good.records))
    {
        good.records += 1;
        good.bytes += PREFIX + record.len();
    }
    good
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(records: &[Vec<u8>], base: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (position, record) in (base..).zip(records) {
            write(&mut bytes, position, |bytes| {
                bytes.extend_from_slice(record);
            });
        }
        bytes
    }

    /// Reads records up to the first that is not good.
    fn read_all(bytes: &[u8], base: u64) -> Vec<Vec<u8>> {
        let (mut rest, mut found) = (bytes, Vec::new());
        while let Frame::Record(record) = read(rest, base + found.len() as u64) {
            found.push(record.to_vec());
            rest = &rest[PREFIX + record.len()..];
        }
        found
    }

    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20)
    }

    #[test]
    fn a_header_of_another_version_is_recognised_and_damage_is_none() {
        assert!(!is_of_another_version(&header(7)));
        for bit in 0..HEADER * 8 {
            let mut bytes = header(7);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_of_another_version(&bytes), "bit {bit}");
        }
        let mut bytes = header(7);
        bytes[8] = 2;
        let checksum = crc32fast::hash(&bytes[..20]).to_le_bytes();
        bytes[20..].copy_from_slice(&checksum);
        assert!(is_of_another_version(&bytes));
        assert!(!is_of_another_version(&bytes[..HEADER - 1]));
    }

    proptest! {
        #[test]
        fn records_are_read_as_they_were_written(records in records(), base in 0..u64::MAX / 2) {
            let bytes = frames(&records, base);
            prop_assert_eq!(read_all(&bytes, base), records.clone());
            let good = count(&bytes, base);
            prop_assert_eq!(good.records, records.len() as u64);
            prop_assert_eq!(good.bytes, bytes.len());
        }

        #[test]
        fn a_torn_tail_costs_only_the_record_that_is_torn(
            records in records(),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = frames(&records, 7);
            let torn = &bytes[..cut.index(bytes.len() + 1)];
            let read = read_all(torn, 7);
            prop_assert_eq!(&read, &records[..read.len()]);
            let whole = frames(&records[..read.len()], 7).len();
            prop_assert!(whole <= torn.len());
            if let Some(next) = records.get(read.len()) {
                prop_assert!(torn.len() < whole + PREFIX + next.len());
            }
        }

        #[test]
        fn a_flipped_bit_never_makes_a_wrong_record(
            records in records().prop_filter("something to damage", |records| !records.is_empty()),
            bit in any::<prop::sample::Index>(),
        ) {
            let mut bytes = frames(&records, 7);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = read_all(&bytes, 7);
            prop_assert!(read.len() < records.len());
            prop_assert_eq!(&read, &records[..read.len()]);
        }

        #[test]
        fn a_record_in_the_wrong_place_is_not_taken_for_another(
            records in records().prop_filter("at least two records", |records| records.len() > 1),
        ) {
            let bytes = frames(&records, 7);
            let behind_the_first = &bytes[PREFIX + records[0].len()..];
            prop_assert_eq!(read(behind_the_first, 7), Frame::Damaged);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = is_of_another_version(&bytes);
            let good = count(&bytes, 0);
            prop_assert!(good.bytes <= bytes.len());
        }
    }
}

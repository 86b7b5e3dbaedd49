//! Reading past damage: finds the next good frame.
//!
//! Lengths do not lead there, because any of them may be damaged. Checksums do: a checksum covers the
//! record's position, and CRC-32 can be computed backwards, so each place that may be a frame reveals
//! the position it was written for. It is a frame when that position is expected and the record can be
//! read.
//!
//! A good frame may still be in the wrong place, because a disk wrote a block where another one belongs.
//! A position too far ahead to be plausible is therefore compared with what follows: reading goes on
//! where the most records can be read.

use std::ops::Range;

use super::{Frame, Good, PREFIX, checksum, count, read, size};
use crate::journal::record::{self, MAX_RECORD, MIN_RECORD};

/// Length of the shortest frame, in bytes.
const MIN_FRAME: usize = PREFIX + MIN_RECORD;
/// Maximum number of positions that a frame may be ahead when the end of the segment is not known: more
/// than the number of records in the longest segment.
const MAX_AHEAD: u64 = 1 << 18;
/// Number of bytes searched for a better frame after one that is not plausible.
const DOUBT: usize = 256 * 1_024;

/// A good frame found after damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Resumed {
    /// The number of bytes before it.
    pub(in crate::journal) offset: usize,
    /// The position of its record.
    pub(in crate::journal) position: u64,
}

/// Returns the next good frame in `bytes` whose record has one of `positions`; the first of these is the
/// position expected at the beginning of `bytes`.
pub(in crate::journal) fn resume(bytes: &[u8], positions: &Range<u64>) -> Option<Resumed> {
    let mut runs: Vec<Run> = Vec::new();
    let mut offset = 0;
    let mut end = bytes.len();
    while offset < end
        && let Some(rest) = bytes.get(offset..)
    {
        let Some(position) = position_of(rest, positions) else {
            offset += 1;
            continue;
        };
        let start = Resumed { offset, position };
        // The maximum number of records that the bytes before can have held.
        let plausible = u64::try_from(offset / MIN_FRAME + 1).unwrap_or(u64::MAX);
        if runs.is_empty() && position.saturating_sub(positions.start) <= plausible {
            return Some(start);
        }
        if runs.is_empty() {
            end = end.min(offset.saturating_add(DOUBT));
        }
        let Good { records, bytes } = count(rest, position);
        runs.push(Run {
            start,
            records,
            reachable: 0,
        });
        offset += bytes.max(1);
    }
    most_reachable(runs)
}

/// Good frames in a row.
struct Run {
    start: Resumed,
    records: u64,
    /// The maximum number of records that can be read from here on.
    reachable: u64,
}

/// Returns the start of the run from which the most records can be read, in the order of their
/// positions.
fn most_reachable(mut runs: Vec<Run>) -> Option<Resumed> {
    let mut best: Option<Run> = None;
    let mut later: Vec<Run> = Vec::with_capacity(runs.len());
    while let Some(mut run) = runs.pop() {
        let end = run.start.position.saturating_add(run.records);
        // Of a run that begins before this one ends, the rest can be read.
        let after = later.iter().map(|next| {
            let twice = end.saturating_sub(next.start.position);
            next.reachable.saturating_sub(twice)
        });
        let reachable = after.max().unwrap_or(0);
        run.reachable = run.records.saturating_add(reachable);
        later.push(run);
    }
    // The last of these is the first in the file and wins a tie.
    for run in later {
        if best
            .as_ref()
            .is_none_or(|best| run.reachable >= best.reachable)
        {
            best = Some(run);
        }
    }
    best.map(|run| run.start)
}

/// Returns the position that the frame at the beginning of `bytes` was sealed for, when it is one of
/// `positions`.
fn position_of(bytes: &[u8], positions: &Range<u64>) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let size = size(*length).filter(|size| *size >= MIN_RECORD)?;
    let (stored, rest) = rest.split_first_chunk::<4>()?;
    let record = rest.get(..size)?;
    // This rejects nearly everything, and takes less time than a checksum.
    record::read(record)?;
    // The checksum without the position starts from a register of zeros.
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(length);
    hasher.update(record);
    let register = u32::from_le_bytes(*stored) ^ hasher.finalize();
    // Go back over the record, its length and the upper half of the position.
    let register = back(register, size.saturating_add(8));
    [positions.start, positions.end]
        .into_iter()
        .map(|near| {
            let [.., a, b, c, d] = near.to_le_bytes();
            let upper = u32::from_le_bytes([a, b, c, d]);
            let lower = back(register ^ upper, 4) ^ u32::MAX;
            (u64::from(upper) << 32) | u64::from(lower)
        })
        .find(|position| positions.contains(position))
}

/// The polynomial of CRC-32. Bits are reflected: the highest bit belongs to the lowest power.
const POLYNOMIAL: u32 = 0xEDB8_8320;
/// The inverse of x^8. Multiplying a register by it takes back one byte of zeros.
const BACK_ONE_BYTE: u32 = {
    let (mut register, mut bit) = (1 << 31, 0);
    while bit < 8 {
        register = if register & (1 << 31) == 0 {
            register << 1
        } else {
            ((register ^ POLYNOMIAL) << 1) | 1
        };
        bit += 1;
    }
    register
};

/// Returns what a register was before `bytes` zeros.
fn back(mut register: u32, mut bytes: usize) -> u32 {
    let mut factor = BACK_ONE_BYTE;
    while bytes > 0 {
        if bytes & 1 == 1 {
            register = multiply(register, factor);
        }
        factor = multiply(factor, factor);
        bytes >>= 1;
    }
    register
}

/// Multiplies two polynomials modulo the polynomial of CRC-32.
fn multiply(one: u32, mut other: u32) -> u32 {
    let mut product = 0;
    for power in (0..u32::BITS).rev() {
        if (one >> power) & 1 == 1 {
            product ^= other;
        }
        other = (other >> 1) ^ if other & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    product
}

/// Iterates over the good records of a segment and passes over damage.
pub(in crate::journal) struct Records<'a> {
    rest: &'a [u8],
    /// The number of bytes before `rest`.
    offset: usize,
    /// The position of the next record.
    position: u64,
}

/// A good record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Placed<'a> {
    pub(in crate::journal) position: u64,
    /// The number of bytes before its frame.
    pub(in crate::journal) offset: usize,
    pub(in crate::journal) record: &'a [u8],
}

/// Returns the good records of `frames`; the first record was written for the position `base`.
pub(in crate::journal) const fn records(frames: &[u8], base: u64) -> Records<'_> {
    Records {
        rest: frames,
        offset: 0,
        position: base,
    }
}

impl Records<'_> {
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.offset = self.offset.saturating_add(bytes);
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Placed<'a>;

    fn next(&mut self) -> Option<Placed<'a>> {
        let record = if let Frame::Record(record) = read(self.rest, self.position) {
            record
        } else {
            let positions = self.position..self.position.saturating_add(MAX_AHEAD);
            let resumed = resume(self.rest, &positions)?;
            self.skip(resumed.offset);
            self.position = resumed.position;
            let Frame::Record(record) = read(self.rest, self.position) else {
                return None;
            };
            record
        };
        let placed = Placed {
            position: self.position,
            offset: self.offset,
            record,
        };
        self.skip(PREFIX.saturating_add(record.len()));
        self.position = self.position.wrapping_add(1);
        Some(placed)
    }
}

/// Returns how far the records of `frames` reach, damaged ones included; the first record was written
/// for the position `base`. After them comes the beginning of a record, zeros, or nothing.
pub(in crate::journal) fn extent(frames: &[u8], base: u64) -> Good {
    let mut all = records(frames, base);
    while all.next().is_some() {}
    let before = Good {
        records: all.position.wrapping_sub(base),
        bytes: all.offset,
    };
    let damaged = damaged(all.rest, all.position, before);
    Good {
        records: before.records.saturating_add(damaged.records),
        bytes: before.bytes.saturating_add(damaged.bytes),
    }
}

/// Counts the damaged records at the end of a segment. The first one has the position `position`;
/// `before` is everything before it.
///
/// Their lengths tell how many there are. When a length is damaged, the number is estimated from the
/// mean length of the records before, and is at least one.
fn damaged(end: &[u8], position: u64, before: Good) -> Good {
    let mut walked = Good::default();
    loop {
        let rest = end.get(walked.bytes..).unwrap_or_default();
        let next = position.wrapping_add(walked.records);
        // A power failure leaves zeros where nothing was written to the disk.
        let Some(length) = rest.first_chunk().filter(|_| !is_zero(rest)) else {
            return walked;
        };
        let bytes = if is_whole_but_for_its_length(rest, next) {
            rest.len()
        } else if let Some(size) = size(*length) {
            PREFIX.saturating_add(size)
        } else {
            return estimated(end, before);
        };
        if bytes > rest.len() {
            // A record that was not written completely.
            return walked;
        }
        walked.records += 1;
        walked.bytes = walked.bytes.saturating_add(bytes);
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Whether `rest` is exactly one frame of which only the length is damaged.
fn is_whole_but_for_its_length(rest: &[u8], position: u64) -> bool {
    let prefix = rest.split_first_chunk::<PREFIX>();
    let Some(([_, _, _, _, stored @ ..], record)) = prefix else {
        return false;
    };
    let length = u32::try_from(record.len()).unwrap_or(0).to_le_bytes();
    (1..=MAX_RECORD).contains(&record.len())
        && u32::from_le_bytes(*stored) == checksum(position, length, record)
}

/// Estimates how many records the damaged bytes held. Zeros at their end held none.
fn estimated(damaged: &[u8], before: Good) -> Good {
    let last = damaged.iter().rposition(|byte| *byte != 0);
    let written = last.map_or(0, |last| last.saturating_add(1));
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let mean = wide(before.bytes).checked_div(before.records).unwrap_or(0);
    let rounded = wide(written).saturating_add(mean / 2);
    Good {
        records: rounded.checked_div(mean).unwrap_or(0).max(1),
        bytes: damaged.len(),
    }
}

#[cfg(test)]
#[expect(
    clippy::as_conversions,
    reason = "test code: its lengths and numbers fit everywhere"
)]
mod tests;

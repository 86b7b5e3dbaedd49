use proptest::prelude::*;
use proptest::sample::Index;
use time::OffsetDateTime;
use uuid::Uuid;
use waypost_core::{ClickId, LinkId, SeededRandom};

use super::*;
use crate::journal::ClickRecord;
use crate::journal::frame::write;

/// Returns the record of a click that is identified by its number.
fn record(number: u64, user_agent: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let user_agent = "x".repeat(user_agent);
    let click = ClickRecord {
        id: ClickId::from_uuid(Uuid::from_u128(number.into())),
        link_id: LinkId::from_uuid(Uuid::from_u128(1 << 80)),
        clicked_at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_772_000_000),
        day: time::macros::date!(2026 - 03 - 01),
        ip_hash: None,
        session: None,
        country: None,
        class: None,
        user_agent: user_agent.as_bytes(),
        referrer: b"",
    };
    click.write(&mut bytes);
    bytes
}

/// Frames, with the beginning and end of each.
struct Written {
    base: u64,
    records: Vec<Vec<u8>>,
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

fn written(base: u64, user_agents: &[usize]) -> Written {
    let mut written = Written {
        base,
        records: Vec::new(),
        bytes: Vec::new(),
        places: Vec::new(),
    };
    for (position, user_agent) in (base..).zip(user_agents) {
        let record = record(position, *user_agent);
        let start = written.bytes.len();
        write(&mut written.bytes, position, |bytes| {
            bytes.extend_from_slice(&record);
        });
        written.places.push(start..written.bytes.len());
        written.records.push(record);
    }
    written
}

impl Written {
    /// Reads the records of damaged frames, asserts that each is unchanged, and returns their
    /// indices.
    fn read(&self, damaged: &[u8]) -> Vec<usize> {
        let read = records(damaged, self.base).map(|placed| {
            let index = usize::try_from(placed.position - self.base).unwrap();
            assert_eq!(placed.record, self.records[index], "{index}");
            index
        });
        let read = read.collect::<Vec<_>>();
        assert!(read.is_sorted_by(|one, next| one < next), "{read:?}");
        read
    }

    fn all_but(&self, missing: &[usize]) -> Vec<usize> {
        let all = 0..self.records.len();
        all.filter(|index| !missing.contains(index)).collect()
    }
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip(Index, u8),
    Zero(Index, usize),
    Remove(Index, usize),
    /// Some bytes are repeated.
    Repeat(Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = || (any::<Index>(), 1..600_usize);
    prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => place().prop_map(|(at, length)| Damage::Zero(at, length)),
        1 => place().prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => place().prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

/// A byte, and where it was written, unless it was changed.
type Traced = (u8, Option<usize>);

impl Damage {
    fn is_done_to(self, bytes: &mut Vec<Traced>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let range = |at: Index, wanted: usize| {
            let start = at.index(length);
            start..length.min(start + wanted)
        };
        match self {
            Self::Flip(at, bit) => {
                let (byte, place) = &mut bytes[at.index(length)];
                *byte ^= 1 << bit;
                *place = None;
            }
            Self::Zero(at, wanted) => bytes[range(at, wanted)].fill((0, None)),
            Self::Remove(at, wanted) => drop(bytes.drain(range(at, wanted))),
            Self::Repeat(at, wanted) => {
                let range = range(at, wanted);
                let copy = bytes[range.clone()].iter().map(|(byte, _)| (*byte, None));
                let copy = copy.collect::<Vec<_>>();
                bytes.splice(range.end..range.end, copy);
            }
        }
    }
}

fn damaged_by(written: &Written, damages: &[Damage]) -> Vec<Traced> {
    let places = (0..).map(Some);
    let mut bytes: Vec<Traced> = written.bytes.iter().copied().zip(places).collect();
    for damage in damages {
        damage.is_done_to(&mut bytes);
    }
    bytes
}

/// Returns the indices of the records whose frames are intact.
fn intact(written: &Written, bytes: &[Traced]) -> Vec<usize> {
    let places: Vec<_> = bytes.iter().filter_map(|(_, place)| *place).collect();
    let is_intact = |frame: &Range<usize>| {
        let frame: Vec<_> = frame.clone().map(Some).collect();
        let start = places.binary_search(&frame[0].unwrap());
        let _ = start.ok()?;
        let at = bytes.iter().position(|(_, place)| *place == frame[0])?;
        let there = bytes.get(at..at + frame.len())?;
        there
            .iter()
            .map(|(_, place)| place)
            .eq(&frame)
            .then_some(())
    };
    let frames = written.places.iter().enumerate();
    frames
        .filter(|(_, frame)| is_intact(frame).is_some())
        .map(|(index, _)| index)
        .collect()
}

proptest! {
    #[test]
    fn a_frame_tells_its_position(
        position in any::<u64>(),
        before in 0..1_000_u64,
        after in 1..1_000_u64,
        user_agent in 0..600_usize,
    ) {
        let frame = written(position, &[user_agent]).bytes;
        let positions = position.saturating_sub(before)..position.saturating_add(after);
        prop_assume!(positions.contains(&position));
        prop_assert_eq!(position_of(&frame, &positions), Some(position));
        let later = positions.end..positions.end.saturating_add(1_000);
        prop_assert_eq!(position_of(&frame, &later), None);
    }

    #[test]
    fn every_undamaged_record_is_read_and_all_others_are_counted(
        base in prop_oneof![Just(0), 0..u64::MAX / 2, Just(u64::from(u32::MAX) - 20)],
        user_agents in prop::collection::vec(0..200_usize, 1..60),
        damages in prop::collection::vec(damage(), 0..8),
    ) {
        let written = written(base, &user_agents);
        let bytes = damaged_by(&written, &damages);
        let intact = intact(&written, &bytes);
        let bytes: Vec<u8> = bytes.into_iter().map(|(byte, _)| byte).collect();
        let read = written.read(&bytes);
        for index in intact {
            prop_assert!(read.contains(&index), "{} of {:?}", index, read);
        }
        let extent = extent(&bytes, base);
        let last = read.last().map_or(0, |last| last + 1);
        prop_assert!(extent.records >= last as u64);
        prop_assert!(extent.bytes <= bytes.len());
        // The removed bytes have no influence.
        prop_assert_eq!(super::extent(&bytes[..extent.bytes], base), extent);
    }

    #[test]
    fn wherever_the_last_record_is_torn_it_is_not_counted_and_those_before_are(
        user_agents in prop::collection::vec(0..200_usize, 1..10),
        cut in any::<Index>(),
        zeros in 0..5_000_usize,
    ) {
        let mut written = written(7, &user_agents);
        let last = written.places.last().unwrap().clone();
        let cut = last.start + cut.index(last.len());
        written.bytes.truncate(cut);
        prop_assert_eq!(extent(&written.bytes, 7).bytes, last.start);
        prop_assert_eq!(extent(&written.bytes, 7).records, user_agents.len() as u64 - 1);
        // What was never written to the disk is not counted.
        written.bytes.truncate(last.start);
        written.bytes.resize(last.start + zeros, 0);
        prop_assert_eq!(extent(&written.bytes, 7).records, user_agents.len() as u64 - 1);
        prop_assert_eq!(extent(&written.bytes, 7).bytes, last.start);
    }

    #[test]
    fn any_bytes_are_passed_without_a_panic(
        bytes in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..300),
        base in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
    ) {
        let read = records(&bytes, base).count() as u64;
        let extent = extent(&bytes, base);
        prop_assert!(read <= extent.records && extent.bytes <= bytes.len());
    }
}

#[test]
fn one_flipped_bit_costs_one_record_also_at_the_end() {
    let written = written(3, &[10, 0, 40, 17, 25]);
    for (index, frame) in written.places.iter().enumerate() {
        for bit in frame.start * 8..frame.end * 8 {
            let mut bytes = written.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(written.read(&bytes), written.all_but(&[index]), "bit {bit}");
            let all = Good {
                records: 5,
                bytes: bytes.len(),
            };
            assert_eq!(extent(&bytes, 3), all, "bit {bit}");
        }
    }
}

#[test]
fn a_block_that_was_written_to_the_wrong_place_costs_only_what_was_there() {
    const BLOCK: usize = 4_096;
    let written = written(0, &[12; 1_000]);
    for (from, to) in [(1, 7), (7, 1), (4, 5), (5, 4), (0, 14), (14, 0)] {
        let mut bytes = written.bytes.clone();
        let (from, to) = (from * BLOCK, to * BLOCK);
        bytes.copy_within(from..from + BLOCK, to);
        let there = |frame: &Range<usize>| frame.end > to && frame.start < to + BLOCK;
        let places = written.places.iter().enumerate();
        let missing: Vec<_> = places
            .filter(|(_, frame)| there(frame))
            .map(|(index, _)| index)
            .collect();
        assert_eq!(
            written.read(&bytes),
            written.all_but(&missing),
            "{from} {to}"
        );
        assert_eq!(extent(&bytes, 0).records, 1_000);
    }
}

#[test]
fn a_repeated_block_costs_nothing_even_where_the_records_before_it_are_missing() {
    let written = written(0, &[12; 60]);
    let places = &written.places;
    let mut bytes = written.bytes[places[5].start..places[7].end].to_vec();
    bytes.extend_from_slice(&written.bytes[places[6].start..]);
    assert_eq!(written.read(&bytes), (5..60).collect::<Vec<_>>());
    assert_eq!(extent(&bytes, 0).records, 60);
}

#[test]
fn damaged_records_at_the_end_are_counted_by_their_lengths_or_estimated() {
    let written = written(0, &[10; 20]);
    let frame = written.places[0].len();
    let counted = |meddle: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = written.bytes.clone();
        meddle(&mut bytes);
        extent(&bytes, 0).records
    };
    let last = |records: usize| (20 - records) * frame;
    let flip_records = |bytes: &mut Vec<u8>| {
        for index in 17..20 {
            bytes[index * frame + 20] ^= 1;
        }
    };
    assert_eq!(counted(&flip_records), 20);
    let flip_and_tear = |bytes: &mut Vec<u8>| {
        flip_records(bytes);
        bytes.truncate(last(1) + 30);
    };
    assert_eq!(counted(&flip_and_tear), 19);
    let garbage = |bytes: &mut Vec<u8>| bytes[last(3)..].fill(0xEE);
    assert_eq!(counted(&garbage), 20);
    let garbage_and_zeros = |bytes: &mut Vec<u8>| {
        garbage(bytes);
        bytes.extend_from_slice(&[0; 9_000]);
    };
    assert_eq!(counted(&garbage_and_zeros), 20);
    // Their lengths are unknown.
    assert_eq!(counted(&|bytes| bytes.fill(0xEE)), 1);
    assert_eq!(counted(&|bytes| bytes.fill(0)), 0);
}

#[test]
fn garbage_and_zeros_hold_no_record() {
    let random = SeededRandom::new(1);
    let mut bytes = vec![0; 1_024 * 1_024];
    assert_eq!(resume(&bytes, &(0..u64::MAX)), None);
    waypost_core::Random::fill(&random, &mut bytes);
    assert_eq!(resume(&bytes, &(0..MAX_AHEAD)), None);
}

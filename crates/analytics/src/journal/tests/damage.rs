//! Tests of damaged files.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const FRAME: usize = 67;
const HEADER: usize = 24;

#[test]
fn a_torn_tail_costs_only_the_record_that_is_torn_wherever_it_is_torn() {
    let appended = 12;
    let last = HEADER + 4 * FRAME;
    for length in 0..=last {
        let desk = Desk::new();
        desk.append_all(0..appended);
        let desk = desk.restart_after(|directory| {
            let path = files(directory).pop().unwrap();
            let file = File::options().write(true).open(path).unwrap();
            assert_eq!(file.metadata().unwrap().len(), last as u64);
            file.set_len(length as u64).unwrap();
        });
        let whole = PER_SEGMENT + (length.saturating_sub(HEADER) / FRAME) as u64;
        desk.read().is(0..whole);
        // The next records replace the incomplete one.
        desk.append_all(whole..whole + 3);
        desk.restart().read().is(0..whole + 3);
    }
}

/// Changes one byte of a segment.
fn damage(directory: &Path, segment: usize, at: usize) {
    let path = &files(directory)[segment];
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x55;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn after_a_damaged_byte_reading_goes_on_and_what_is_missing_is_counted_exactly() {
    for at in 0..HEADER + 8 * FRAME {
        let desk = Desk::new();
        desk.append_all(0..20);
        let desk = desk.restart_after(|directory| damage(directory, 1, at));
        let read = desk.read();
        let missing = at
            .checked_sub(HEADER)
            .map(|at| PER_SEGMENT + (at / FRAME) as u64);
        let unreadable = u64::from(missing.is_some());
        assert_eq!(read.dropped.unreadable, unreadable, "byte {at}");
        assert_eq!(read.dropped.total(), unreadable, "byte {at}");
        let expected: Vec<_> = (0..20).filter(|number| Some(*number) != missing).collect();
        assert_eq!(read.numbers, expected, "byte {at}");
        assert_eq!(read.end, 20);
    }
}

#[test]
fn damage_in_the_last_segment_is_counted_also_after_a_restart_and_costs_nothing_else() {
    for at in HEADER..HEADER + 4 * FRAME {
        let desk = Desk::new();
        desk.append_all(0..4);
        let desk = desk.restart_after(|directory| damage(directory, 0, at));
        assert_eq!(desk.journal.pending(), 4, "byte {at}");
        let status = JournalStatus::read(desk.temporary.path(), 0)
            .unwrap()
            .unwrap();
        assert_eq!(status.pending(0).clicks, 4, "byte {at}");
        assert_eq!(status.segments[0].records, 3, "byte {at}");
        assert_eq!(status.segments[0].bad_bytes, FRAME as u64, "byte {at}");
        // The next records follow it.
        desk.append_all(4..6);
        let desk = desk.restart();
        let read = desk.read();
        let missing = ((at - HEADER) / FRAME) as u64;
        let expected: Vec<_> = (0..6).filter(|number| *number != missing).collect();
        assert_eq!((read.numbers, read.dropped.unreadable), (expected, 1));
    }
}

#[test]
fn reading_can_begin_after_damage_or_within_it() {
    let desk = Desk::new();
    desk.append_all(0..8);
    for index in [2, 3, 6] {
        damage(desk.temporary.path(), 0, HEADER + index * FRAME);
    }
    for start in 0..8 {
        let read = read(&desk.journal, start);
        let good = [0, 1, 4, 5, 7].into_iter();
        let expected: Vec<_> = good.filter(|number| *number >= start).collect();
        assert_eq!(read.dropped.unreadable, 8 - start - expected.len() as u64);
        assert_eq!(read.numbers, expected);
    }
}

#[test]
fn clicks_are_appended_after_damage_in_the_segment_that_is_written_to() {
    for damaged in 1..4 {
        let desk = Desk::new();
        desk.append_all(0..4);
        damage(desk.temporary.path(), 0, HEADER + damaged * FRAME);
        let mut cursor = Cursor::new(0);
        let mut all = Read::default();
        assert!(all.take(cursor.read(&desk.journal, 1).unwrap()));
        desk.append_all(4..5);
        while all.take(cursor.read(&desk.journal, 1).unwrap()) {}
        desk.append_all(5..7);
        while all.take(cursor.read(&desk.journal, 1).unwrap()) {}
        let expected: Vec<_> = (0..7).filter(|number| *number != damaged as u64).collect();
        assert_eq!((&all.numbers, all.dropped.total()), (&expected, 1));
        assert_eq!(desk.files().len(), 1);
        let read = desk.restart().read();
        assert_eq!((read.numbers, read.dropped.total()), (expected, 1));
    }
}

#[test]
fn damage_longer_than_what_is_read_at_once_is_passed() {
    let desk = Desk::with(JournalSettings {
        max_bytes: 64 * 1_024 * 1_024,
        ..SETTINGS
    });
    desk.append_all(0..20_000);
    let path = desk.files().remove(0);
    let file = File::options().write(true).open(path).unwrap();
    // From inside one record to inside another.
    let (from, to) = (500 * FRAME + 30, 19_500 * FRAME + 30);
    let garbage = vec![0xEE; to - from];
    file.write_all_at(&garbage, (HEADER + from) as u64).unwrap();
    let read = desk.read();
    assert_eq!(read.dropped.total(), 19_001);
    let expected: Vec<_> = (0..500).chain(19_501..20_000).collect();
    assert_eq!(read.numbers, expected);
    assert_eq!(desk.restart().read(), read);
}

#[test]
fn a_segment_that_vanished_costs_only_its_own_records() {
    let desk = Desk::new();
    desk.append_all(0..20);
    std::fs::remove_file(&desk.files()[1]).unwrap();
    let mut cursor = Cursor::new(0);
    // Records before it are returned first.
    let records = cursor.read(&desk.journal, 100).unwrap();
    assert_eq!(records.clicks.len(), 8);
    let error = cursor.read(&desk.journal, 100).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let passed = cursor.pass_over(&desk.journal);
    assert_eq!((passed.start, passed.dropped.unreadable), (8, 8));
    let rest = cursor.read(&desk.journal, 100).unwrap();
    assert_eq!((rest.start, rest.clicks.len()), (16, 4));
}

#[test]
fn a_segment_that_becomes_shorter_is_read_up_to_where_it_ends() {
    let desk = Desk::new();
    desk.append_all(0..20);
    let file = File::options().write(true).open(&desk.files()[1]).unwrap();
    file.set_len((HEADER + 3 * FRAME + 5) as u64).unwrap();
    let read = desk.read();
    assert_eq!(read.dropped.unreadable, 5);
    let expected: Vec<_> = (0..11).chain(16..20).collect();
    assert_eq!(read.numbers, expected);
}

#[test]
fn a_segment_that_is_no_file_is_passed_over() {
    let desk = Desk::new();
    desk.append_all(0..20);
    let desk = desk.restart_after(|directory| {
        let path = files(directory).remove(1);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
    });
    let read = desk.read();
    assert_eq!(read.dropped.unreadable, 8);
    assert_eq!(read.numbers.len(), 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_segment_looks_from_outside_as_it_is_read(
        records in 1..16_u8,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..8),
        end in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..40),
    ) {
        let mut bytes = fuzzing::segment(records);
        for (at, mask) in changes {
            let at = at.index(bytes.len());
            match mask % 8 {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, mask),
                _ => bytes[at] ^= mask,
            }
        }
        bytes.extend_from_slice(&end);
        let desk = Desk::new();
        desk.append_all(0..1);
        let desk = desk.restart_after(|directory| {
            std::fs::write(&files(directory)[0], &bytes).unwrap();
        });
        let status = JournalStatus::read(desk.temporary.path(), 0).unwrap().unwrap();
        let pending = desk.journal.pending();
        prop_assert_eq!(status.pending(0).clicks, pending);
        let Desk { temporary, journal, .. } = desk;
        drop(journal);
        let contents = fuzzing::read_journal(temporary.path()).unwrap();
        let expected = fuzzing::Contents {
            pending,
            read: status.segments[0].records,
            dropped: pending - status.segments[0].records,
        };
        prop_assert_eq!(contents, expected);
    }
}

//! Files that are not as they were written.

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
        // What comes next is not written behind the torn record.
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
fn behind_a_damaged_segment_reading_goes_on_and_what_is_missing_is_counted_exactly() {
    for at in 0..HEADER + 8 * FRAME {
        let desk = Desk::new();
        desk.append_all(0..20);
        let desk = desk.restart_after(|directory| damage(directory, 1, at));
        let read = desk.read();
        let missing = match at.checked_sub(HEADER) {
            None => 0,
            Some(at) => 8 - (at / FRAME) as u64,
        };
        assert_eq!(read.dropped.unreadable, missing, "byte {at}");
        assert_eq!(read.dropped.total(), missing, "byte {at}");
        let expected: Vec<_> = (0..16 - missing).chain(16..20).collect();
        assert_eq!(read.numbers, expected, "byte {at}");
        assert_eq!(read.end, 20);
    }
}

#[test]
fn a_damaged_record_of_the_last_segment_is_counted_also_after_a_restart() {
    // Not in the length of a record: where the next one begins is not known then.
    for at in (HEADER + FRAME + 4)..(HEADER + 2 * FRAME) {
        let desk = Desk::new();
        desk.append_all(0..4);
        let desk = desk.restart_after(|directory| damage(directory, 0, at));
        assert_eq!(desk.journal.pending(), 4);
        let read = desk.read();
        assert_eq!((read.numbers, read.dropped.unreadable), (vec![0], 3));
    }
}

#[test]
fn clicks_are_appended_while_the_segment_that_they_were_written_to_is_given_up() {
    let desk = Desk::new();
    desk.append_all(0..4);
    damage(desk.temporary.path(), 0, HEADER + FRAME + 20);
    let mut cursor = Cursor::new(0);
    let mut all = Read::default();
    assert!(all.take(cursor.read(&desk.journal, 1).unwrap()));
    desk.append_all(4..5);
    while all.take(cursor.read(&desk.journal, 1).unwrap()) {}
    assert_eq!((&all.numbers, all.dropped.unreadable), (&vec![0], 4));
    // Nothing is written behind the damage.
    desk.append_all(5..7);
    while all.take(cursor.read(&desk.journal, 1).unwrap()) {}
    assert_eq!(all.numbers, [0, 5, 6]);
    assert_eq!(all.dropped.total(), 4);
}

#[test]
fn a_segment_that_vanished_costs_only_its_own_records() {
    let desk = Desk::new();
    desk.append_all(0..20);
    std::fs::remove_file(&desk.files()[1]).unwrap();
    let mut cursor = Cursor::new(0);
    // What can be read before it comes first.
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

//! Tests of processes that end at any moment, and of the next process.

use super::*;

#[test]
fn nothing_is_lost_and_positions_go_on_at_whatever_moment_it_is_restarted() {
    let mut desk = Desk::new();
    let mut settled = 0;
    for number in 0..40 {
        assert_eq!(desk.append(number), Ok(number));
        desk = desk.restart();
        assert_eq!(desk.journal.end(), number + 1);
        desk.read().is(settled..number + 1);
        if number % 5 == 0 {
            settled = number;
            desk.settle(settled);
        }
        if number % 7 == 0 {
            settled = number + 1;
            desk.settle(settled);
            desk.tidy();
            desk = desk.restart();
            assert_eq!(desk.journal.end(), settled);
        }
    }
    assert_eq!(desk.journal.id(), NEW_ID);
}

#[test]
fn what_was_settled_and_not_deleted_is_deleted_at_the_next_start() {
    let mut desk = Desk::new();
    desk.append_all(0..20);
    // The database has the clicks, and the process ended before the response.
    desk.committed = 17;
    let desk = desk.restart();
    assert_eq!(desk.bases(), [16]);
    desk.read().is(17..20);
}

#[test]
fn a_tail_that_the_disk_lost_is_not_expected_when_the_database_has_it() {
    for kept in 0..20 {
        let mut desk = Desk::new();
        desk.append_all(0..20);
        desk.committed = 20;
        let desk = desk.restart_after(|directory| cut_to(directory, kept));
        assert_eq!((desk.journal.end(), desk.journal.pending()), (20, 0));
        desk.append_all(20..40);
        desk.read().is(20..40);
        let desk = desk.restart();
        desk.read().is(20..40);
    }
}

/// Truncates the last segment to a number of records.
fn cut_to(directory: &Path, records: u64) {
    for path in files(directory).into_iter().rev() {
        let base: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        match records.checked_sub(base) {
            Some(left) if left > 0 => {
                let file = File::options().write(true).open(path).unwrap();
                file.set_len((24 + left * 67).min(24 + 8 * 67)).unwrap();
                return;
            }
            _ => std::fs::remove_file(path).unwrap(),
        }
    }
}

#[test]
fn segments_that_are_missing_before_the_first_one_are_counted_as_lost() {
    let mut desk = Desk::new();
    desk.append_all(0..20);
    desk.committed = 3;
    let desk = desk.restart_after(|directory| {
        std::fs::remove_file(&files(directory)[0]).unwrap();
    });
    assert_eq!(desk.journal.first(), 8);
    let read = desk.read();
    assert_eq!(read.dropped.lost, 5);
    assert_eq!(read.numbers, (8..20).collect::<Vec<_>>());
}

#[test]
fn a_process_that_ends_between_making_a_segment_and_writing_to_it_loses_nothing() {
    for length in 0..=24 {
        let desk = Desk::new();
        desk.append_all(0..PER_SEGMENT);
        let path = desk
            .temporary
            .path()
            .join(format!("{PER_SEGMENT:020}.clicks"));
        std::fs::write(&path, &frame::header(PER_SEGMENT)[..length]).unwrap();
        let mut desk = desk.restart();
        desk.append_all(PER_SEGMENT..12);
        desk.read().is(0..12);
        // The empty segment has the name of the segment that followed it.
        desk.settle(PER_SEGMENT);
        assert_eq!(desk.bases(), [PER_SEGMENT]);
        desk = desk.restart();
        desk.read().is(PER_SEGMENT..12);
    }
}

#[test]
fn a_journal_of_another_version_is_left_alone() {
    let desk = Desk::new();
    desk.append_all(0..3);
    let Desk {
        temporary, journal, ..
    } = desk;
    drop(journal);
    let path = files(temporary.path()).remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..20]).to_le_bytes();
    bytes[20..24].copy_from_slice(&checksum);
    std::fs::write(&path, &bytes).unwrap();
    let error = Journal::open(temporary.path(), &SETTINGS, NEW_ID).unwrap_err();
    assert!(matches!(error, JournalError::Version { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn from_outside_it_looks_as_it_does_from_inside() {
    let empty = tempfile::tempdir().unwrap();
    assert!(JournalStatus::read(empty.path(), 0).unwrap().is_none());
    let mut desk = Desk::new();
    desk.append_all(0..20);
    desk.settle(10);
    let status = JournalStatus::read(desk.temporary.path(), 0)
        .unwrap()
        .unwrap();
    assert_eq!((status.id, status.end()), (NEW_ID, 20));
    let segments: Vec<_> = status
        .segments
        .iter()
        .map(|segment| (segment.first, segment.records, segment.bad_bytes))
        .collect();
    assert_eq!(segments, [(8, 8, 0), (16, 4, 0)]);
    let pending = status.pending(10);
    let tenth = datetime!(2026-03-01 12:00:10 UTC);
    assert_eq!((pending.clicks, pending.oldest), (10, Some(tenth)));
    assert_eq!(status.pending(20).oldest, None);
}

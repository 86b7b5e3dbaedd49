//! Tests of appending, reading and deleting settled segments.

use super::*;

#[test]
fn what_is_appended_is_read_in_order_across_segments() {
    for durability in Durability::ALL {
        let desk = Desk::with(JournalSettings {
            durability,
            ..SETTINGS
        });
        assert_eq!(desk.read(), Read::default());
        for number in 0..30 {
            assert_eq!(desk.append(number), Ok(number));
            desk.read().is(0..number + 1);
        }
        let files = if durability == Durability::Memory {
            0
        } else {
            4
        };
        assert_eq!(desk.files().len(), files);
        assert_eq!((desk.journal.pending(), desk.journal.end()), (30, 30));
    }
}

#[test]
fn reading_can_begin_anywhere_and_goes_on_where_it_ended() {
    let desk = Desk::new();
    desk.append_all(0..30);
    for start in 0..=30 {
        read(&desk.journal, start).is(start..30);
    }
    let mut cursor = Cursor::new(0);
    assert_eq!(cursor.read(&desk.journal, 100).unwrap().clicks.len(), 30);
    assert_eq!(cursor.read(&desk.journal, 100).unwrap().clicks.len(), 0);
    desk.append_all(30..32);
    assert_eq!(cursor.read(&desk.journal, 1).unwrap().start, 30);
    assert_eq!(cursor.position(), 31);
    cursor.go_to(5);
    let again = cursor.read(&desk.journal, 100).unwrap();
    assert_eq!((again.start, again.clicks.len()), (5, 27));
}

#[test]
fn segments_larger_than_what_is_read_at_once_are_read_whole() {
    let desk = Desk::with(JournalSettings {
        max_bytes: 16 * 1_024 * 1_024,
        ..SETTINGS
    });
    desk.append_all(0..9_000);
    assert_eq!(desk.files().len(), 1);
    let mut cursor = Cursor::new(0);
    let records = cursor.read(&desk.journal, 10_000).unwrap();
    assert_eq!(records.clicks.len(), 9_000);
}

#[test]
fn a_segment_is_deleted_when_all_of_it_is_settled() {
    let mut desk = Desk::new();
    desk.append_all(0..20);
    assert_eq!(desk.bases(), [0, 8, 16]);
    desk.settle(7);
    assert_eq!(desk.bases(), [0, 8, 16]);
    desk.settle(16);
    assert_eq!(desk.bases(), [16]);
    assert_eq!((desk.journal.first(), desk.journal.pending()), (16, 4));
    desk.settle(20);
    assert_eq!(desk.bases(), [16]);
    desk.append_all(20..22);
    desk.read().is(20..22);
}

#[test]
fn tidying_deletes_the_last_segment_and_loses_nothing() {
    let mut desk = Desk::new();
    desk.tidy();
    desk.append_all(0..10);
    desk.tidy();
    assert_eq!(desk.bases(), [0, 8], "nothing is settled");
    desk.settle(9);
    desk.tidy();
    assert_eq!(desk.bases(), [8], "one record is not settled");
    desk.settle(10);
    desk.tidy();
    assert_eq!(desk.bases(), [10], "the segment marks the end");
    assert_eq!((desk.journal.first(), desk.journal.end()), (10, 10));
    desk.append_all(10..12);
    assert_eq!(desk.bases(), [10]);
    desk.read().is(10..12);
}

#[test]
fn it_says_since_when_the_oldest_click_waits() {
    let mut desk = Desk::new();
    assert_eq!(desk.journal.waiting_since(), None);
    let first = datetime!(2026-03-01 12:00 UTC);
    desk.append_all(0..3);
    assert_eq!(desk.journal.waiting_since(), Some(first));
    let second = first + time::Duration::seconds(1);
    desk.committed = 2;
    desk.journal.settle(2, Some(second));
    assert_eq!(desk.journal.waiting_since(), Some(second));
    // A later process was not there when the clicks were accepted.
    let mut desk = desk.restart();
    let third = first + time::Duration::seconds(2);
    assert_eq!(desk.journal.waiting_since(), Some(third));
    desk.settle(3);
    assert_eq!(desk.journal.waiting_since(), None);
}

#[test]
fn the_clock_that_goes_back_makes_no_click_younger() {
    let desk = Desk::new();
    desk.append(5).unwrap();
    desk.append(3).unwrap();
    let oldest = datetime!(2026-03-01 12:00:03 UTC);
    assert_eq!(desk.journal.waiting_since(), Some(oldest));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_records_or_for_settling_is_woken() {
    let desk = Desk::new();
    let progress = desk.journal.progress();
    let second = Duration::from_secs(1);
    // Records appended before the wait are not missed.
    desk.append(0).unwrap();
    desk.journal.grown().await;
    assert_eq!(progress.reached(0, second).await, Settled::Yes);
    assert_eq!(progress.reached(1, second).await, Settled::NotYet);
    let waits = progress.reached(1, second);
    let settles = async { desk.journal.settle(1, None) };
    assert_eq!(tokio::join!(waits, settles).0, Settled::Yes);
}

//! Tests of durability `memory`: clicks in memory are lost with the process, and counted.

use super::*;

const MEMORY: JournalSettings = JournalSettings {
    durability: Durability::Memory,
    max_bytes: 1_024 * 1_024,
    ..SETTINGS
};

#[test]
fn the_clicks_of_a_killed_process_are_counted_as_lost() {
    let mut desk = Desk::with(MEMORY);
    desk.append_all(0..200);
    desk.settle(100);
    let mut desk = desk.restart();
    // The number of clicks is recorded every 64 clicks.
    assert_eq!((desk.journal.end(), desk.journal.pending()), (193, 93));
    desk.append_all(193..200);
    let read = desk.read();
    assert_eq!(read.dropped.lost, 93);
    assert_eq!(read.numbers, (193..200).collect::<Vec<_>>());
    desk.settle(200);
    assert_eq!(desk.restart().read().end, 200);
}

#[test]
fn lost_clicks_stay_known_until_they_are_settled() {
    let desk = Desk::with(MEMORY);
    desk.append_all(0..65);
    let desk = desk.restart().restart();
    assert_eq!(desk.read().dropped.lost, 65);
    let desk = desk.restart_with(SETTINGS, |_| ());
    assert_eq!(desk.read().dropped.lost, 65);
}

#[test]
fn a_process_that_ends_in_order_knows_all_it_had_accepted() {
    let desk = Desk::with(MEMORY);
    let syncer = desk.journal.start_syncing().unwrap();
    desk.append_all(0..10);
    drop(syncer);
    let desk = desk.restart();
    assert_eq!(desk.read().dropped.lost, 10);
}

#[test]
fn what_an_earlier_process_left_on_disk_is_read_before() {
    let desk = Desk::new();
    desk.append_all(0..20);
    let desk = desk.restart_with(MEMORY, |_| ());
    desk.append_all(20..30);
    desk.read().is(0..30);
    let mut desk = desk.restart_with(SETTINGS, |_| ());
    desk.append_all(20..25);
    desk.read().is(0..25);
    desk.settle(25);
    assert_eq!(desk.bases(), [20]);
}

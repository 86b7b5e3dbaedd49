//! Tests with several threads that append while another reads and settles.

use std::collections::BTreeSet;
use std::thread;

use super::*;

const THREADS: u64 = 4;
const EACH: u64 = 2_000;

/// Appends from several threads and returns the positions.
fn append_from_threads(journal: &Arc<Journal>) -> BTreeSet<u64> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn(move || -> Vec<u64> {
                    let numbers = thread * EACH..(thread + 1) * EACH;
                    numbers
                        .filter_map(|number| append(journal, number).ok())
                        .collect()
                })
            })
            .collect();
        let positions = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        let mut all = BTreeSet::new();
        for position in positions {
            assert!(all.insert(position), "{position} was assigned twice");
        }
        all
    })
}

#[test]
fn each_position_is_given_once_and_all_are_read() {
    for durability in Durability::ALL {
        let desk = Desk::with(JournalSettings {
            durability,
            max_bytes: 1_024 * 1_024,
            ..SETTINGS
        });
        let positions = append_from_threads(&desk.journal);
        assert_eq!(positions, (0..THREADS * EACH).collect());
        let read = desk.read();
        assert_eq!(read.dropped, Dropped::default());
        let numbers: BTreeSet<_> = read.numbers.into_iter().collect();
        assert_eq!(numbers, positions);
    }
}

#[test]
fn what_is_appended_while_others_read_settle_tidy_and_sync_is_read_once() {
    for durability in Durability::ALL {
        let desk = Desk::with(JournalSettings {
            durability,
            ..SETTINGS
        });
        let journal = &desk.journal;
        let syncer = journal.start_syncing().unwrap();
        let (read, positions) = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut cursor = Cursor::new(0);
                let mut all = Read::default();
                loop {
                    // Check before reading: everything appended until then must be read.
                    let ended = journal.state().stopping;
                    let went_on = all.take(cursor.read(journal, 5).unwrap());
                    journal.settle(all.end, None);
                    journal.durable(all.end);
                    if all.end % 3 == 0 {
                        journal.tidy(LATER);
                    }
                    if ended && !went_on {
                        return all;
                    }
                }
            });
            let positions = append_from_threads(journal);
            journal.state().stopping = true;
            (reader.join().unwrap(), positions)
        });
        drop(syncer);
        assert_eq!(read.dropped, Dropped::default());
        assert_eq!(read.end, positions.len() as u64, "{durability}");
        let numbers: BTreeSet<_> = read.numbers.iter().collect();
        assert_eq!(numbers.len(), read.numbers.len(), "no click is read twice");
        assert_eq!(journal.pending(), 0);
        journal.tidy(LATER);
        let end = journal.end();
        assert!(desk.bases().iter().all(|base| *base == end));
    }
}

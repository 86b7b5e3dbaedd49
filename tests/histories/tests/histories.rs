//! No history loses a click or counts it twice.

use waypost_analytics::Privacy;
use waypost_histories::{Kind, Mishaps, search};

/// Without click records there are no IDs by which to find a click when copies and restored backups
/// come together.
fn one_of_both(seed: u64) -> Mishaps {
    let copy = seed.is_multiple_of(2);
    Mishaps {
        copy,
        set_back: !copy,
        jump: true,
        purge: false,
    }
}

#[test]
fn no_history_in_memory_loses_or_doubles_a_click() {
    search("memory", 600, Kind::Memory, Privacy::Full, |_| Mishaps::ALL);
}

#[test]
fn no_history_in_memory_without_rows_loses_or_doubles_a_click() {
    search(
        "memory without rows",
        400,
        Kind::Memory,
        Privacy::Counts,
        one_of_both,
    );
}

#[test]
fn no_history_on_sqlite_loses_or_doubles_a_click() {
    search("SQLite", 100, Kind::Sqlite, Privacy::Full, |_| Mishaps::ALL);
}

#[test]
fn no_history_on_sqlite_without_rows_loses_or_doubles_a_click() {
    search(
        "SQLite without rows",
        100,
        Kind::Sqlite,
        Privacy::Counts,
        one_of_both,
    );
}

//! Opens and reads arbitrary bytes as a segment file. This must not panic, and every record that
//! the status reports must be read or counted.
//!
//! The first byte of the input is the number of good records. The second is the number of changed
//! bytes: for each, two bytes for its place and a mask follow; the mask 0 removes the byte, 255
//! repeats it. The rest of the input is appended. With 255 good records, the rest is the whole
//! file.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use waypost_analytics::journal::JournalStatus;
use waypost_analytics::journal::fuzzing::{read_journal, segment};

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    // Avoids a sync of a new ID in each run.
    let id = "00000000-0000-0000-0000-000000000000";
    std::fs::write(directory.path().join("id"), id).expect("an id");
    directory
});

fuzz_target!(|input: &[u8]| {
    check(DIRECTORY.path(), &file(input));
});

fn file(input: &[u8]) -> Vec<u8> {
    let [records, changes, rest @ ..] = input else {
        return Vec::new();
    };
    if *records == u8::MAX {
        return rest.to_vec();
    }
    let mut bytes = segment(records % 16);
    let (places, tail) = rest.split_at(rest.len().min(usize::from(changes % 8) * 3));
    for place in places.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([place[0], place[1]]));
        let at = at % bytes.len();
        match place[2] {
            0 => drop(bytes.remove(at)),
            u8::MAX => bytes.insert(at, bytes[at]),
            mask => bytes[at] ^= mask,
        }
    }
    bytes.extend_from_slice(tail);
    bytes
}

fn check(directory: &Path, bytes: &[u8]) {
    let first = directory.join("00000000000000000000.clicks");
    std::fs::write(&first, bytes).expect("a segment");
    let status = JournalStatus::read(directory).expect("a status");
    let status = status.expect("a journal");
    let pending = status.pending(0);
    // Only a segment of another version is rejected.
    let Ok(contents) = read_journal(directory) else {
        return;
    };
    assert_eq!(contents.pending, pending.clicks);
    assert_eq!(contents.read + contents.dropped, contents.pending);
    assert_eq!(contents.read, status.segments[0].records);
}

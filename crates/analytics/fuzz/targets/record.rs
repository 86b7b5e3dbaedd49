//! Any bytes as a record: they are one or none, and what was read is read again when it is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_analytics::journal::fuzzing::read_and_rewrite;

fuzz_target!(|bytes: &[u8]| {
    if let Some((click, again)) = read_and_rewrite(bytes) {
        assert_eq!(Some(click), again);
    }
});

//! Reads arbitrary bytes as a record. A record that can be read must survive writing and reading.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waypost_analytics::journal::fuzzing::read_and_rewrite;

fuzz_target!(|bytes: &[u8]| {
    if let Some((click, again)) = read_and_rewrite(bytes) {
        assert_eq!(Some(click), again);
    }
});

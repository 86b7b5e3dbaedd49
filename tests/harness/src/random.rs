//! Words that differ between tests, processes and runs: names of databases, passwords.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Returns 16 hexadecimal digits that cannot be guessed before the run.
pub(crate) fn word() -> String {
    format!("{:016x}", number())
}

/// Returns a random number; the standard library seeds its hash maps from the operating system.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

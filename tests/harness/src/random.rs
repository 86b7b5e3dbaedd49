//! Words that differ between tests, processes and runs: names of databases, passwords.

use std::hash::{BuildHasher, Hasher, RandomState};

/// 16 hexadecimal digits nobody can guess ahead of the run.
pub(crate) fn word() -> String {
    format!("{:016x}", number())
}

/// A random number; the standard library seeds its hash maps from the operating system.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

//! The promise of the click numbers, searched for counterexamples: no accepted click is lost without being counted as
//! lost, and none is counted twice, whatever happens to processes, their directories, their clocks and their
//! database.
//!
//! | what | file |
//! | --- | --- |
//! | histories of the real journal and ingester, drawn from a seed | `world.rs` |
//! | a directory and the process that uses it | `node.rs` |
//! | the way to the database, and what is late on it | `wire.rs` |
//! | databases that can be set back: in memory, SQLite | `database.rs` |
//! | what clients were told, beside what is counted | `reckoning.rs` |
//! | many histories, on all cores | `many.rs` |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test: what cannot be ends it"
)]

mod database;
mod many;
pub mod model;
mod node;
mod reckoning;
mod wire;
mod world;

use std::path::Path;

use tempfile::TempDir;
use waypost_core::{Random as _, SeededRandom};

pub use database::Kind;
pub use many::search;
pub use world::{Mishaps, history};

/// A number below `limit`.
fn draw(random: &SeededRandom, limit: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % limit
}

/// A directory that needs no disk, where there is one.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.unwrap()
}

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
//! | all that may happen to the protocol, up to a size | [`model`] |
//!
//! # Histories
//! The journal, the ingester and the stores are the real ones. A history is drawn from its seed alone, and happens again
//! in the same way:
//!
//! ```sh
//! make test-histories                                            # a million, and the model in larger sizes
//! WAYPOST_TEST_SEED=1627 cargo test --package waypost-histories --test histories -- memory_loses --nocapture
//! ```
//!
//! What may happen: clients follow a link; an ingester works for a while, and is then cancelled or sleeps wherever it is;
//! processes are killed, started and drained; directories are copied, and copies take over from processes that sleep;
//! the database is backed up and set back; rows are purged; clocks jump by 400 days; requests and answers are lost, and requests of
//! processes that are gone arrive late. In the end everybody works until nothing is left, and then
//!
//! - no accepted click is counted twice, and each is counted or counted as lost;
//! - without a set-back each is counted;
//! - without copies the lost ones are exactly those that are missing, and without a reason to delete segments there are
//!   none;
//! - totals, days, rows and ids agree, and the ledger finds fault with losses and second owners, and with nothing else.
//!
//! # Purged rows
//! Where rows are purged, the positions of journals tell what two directories have: see `ingester/relatives.rs`. A
//! journal that met clicks of another one does not say which of its records those were: if the other records that both
//! have are still pending on one side when their rows are purged, they are counted twice
//! (`rows_may_not_be_purged_while_a_copy_that_stored_some_of_them_has_others_pending`).
//!
//! # Without rows
//! With `WAYPOST_PRIVACY=counts` there are no ids to find a click by. All of this holds for copies alone and for
//! set-backs alone, and where the database goes back to a state in which each directory had an id of its own. Where it
//! goes back to before that, clicks that both directories had may be counted twice or not at all, and nothing tells
//! (`without_rows_a_database_may_not_be_set_back_to_before_a_copy`).
//!
//! # What the search finds
//! Faults that were put into the real code one by one, with the first seeds in memory that fail; and into the model, with
//! the number of states that are reached before it breaks (`tests/protocol.rs`).
//!
//! | fault | seeds | states |
//! | --- | --- | --- |
//! | a batch counts as committed by its position alone | 0, 1, 3 | 558 |
//! | the same of one that was only prepared | | 313 |
//! | no going back to where the database is | 2, 15, 60 | 1,043 |
//! | a copy keeps its id | 0, 1, 3 | 328 |
//! | clicks are stored without looking for their ids | | 497 |
//! | nobody asks how far other journals have settled what is purged | | 10,143 |
//! | segments are deleted before they are durable | `power.rs` in `tests/e2e` | 217 |
//!
//! What it found in the code as it was, each with a test in `ingester/tests/late.rs` or `journals.rs`:
//!
//! | fault | seeds | states |
//! | --- | --- | --- |
//! | an owner that was tried without an answer is forgotten | 754, 3039 | 251 |
//! | what is gone is not counted as lost under a new id | 121, 161 | 104,696 |
//! | the position of another line counts beyond where that left | 1627 | 124,519 |
//! | a late batch is taken for that of another process | | 2,886 |
//! | an owner that was tried is followed by a copy beyond what that has | 6658 | |
//! | what is gone is not counted as lost where the database knows no process of the line | 10539 | |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
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
pub use many::{HISTORIES, search};
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

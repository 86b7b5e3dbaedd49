//! Searches for counterexamples to the guarantee of the click numbers: no accepted click is lost
//! without being counted as lost, and none is counted twice, whatever happens to processes, their
//! directories, their clocks and their database.
//!
//! | subject | file |
//! | --- | --- |
//! | histories of the real journal and ingester, drawn from a seed | `world.rs` |
//! | a directory and the process that uses it | `node.rs` |
//! | the connection to the database, and its delays | `wire.rs` |
//! | databases that can be restored from a backup: in memory, SQLite | `database.rs` |
//! | what clients were told, compared with the counts | `reckoning.rs` |
//! | many histories, on all cores | `many.rs` |
//! | every possible history of the protocol, up to a size | [`model`] |
//!
//! # Histories
//! The journal, the ingester and the stores are the real ones. A history depends on its seed alone
//! and can be repeated:
//!
//! ```sh
//! make test-histories                                            # a million, and the model in larger sizes
//! WAYPOST_TEST_SEED=1627 cargo test --package waypost-histories --test histories -- memory_loses --nocapture
//! ```
//!
//! Possible events: clients follow a link; an ingester works for a while, and is then cancelled or
//! suspended at any point; processes are killed, started and drained; directories are copied, and
//! copies take over from suspended processes; the database is backed up and restored; click records
//! are purged; clocks jump by 400 days; in every other history, each process has another budget of
//! click records, so that some clicks leave none; requests and answers are lost, and requests of
//! ended processes arrive late. In the end all processes work until nothing is pending, and then
//!
//! - no accepted click is counted twice, and each is counted or counted as lost;
//! - without a restored backup, each is counted;
//! - without copies, the clicks counted as lost are exactly the missing ones, and without a reason
//!   to delete segments there are none;
//! - totals, days, click records and IDs agree, and the ledger reports losses and second owners,
//!   and nothing else.
//!
//! # Purged click records
//! After a purge, the positions of journals tell which records two directories have in common: see
//! `ingester/relatives.rs`. A journal that met clicks of another one does not record which of its
//! clicks those were: if other common records are still pending on one side when their click
//! records are purged, they are counted twice
//! (`rows_may_not_be_purged_while_a_copy_that_stored_some_of_them_has_others_pending`).
//!
//! # Without click records
//! With `WAYPOST_PRIVACY=counts` there are no IDs by which to find a click. All of this holds for
//! copies alone and for restored backups alone, and if the backup is of a state in which each
//! directory had an ID of its own. With an earlier backup, clicks that both directories had may be
//! counted twice or not at all, and this cannot be detected
//! (`without_rows_a_database_may_not_be_set_back_to_before_a_copy`).
//!
//! # What the search finds
//! Faults that were injected into the real code one by one, with the first seeds in memory that
//! fail; and into the model, with the number of states that are reached before it breaks
//! (`tests/protocol.rs`).
//!
//! | fault | seeds | states |
//! | --- | --- | --- |
//! | a batch counts as committed by its position alone | 0, 1, 3 | 558 |
//! | the same for a batch that was only prepared | | 313 |
//! | no return to the position of the database | 2, 15, 60 | 1,043 |
//! | a copy keeps its ID | 0, 1, 3 | 328 |
//! | clicks are stored without checking their IDs | | 497 |
//! | other journals are not asked how far they have settled purged clicks | | 10,143 |
//! | segments are deleted before they are durable | `power.rs` in `tests/e2e` | 217 |
//!
//! Faults that it found in the original code, each with a test in `ingester/tests/late.rs` or
//! `journals.rs`:
//!
//! | fault | seeds | states |
//! | --- | --- | --- |
//! | an owner that was tried without an answer is forgotten | 754, 3,039 | 251 |
//! | missing clicks are not counted as lost under a new ID | 121, 161 | 104,696 |
//! | the position of another line counts beyond the point where that line left | 1,627 | 124,519 |
//! | a late batch is taken for that of another process | | 2,886 |
//! | an owner that was tried is followed by a copy beyond the records of the copy | 6,658 | |
//! | missing clicks are not counted as lost if the database knows no process of the line | 10,539 | |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code: it fails by panicking"
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

/// Draws a number below `limit`.
fn draw(random: &SeededRandom, limit: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes) % limit
}

/// Returns a directory in memory, if there is a file system for it.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.unwrap()
}

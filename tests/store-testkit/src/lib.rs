//! What tests of stores, and of whatever uses a store, need.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`conformance`] | the suite that every implementation of the port passes; see [`conformance_tests!`](crate::conformance_tests) |
//! | [`failing`] | a store that fails on purpose |
//! | [`log`] | a log that tests read |
//! | [`routing`] | requests and where they lead |
//! | [`samples`] | links, clicks and the like, the same for the same seed |
//! | [`truth`] | many clicks of which every number is known |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: it fails by panicking"
)]

pub mod conformance;
pub mod failing;
mod forward;
pub mod log;
pub mod routing;
pub mod samples;
pub mod truth;

#[doc(hidden)]
pub use waypost_store as store;

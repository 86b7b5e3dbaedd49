//! Tools for tests of stores and of code that uses a store.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`conformance`] | the suite that every implementation of the port passes; see [`conformance_tests!`](crate::conformance_tests) |
//! | [`failing`] | a store that fails on purpose |
//! | [`log`] | a log that tests can read |
//! | [`routing`] | requests and their results |
//! | [`samples`] | links, clicks and other data, the same for the same seed |
//! | [`truth`] | many clicks with known numbers |

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

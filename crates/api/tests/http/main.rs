//! The API over HTTP: real servers on free ports, over stores in memory, asked as clients ask.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: it fails by panicking"
)]

mod bad_input;
mod documentation;
mod gated_store;
mod links;
mod log;
mod metrics;
mod operation;
mod raw;
mod redirect;
mod reserved;
mod setup;

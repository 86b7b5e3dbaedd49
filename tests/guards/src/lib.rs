//! Reads the workspace as a whole, for tests that guard what its crates have agreed on.
//!
//! | subject | where |
//! | --- | --- |
//! | the packages that cargo knows, and what each depends on | [`Graph`] |
//! | the files of the project | [`files`] |
//! | the functions of a file, with their lengths | [`functions`] |
//!
//! The rules themselves stand in `tests/guards/`: `layers.rs` has the table of dependencies, `sizes.rs` the limits and
//! the agreed exceptions.

mod files;
mod functions;
mod graph;

pub use files::{files, top};
pub use functions::{Function, functions};
pub use graph::{Dependency, Graph, GraphError, Kind};

//! What JSON and pages show alike.

pub(crate) mod links;
pub(crate) mod simple;

//! Routes about the server itself, for operators and programs.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod metrics;

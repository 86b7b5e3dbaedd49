//! What operators and programs ask of the server itself.

pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod metrics;

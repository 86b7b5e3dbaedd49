//! The guarantees of a resolver, over the store in memory and over stores that fail, block and
//! reorder.

mod answers;
mod changes;
mod doubles;
mod loads;
mod time;

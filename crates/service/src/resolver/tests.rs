//! What a resolver promises, over the store in memory and over stores that fail, hold and misorder.

mod answers;
mod changes;
mod doubles;
mod loads;
mod time;

//! Guards of what the workspace has agreed on: the layers of its crates, and the sizes of its files and functions.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panics, and `make sizes` shows what they print"
)]

mod layers;
mod sizes;

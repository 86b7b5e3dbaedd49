//! Guards of what the workspace has agreed on: the layers of its crates, the sizes of its files and
//! functions, and one way to write numbers.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panics, and `make sizes` shows what they print"
)]

mod counts;
mod layers;
mod sizes;

//! Reading and changing a database without Waypost's code: the drivers alone.
//!
//! Every value becomes text, `None` is NULL. Binary values and UUIDs are lowercase hexadecimal
//! digits without punctuation and booleans are 0 and 1, so that the three databases, whose types
//! differ, answer alike. Everything else is spelled as the database spells it.
//!
//! Each call opens a connection of its own: nothing stays behind in the database or the runtime.

pub(crate) mod mariadb;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// Rows of values.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// What a driver says, with the reasons behind it.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Lowercase hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Reads and changes a database without Waypost's code, with the drivers alone.
//!
//! Every value becomes text, `None` is NULL. Binary values and UUIDs are lowercase hexadecimal
//! digits without punctuation and booleans are 0 and 1, so that the results of the three databases,
//! whose types differ, are equal. All other values are spelled as the database spells them.
//!
//! Each call opens a connection of its own: nothing remains in the database or the runtime.

pub(crate) mod mariadb;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// Rows of values.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// The result of a driver; the error includes its causes.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Returns the error and its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Formats bytes as lowercase hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The names of the database operations, and the metrics of this crate, which use them as labels.

use std::fmt;
use std::time::Duration;

use metrics::{counter, describe_counter};
use waypost_store::Operation;

const RETRIES: &str = "waypost_database_retries_total";

/// The database operations, as metrics and logs name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationName {
    /// A method of the port.
    Port(Operation),
}

impl OperationName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Port(operation) => operation.as_str(),
        }
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl OperationName {
    /// Returns the time limit of the operation, all attempts included.
    ///
    /// A caller waits for most operations, so a slow one should rather fail. Those that process any
    /// number of rows may take as long as they need: otherwise they could never succeed.
    pub(crate) const fn time_limit(self) -> Duration {
        match self {
            Self::Port(
                Operation::ClicksBefore
                | Operation::DeleteLink
                | Operation::HasClicks
                | Operation::IndexLinks
                | Operation::Ledger
                | Operation::PurgeClicks
                | Operation::PurgeDeletedLinks
                | Operation::PurgeSessions
                | Operation::TakeLinks,
            ) => Duration::from_secs(60 * 60),
            Self::Port(_) => Duration::from_secs(20),
        }
    }
}

/// Describes the metrics to the recorder of the process, and sets each series to 0. Call this once,
/// after installing the recorder.
pub fn describe_metrics() {
    describe_counter!(
        RETRIES,
        "Database operations retried after contention or a lost connection."
    );
    for name in Operation::ALL.iter().copied().map(OperationName::Port) {
        counter!(RETRIES, "operation" => name.as_str()).increment(0);
    }
}

pub(crate) fn retried(operation: OperationName) {
    counter!(RETRIES, "operation" => operation.as_str()).increment(1);
}

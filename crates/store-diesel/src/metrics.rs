//! The operations on the database by name, and the metrics of this crate, which are labelled by them.

use std::fmt;
use std::time::Duration;

use metrics::{counter, describe_counter};
use waypost_store::Operation;

const RETRIES: &str = "waypost_database_retries_total";

/// What runs on the database, as metrics and logs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OperationName {
    /// A method of the port.
    Port(Operation),
    /// The second half of [`Operation::DestroySaltsBefore`]: removes deleted salts from the database's files.
    ForgetDeleted,
}

impl OperationName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Port(operation) => operation.as_str(),
            Self::ForgetDeleted => "forget_deleted",
        }
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl OperationName {
    /// How long the operation may take, all its tries included.
    ///
    /// Somebody waits for most: what cannot be had soon is better refused. Those that go over any
    /// number of rows may take as long as they need; they would never succeed otherwise.
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
            _ => Duration::from_secs(20),
        }
    }
}

/// Describes the metrics to the recorder of the process, and starts each series at 0. To be called
/// once, after the recorder is installed.
pub fn describe_metrics() {
    describe_counter!(
        RETRIES,
        "Operations on the database that were run again after contention or a lost connection"
    );
    let port = Operation::ALL.iter().copied().map(OperationName::Port);
    for name in port.chain([OperationName::ForgetDeleted]) {
        counter!(RETRIES, "operation" => name.as_str()).increment(0);
    }
}

pub(crate) fn retried(operation: OperationName) {
    counter!(RETRIES, "operation" => operation.as_str()).increment(1);
}

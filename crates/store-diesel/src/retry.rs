//! Runs an operation again when it failed for a temporary reason.

use std::error::Error;
use std::time::Duration;

use tokio::time::Instant;
use waypost_store::StoreError;

use crate::error::Fault;
use crate::metrics::{OperationName, retried};

/// Maximum number of attempts. Each attempt but the last is followed by a growing pause.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// A failed attempt, and whether another one is safe and may help.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    pub(crate) may_repeat: bool,
}

impl Failure {
    /// Another attempt is not safe, or would not help.
    pub(crate) const fn last(error: StoreError) -> Self {
        Self {
            error,
            may_repeat: false,
        }
    }

    /// Nothing was changed: another attempt is safe, and helps if the fault is temporary.
    pub(crate) fn of(fault: Fault, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: fault.into_store_error(error),
            may_repeat: fault.may_pass(),
        }
    }

    /// The failure of a commit. A conflict found at the commit rolled everything back. If the
    /// connection broke, it is unknown whether the commit arrived.
    pub(crate) fn of_commit(fault: Fault, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            error: fault.into_store_error(error),
            may_repeat: fault == Fault::Contention,
        }
    }
}

/// Runs `attempt` until it succeeds, several times if necessary, within the time limit of the
/// operation. Each attempt keeps the limit itself, because only it knows how to handle an
/// interruption.
pub(crate) async fn retrying<T, Try>(
    name: OperationName,
    attempt: impl Fn(Instant) -> Try + Send,
) -> Result<T, StoreError>
where
    Try: Future<Output = Result<T, Failure>> + Send,
{
    let deadline = Instant::now() + name.time_limit();
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    loop {
        let Failure { error, may_repeat } = match attempt(deadline).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        if !may_repeat || tries == TRIES || Instant::now() > deadline {
            return Err(error);
        }
        retried(name);
        tracing::debug!(operation = %name, tries, ?error, "trying again");
        tokio::time::sleep(pause).await;
        pause *= 2;
        tries += 1;
    }
}

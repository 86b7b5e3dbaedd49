//! `linkctl journal`: pending clicks on this machine and on others.

mod account;
mod drain;
mod forget;
mod list;
mod status;

use std::path::Path;
use std::sync::Arc;

use waypost_core::Clock;
use waypost_store::Store;

pub(super) use self::account::{JournalRecord, account, explained};
pub(super) use self::status::status;
use crate::cli::Journal;
use crate::console::Console;
use crate::failure::{Failure, Status};
use waypost_settings::Settings;

/// What the commands use.
pub(super) struct Parts<'a> {
    pub(super) store: Arc<dyn Store>,
    /// The directory of the journal of this machine.
    pub(super) local: &'a Path,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: &'a Settings,
}

pub(super) async fn run(
    command: Journal,
    parts: &Parts<'_>,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        Journal::Status => status(parts.local, parts.settings, &*parts.clock, console).await,
        Journal::List => list::list(parts, console).await,
        Journal::Retry => drain::retry(parts, console).await,
        Journal::Drain(command) => drain::drain(&command, parts, console).await,
        Journal::Forget(command) => forget::forget(&command, parts, console).await,
    }
}

//! The arguments of `linkctl journal`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::Confirmation;

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Show the segments of the journal and the number and age of pending clicks
    ///
    /// Reads the journal in the data directory of a server on this machine, which may be running.
    Status,
    /// List all journals in the database, as their servers last reported them
    ///
    /// Each data directory has one journal. `linkctl verify` accounts for their clicks.
    List,
    /// Try again to store the clicks that were set aside
    ///
    /// Clicks that the database rejects are set aside in the data directory. Run this on the
    /// machine of the server, which may be running, after the cause is fixed.
    Retry,
    /// Store the pending clicks of a stopped server
    ///
    /// Needs the data directory of that server. The directory is kept, and a server can use it
    /// again.
    Drain(Drain),
    /// Forget a journal whose data directory is gone
    ///
    /// Removes it from the list. Its pending clicks count as lost; totals of links do not change.
    /// If a server uses its directory again, its clicks are stored.
    Forget(Forget),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Drain {
    /// Data directory of that server, or the directory of its journal
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Forget {
    /// ID of the journal, as `linkctl journal list` shows it
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

//! What can be asked about click journals.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::Confirmation;

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Show its segments, how many clicks are pending, and since when
    ///
    /// The journal is in the data directory of a server on this machine, which may be running.
    Status,
    /// List all journals that the database knows, with what their servers said last
    ///
    /// Each data directory has one. `linkctl verify` accounts for their clicks.
    List,
    /// Try to store the clicks again that the database refused
    ///
    /// They are set aside in the data directory of a server on this machine, which may be running. Do this after
    /// what the database refused was mended.
    Retry,
    /// Store the clicks that a stopped server left in its journal
    ///
    /// Needs the data directory of that server. The directory stays, and a server may use it again.
    Drain(Drain),
    /// Forget a journal whose data directory is gone
    ///
    /// Removes it from the list. Its pending clicks are given up; the numbers of links do not change. If its
    /// directory turns up again, its clicks are stored.
    Forget(Forget),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Drain {
    /// The data directory of that server, or the directory of its journal
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Forget {
    /// Its id, as `linkctl journal list` shows it
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

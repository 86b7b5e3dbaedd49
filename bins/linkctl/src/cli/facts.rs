//! The arguments of `linkctl reclassify`, `linkctl reindex` and `linkctl privacy`.

use clap::{Args, Subcommand};
use uuid::Uuid;

#[derive(Debug, Args)]
pub(crate) struct Reclassify {
    /// Continue after this click; an interrupted run prints the ID
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Reindex {
    /// Only count the links to index
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Privacy {
    /// List every stored field that holds personal data
    ///
    /// Shows the source of each field, how long it is kept and who can see it, under the current
    /// settings.
    Report,
}

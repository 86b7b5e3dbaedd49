//! What can be asked of what is known of clicks.

use clap::{Args, Subcommand};
use uuid::Uuid;

#[derive(Debug, Args)]
pub(crate) struct Reclassify {
    /// Go on behind this click, as the message of one that was stopped says
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<Uuid>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Privacy {
    /// List every field in which something of a person is stored
    ///
    /// Where it comes from, how long it is kept and who can see it, with the settings as they are.
    Report,
}

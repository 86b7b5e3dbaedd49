//! The arguments of `linkctl purge`.

use clap::Args;
use waypost_analytics::Age;

use super::Confirmation;

#[derive(Debug, Default, Args)]
pub(crate) struct Purge {
    /// Purge click records older than this: 12h, 90d or 2w [default: none, unless --link is given]
    #[arg(long, value_name = "AGE")]
    pub(crate) older_than: Option<Age>,
    /// Purge only click records of this link (code or ID); without --older-than, all of them
    #[arg(long, value_name = "CODE_OR_ID")]
    pub(crate) link: Option<String>,
    /// Only count and print what would be deleted
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

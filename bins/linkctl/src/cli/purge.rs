//! The arguments of `linkctl purge`.

use clap::Args;
use waypost_analytics::Age;

use super::Confirmation;

#[derive(Debug, Default, Args)]
pub(crate) struct Purge {
    /// Age from which on clicks are deleted: 12h, 90d or 2w; without it none are, unless a link is named
    #[arg(long, value_name = "AGE")]
    pub(crate) older_than: Option<Age>,
    /// Delete only clicks of this link, given its code or its id; without an age all that there are now
    #[arg(long, value_name = "CODE_OR_ID")]
    pub(crate) link: Option<String>,
    /// Only count and say what would be deleted
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) confirmation: Confirmation,
}

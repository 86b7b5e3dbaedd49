//! What can be asked of `linkctl orphans`.

use clap::Args;
use time::Date;
use waypost_api::OrphanDays;

/// Which orphans to list.
#[derive(Debug, Clone, Args)]
pub(crate) struct Orphans {
    /// The first day, such as 2026-03-01; without it 29 days before the last one
    #[arg(long, value_name = "DAY", value_parser = OrphanDays::parse_day)]
    pub(crate) from: Option<Date>,
    /// The last day; without it today
    #[arg(long, value_name = "DAY", value_parser = OrphanDays::parse_day)]
    pub(crate) to: Option<Date>,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

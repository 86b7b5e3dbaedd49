//! The arguments of `linkctl orphans`.

use clap::Args;
use time::Date;
use waypost_api::OrphanDays;

/// Which orphan paths to list.
#[derive(Debug, Clone, Args)]
pub(crate) struct Orphans {
    /// First day, such as 2026-03-01 [default: 29 days before the last day]
    #[arg(long, value_name = "DAY", value_parser = OrphanDays::parse_day)]
    pub(crate) from: Option<Date>,
    /// Last day [default: today]
    #[arg(long, value_name = "DAY", value_parser = OrphanDays::parse_day)]
    pub(crate) to: Option<Date>,
    /// Maximum number of paths
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

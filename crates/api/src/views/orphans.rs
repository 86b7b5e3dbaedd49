//! Orphan paths, as they are shown.

use serde::Serialize;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};
use utoipa::ToSchema;
use waypost_store::Orphan;

/// So many days a list goes back, today included, when nothing else is asked for.
pub(crate) const DEFAULT_DAYS: i64 = 30;

/// A path that people try; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orphan)]
pub struct OrphanRecord {
    /// The path, without the slashes around it, in lower case.
    #[schema(example = "docs/api", min_length = 1, max_length = 64)]
    pub(crate) path: String,
    /// How often it was tried on the days of the list.
    pub(crate) hits: u64,
    /// On how many of them.
    pub(crate) days: u32,
    /// When for the first time on these days (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) first_at: OffsetDateTime,
    /// When for the last time.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_at: OffsetDateTime,
}

impl From<&Orphan> for OrphanRecord {
    fn from(orphan: &Orphan) -> Self {
        Self {
            path: orphan.path.as_str().to_owned(),
            hits: orphan.hits,
            days: orphan.days,
            first_at: orphan.first_at,
            last_at: orphan.last_at,
        }
    }
}

/// The days of a list of orphans, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrphanDays {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl OrphanDays {
    /// The days that are asked for. Without a last one it is today; without a first one there are 30 days.
    ///
    /// # Errors
    /// What is wrong with them, when the last one comes before the first.
    pub fn of(from: Option<Date>, to: Option<Date>, today: Date) -> Result<Self, &'static str> {
        let to = to.unwrap_or(today);
        let default = Duration::days(DEFAULT_DAYS - 1);
        let from = from.unwrap_or_else(|| to.saturating_sub(default));
        if from > to {
            return Err("the last day must not be before the first");
        }
        Ok(Self { from, to })
    }

    /// Reads a day: `2026-03-01`.
    ///
    /// # Errors
    /// What a day looks like.
    pub fn parse_day(text: &str) -> Result<Date, &'static str> {
        let format = format_description!("[year]-[month]-[day]");
        let day = Date::parse(text, format).ok();
        // Databases do not agree about others.
        let day = day.filter(|day| (1_970..=9_999).contains(&day.year()));
        day.ok_or("must be a date such as 2026-03-01")
    }
}

/// Paths that people try and that lead nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrphanList {
    /// The first day.
    #[schema(format = "date")]
    pub(crate) from: String,
    /// The last day.
    #[schema(format = "date")]
    pub(crate) to: String,
    pub(crate) orphans: Vec<OrphanRecord>,
    /// Where the list goes on; `null` at its end.
    pub(crate) next_cursor: Option<String>,
}

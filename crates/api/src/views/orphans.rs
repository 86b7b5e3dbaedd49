//! Orphan paths, as the API and pages show them.

use serde::Serialize;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};
use utoipa::ToSchema;
use waypost_store::Orphan;

/// Default number of days of a list, including today.
pub(crate) const DEFAULT_DAYS: i64 = 30;

/// A path that people requested and that matches no link; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orphan)]
pub struct OrphanRecord {
    /// The path, without the slashes around it, in lower case.
    #[schema(example = "docs/api", min_length = 1, max_length = 64)]
    pub(crate) path: String,
    /// Number of requests on the days of the list.
    pub(crate) hits: u64,
    /// Number of these days with requests.
    pub(crate) days: u32,
    /// When the path was first requested on these days (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) first_at: OffsetDateTime,
    /// When the path was last requested on these days (RFC 3339).
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

/// The days of a list of orphan paths, including the first and the last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrphanDays {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl OrphanDays {
    /// Creates the range. The last day defaults to today, the first to 29 days before the last.
    ///
    /// # Errors
    /// A message if the last day is before the first.
    pub fn of(from: Option<Date>, to: Option<Date>, today: Date) -> Result<Self, &'static str> {
        let to = to.unwrap_or(today);
        let default = Duration::days(DEFAULT_DAYS - 1);
        let from = from.unwrap_or_else(|| to.saturating_sub(default));
        if from > to {
            return Err("the last day must not be before the first");
        }
        Ok(Self { from, to })
    }

    /// Parses a day such as `2026-03-01`.
    ///
    /// # Errors
    /// A message with the expected form.
    pub fn parse_day(text: &str) -> Result<Date, &'static str> {
        let format = format_description!("[year]-[month]-[day]");
        let day = Date::parse(text, format).ok();
        // Databases support different ranges; all support these years.
        let day = day.filter(|day| (1_970..=9_999).contains(&day.year()));
        day.ok_or("must be a date such as 2026-03-01")
    }
}

/// A page of orphan paths, most requests first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrphanList {
    /// The first day.
    #[schema(format = "date")]
    pub(crate) from: String,
    /// The last day.
    #[schema(format = "date")]
    pub(crate) to: String,
    pub(crate) orphans: Vec<OrphanRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

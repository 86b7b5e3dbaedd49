//! Times on pages: in UTC, and with JavaScript in the time zone of the browser.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::text::short_day;

/// A time on a page. The macros in `moment.html` render it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For programs (RFC 3339).
    pub(crate) machine: String,
    /// For people: `1 Mar 2026, 12:00 UTC`.
    pub(crate) text: String,
    /// The day in UTC: `1 Mar 2026`.
    pub(crate) day: String,
}

impl From<OffsetDateTime> for Moment {
    fn from(at: OffsetDateTime) -> Self {
        let utc = at.to_offset(UtcOffset::UTC);
        let format = format_description!("[hour]:[minute] UTC");
        let day = short_day(utc.date());
        Self {
            machine: utc.format(&Rfc3339).unwrap_or_default(),
            text: format!("{day}, {}", utc.format(format).unwrap_or_default()),
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_written_for_people_and_for_programs() {
        let moment = Moment::from(datetime!(2026-03-01 00:30:00.25 +2));
        assert_eq!(moment.text, "28 Feb 2026, 22:30 UTC");
        assert_eq!(moment.machine, "2026-02-28T22:30:00.25Z");
        assert_eq!(moment.day, "28 Feb 2026");
    }
}

//! Times as pages show them: in UTC, and by a script in the zone of whoever looks.

use time::UtcOffset;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// A time. The macros in `moment.html` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For programs (RFC 3339).
    pub(crate) machine: String,
    /// For people: `2026-03-01 12:00 UTC`.
    pub(crate) text: String,
    /// Its day in UTC.
    pub(crate) day: Date,
}

impl From<OffsetDateTime> for Moment {
    fn from(at: OffsetDateTime) -> Self {
        let utc = at.to_offset(UtcOffset::UTC);
        let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
        Self {
            machine: utc.format(&Rfc3339).unwrap_or_default(),
            text: utc.format(format).unwrap_or_default(),
            day: utc.date(),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_time_is_written_for_people_and_for_programs() {
        let moment = Moment::from(datetime!(2026-03-01 00:30:00.25 +2));
        assert_eq!(moment.text, "2026-02-28 22:30 UTC");
        assert_eq!(moment.machine, "2026-02-28T22:30:00.25Z");
        assert_eq!(moment.day, date!(2026 - 02 - 28));
    }
}

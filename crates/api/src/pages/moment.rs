//! Times as pages show them: in UTC, and by a script in the zone of whoever looks.

use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A time. The macro `at` in `moment.html` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For programs (RFC 3339).
    pub(crate) rfc3339: String,
    /// For people: `2026-03-01 12:00 UTC`.
    pub(crate) text: String,
}

impl From<OffsetDateTime> for Moment {
    fn from(at: OffsetDateTime) -> Self {
        let utc = at.to_offset(UtcOffset::UTC);
        let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
        Self {
            rfc3339: utc.format(&Rfc3339).unwrap_or_default(),
            text: utc.format(format).unwrap_or_default(),
        }
    }
}

/// A moment for programs (RFC 3339), and its day in UTC to be read where no script tells it in the visitor's zone.
pub(crate) fn moment(at: OffsetDateTime) -> (String, String) {
    let at = at.to_offset(UtcOffset::UTC);
    (
        at.format(&Rfc3339).unwrap_or_default(),
        at.date().to_string(),
    )
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_is_written_for_people_and_for_programs() {
        let moment = Moment::from(datetime!(2026-03-01 13:05:59.5 +01:00));
        assert_eq!(moment.text, "2026-03-01 12:05 UTC");
        assert_eq!(moment.rfc3339, "2026-03-01T12:05:59.5Z");
    }
}

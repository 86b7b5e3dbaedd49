//! Ages as people write them: `90d`, `12h`, `2w`.

use std::fmt;
use std::str::FromStr;

use time::{Duration, OffsetDateTime};

/// An age in whole hours, at most a hundred years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    hours: u32,
}

impl Age {
    /// Maximum age: a hundred years of 365 days.
    const MAX_HOURS: u32 = 100 * 365 * 24;

    /// Creates an age of days of 24 hours, limited to a hundred years.
    #[must_use]
    pub fn days(days: u32) -> Self {
        Self {
            hours: days.saturating_mul(24).min(Self::MAX_HOURS),
        }
    }

    /// Returns the age as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::hours(i64::from(self.hours))
    }

    /// Returns the time before which things are older than this at `now`.
    #[must_use]
    pub fn cutoff(self, now: OffsetDateTime) -> OffsetDateTime {
        now.saturating_sub(self.duration())
    }
}

impl FromStr for Age {
    type Err = AgeError;

    /// Parses a whole number and its unit: `h` hours, `d` days of 24 hours, `w` weeks of 7 days.
    fn from_str(text: &str) -> Result<Self, AgeError> {
        let digits = text.find(|character: char| !character.is_ascii_digit());
        let (number, unit) = text
            .split_at_checked(digits.ok_or(AgeError::NoUnit)?)
            .filter(|(number, _)| !number.is_empty())
            .ok_or(AgeError::NotANumber)?;
        let hours: u32 = match unit {
            "h" => 1,
            "d" => 24,
            "w" => 24 * 7,
            _ => return Err(AgeError::Unit(unit.to_owned())),
        };
        number
            .parse()
            .ok()
            .and_then(|number: u32| number.checked_mul(hours))
            .filter(|hours| *hours <= Self::MAX_HOURS)
            .map(|hours| Self { hours })
            .ok_or(AgeError::TooLong)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours {
            hours if hours % 24 == 0 => write!(f, "{}d", hours / 24),
            hours => write!(f, "{hours}h"),
        }
    }
}

/// Why a text is not an age. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// It does not begin with a whole number.
    #[error("an age must be a whole number with a unit, such as 12h, 90d or 2w")]
    NotANumber,
    /// Only a number, or nothing.
    #[error("an age must have a unit: `h` for hours, `d` for days or `w` for weeks, such as 90d")]
    NoUnit,
    /// Another unit.
    #[error("unknown unit {0:?}; use `h` for hours, `d` for days or `w` for weeks")]
    Unit(String),
    /// More than a hundred years.
    #[error("an age must be at most 36500d")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn hours_days_and_weeks_are_read() {
        for (text, duration) in [
            ("90d", Duration::days(90)),
            ("12h", Duration::hours(12)),
            ("2w", Duration::weeks(2)),
            ("0d", Duration::ZERO),
            ("36500d", Duration::days(36_500)),
        ] {
            let age: Age = text.parse().unwrap();
            assert_eq!(age.duration(), duration, "{text}");
            assert_eq!(age.to_string().parse(), Ok(age));
        }
        assert_eq!(Age::days(90), "90d".parse().unwrap());
        assert_eq!(Age::days(u32::MAX), "36500d".parse().unwrap());
    }

    #[test]
    fn what_is_no_age_is_refused_with_its_reason() {
        for (text, error) in [
            ("", AgeError::NoUnit),
            ("90", AgeError::NoUnit),
            ("d", AgeError::NotANumber),
            ("-1d", AgeError::NotANumber),
            (" 1d", AgeError::NotANumber),
            ("1.5d", AgeError::Unit(".5d".to_owned())),
            ("3m", AgeError::Unit("m".to_owned())),
            ("90 d", AgeError::Unit(" d".to_owned())),
            ("90D", AgeError::Unit("D".to_owned())),
            ("36501d", AgeError::TooLong),
            ("99999999999999999999w", AgeError::TooLong),
            ("4294967295w", AgeError::TooLong),
        ] {
            assert_eq!(text.parse::<Age>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn what_is_older_lies_before_the_cutoff() {
        let now = datetime!(2026-03-01 12:00 UTC);
        assert_eq!(Age::days(1).cutoff(now), datetime!(2026-02-28 12:00 UTC));
    }
}

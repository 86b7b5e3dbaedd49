//! Periods of days.

use time::macros::format_description;
use time::{Date, Duration};

/// Number of days of the last week: today and the six days before.
pub(super) const WEEK: u16 = 7;
/// Number of recent days: today and the 29 days before.
pub(super) const LATELY: u16 = 30;

/// Consecutive days, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl Days {
    /// Maximum number of days: ten years.
    pub const MOST: i64 = 3_660;

    /// Parses a period: its first and last day, such as `2026-03-01`. Without a last day, it ends
    /// `today`. Without a first day, it has 30 days.
    ///
    /// # Errors
    /// [`DaysError`] says what is wrong.
    pub fn parse(from: Option<&str>, to: Option<&str>, today: Date) -> Result<Self, DaysError> {
        let read = |text: &str, name| {
            let format = format_description!("[year]-[month]-[day]");
            // Not every database supports days before the year 1.
            let day = Date::parse(text, format).ok().filter(|day| day.year() > 0);
            day.ok_or(DaysError::NotADay(name))
        };
        let to = to.map_or(Ok(today), |text| read(text, "to"))?;
        let from = from.map(|text| read(text, "from")).transpose()?;
        let days = from.map_or_else(|| Self::until(to, LATELY), |from| Self { from, to });
        if days.from > days.to {
            return Err(DaysError::Backwards);
        }
        if (days.to - days.from).whole_days() >= Self::MOST {
            return Err(DaysError::TooMany);
        }
        Ok(days)
    }

    /// Returns the period of a number of days that ends with `last`.
    pub(super) fn until(last: Date, days: u16) -> Self {
        let before = Duration::days(i64::from(days) - 1);
        Self {
            from: last.saturating_sub(before),
            to: last,
        }
    }

    /// Returns the shortest period that includes both periods.
    pub(super) fn and(self, more: Self) -> Self {
        Self {
            from: self.from.min(more.from),
            to: self.to.max(more.to),
        }
    }

    /// Whether a day is in the period.
    #[must_use]
    pub fn contains(self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }

    /// Returns the days in order.
    pub fn iter(self) -> impl Iterator<Item = Date> + use<> {
        let to = self.to;
        std::iter::successors(Some(self.from), |day| day.next_day())
            .take_while(move |day| *day <= to)
    }
}

/// Why a period is invalid. The message says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// A text is not a date.
    #[error("`{0}` must be a date such as 2026-03-01")]
    NotADay(&'static str),
    /// The last day is before the first.
    #[error("`from` must not be later than `to`")]
    Backwards,
    /// More days than [`Days::MOST`].
    #[error("the period from `from` to `to` must be at most {} days", Days::MOST)]
    TooMany,
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 03 - 01);

    #[test]
    fn a_range_is_the_last_30_days_unless_it_is_given() {
        let days = |from, to| Days::parse(from, to, TODAY).unwrap();
        let lately = days(None, None);
        assert_eq!((lately.from, lately.to), (date!(2026 - 01 - 31), TODAY));
        assert_eq!(lately.iter().count(), 30);
        assert_eq!(days(Some("2026-03-01"), None).iter().count(), 1);
        assert_eq!(
            days(Some("2024-02-28"), Some("2024-03-01")).iter().count(),
            3
        );
        let before = days(None, Some("2025-12-31"));
        assert_eq!(before.from, date!(2025 - 12 - 02));
        let most = days(Some("2016-02-23"), None);
        assert_eq!(i64::try_from(most.iter().count()).unwrap(), Days::MOST);
    }

    #[test]
    fn what_is_no_range_is_refused_with_its_reason() {
        for (from, to, error) in [
            (Some("yesterday"), None, DaysError::NotADay("from")),
            (None, Some("2026-02-30"), DaysError::NotADay("to")),
            (Some("2026-3-1"), None, DaysError::NotADay("from")),
            (Some("-9999-01-01"), None, DaysError::NotADay("from")),
            (Some("0000-12-31"), None, DaysError::NotADay("from")),
            (None, Some("-0001-12-31"), DaysError::NotADay("to")),
            (Some("2026-03-02"), None, DaysError::Backwards),
            (Some("2016-02-22"), None, DaysError::TooMany),
        ] {
            assert_eq!(Days::parse(from, to, TODAY), Err(error), "{from:?} {to:?}");
        }
    }
}

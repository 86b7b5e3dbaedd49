//! The time zone of days: of daily totals, statistics and salts.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// An IANA time zone such as `Europe/Berlin`. The rules are compiled into the program, so that all
/// servers use the same.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Returns Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }

    /// Returns the calendar day of `at` in this zone.
    #[must_use]
    pub fn day_of(&self, at: OffsetDateTime) -> Date {
        self.local(at).date()
    }

    /// Returns the local time of `at` in this zone.
    #[must_use]
    pub fn local(&self, at: OffsetDateTime) -> OffsetDateTime {
        let offset = Timestamp::from_second(at.unix_timestamp())
            .map_or(0, |timestamp| self.zone.to_offset(timestamp).seconds());
        let offset = UtcOffset::from_whole_seconds(offset).unwrap_or(UtcOffset::UTC);
        at.to_offset(offset)
    }

    /// Returns the time at which clocks in this zone show `local`, to the second. If they show it
    /// twice, returns the first time. If they skip it, returns the time later by the skipped
    /// interval. Returns `None` if the time is out of range.
    #[must_use]
    pub fn instant(&self, local: PrimitiveDateTime) -> Option<OffsetDateTime> {
        let (hour, minute, second) = local.as_hms();
        let small = |number: u8| i8::try_from(number).ok();
        let civil = civil::DateTime::new(
            i16::try_from(local.year()).ok()?,
            small(local.month().into())?,
            small(local.day())?,
            small(hour)?,
            small(minute)?,
            small(second)?,
            0,
        );
        let timestamp = self.zone.to_timestamp(civil.ok()?).ok()?;
        OffsetDateTime::from_unix_timestamp(timestamp.as_second()).ok()
    }

    /// Returns the IANA name of the zone.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        let zone = TimeZone::get(name).map_err(|_| ZoneError)?;
        let name = zone.iana_name().ok_or(ZoneError)?.to_owned();
        Ok(Self { name, zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The text is not the name of a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an IANA time zone such as UTC or Europe/Berlin")]
pub struct ZoneError;

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_day_begins_at_the_zones_midnight_summer_and_winter() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let summer = datetime!(2026-07-01 22:00 UTC);
        assert_eq!(berlin.day_of(summer), date!(2026 - 07 - 02));
        assert_eq!(
            berlin.day_of(summer - time::Duration::microseconds(1)),
            date!(2026 - 07 - 01)
        );
        assert_eq!(
            berlin.day_of(datetime!(2026-01-01 22:59 UTC)),
            date!(2026 - 01 - 01)
        );
        assert_eq!(
            berlin.day_of(datetime!(2026-01-01 23:00 UTC)),
            date!(2026 - 01 - 02)
        );
        assert_eq!(Zone::utc().day_of(summer), date!(2026 - 07 - 01));
    }

    #[test]
    fn what_clocks_show_is_a_moment_and_back() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        for (local, instant) in [
            (datetime!(2026-01-15 12:30), datetime!(2026-01-15 11:30 UTC)),
            (datetime!(2026-07-15 12:30), datetime!(2026-07-15 10:30 UTC)),
            // Shown twice, and skipped.
            (datetime!(2026-10-25 02:30), datetime!(2026-10-25 00:30 UTC)),
            (datetime!(2026-03-29 02:30), datetime!(2026-03-29 01:30 UTC)),
        ] {
            assert_eq!(berlin.instant(local), Some(instant), "{local}");
        }
        let local = berlin.local(datetime!(2026-07-15 10:30:15 UTC));
        assert_eq!(local, datetime!(2026-07-15 12:30:15 +02:00));
        assert_eq!(local.hour(), 12);
        assert_eq!(Zone::utc().instant(datetime!(-9999-01-01 0:00)), None);
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        for name in ["", "Mars/Olympus", "+02:00"] {
            assert_eq!(name.parse::<Zone>().unwrap_err(), ZoneError, "{name:?}");
        }
    }
}

//! The time zone in which days begin: of rollups, statistics and salts.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use time::{Date, OffsetDateTime, UtcOffset};

/// An IANA time zone such as `Europe/Berlin`. The rules come with the program, so that all nodes
/// agree on them.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }

    /// The calendar day on which `at` falls in this zone.
    #[must_use]
    pub fn day_of(&self, at: OffsetDateTime) -> Date {
        let offset = Timestamp::from_second(at.unix_timestamp())
            .map_or(0, |timestamp| self.zone.to_offset(timestamp).seconds());
        let offset = UtcOffset::from_whole_seconds(offset).unwrap_or(UtcOffset::UTC);
        at.to_offset(offset).date()
    }

    /// The zone's IANA name.
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

/// No such time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an IANA time zone such as UTC or Europe/Berlin")]
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
    fn an_unknown_zone_is_refused() {
        for name in ["", "Mars/Olympus", "+02:00"] {
            assert_eq!(name.parse::<Zone>().unwrap_err(), ZoneError, "{name:?}");
        }
    }
}

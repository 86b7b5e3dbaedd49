//! The settings of this crate's part of the program.

use waypost_core::Zone;
use waypost_core::settings::{Invalid, Setting, SettingsReader};

use crate::TrustedProxies;

const TRUSTED_PROXIES: Setting = Setting::new(
    "trusted_proxies",
    "none",
    "addresses and networks of the proxies whose forwarding headers count, such as 10.0.0.0/8",
);
const TIMEZONE: Setting = Setting::new(
    "timezone",
    "UTC",
    "IANA zone in which the days of rollups, statistics and salts begin",
);
const RETENTION_DAYS: Setting = Setting::new(
    "retention_days",
    "unset: keep",
    "age in days (1 to 36500) at which raw clicks are purged; totals and rollups stay",
);

/// How clicks are recorded and kept.
#[derive(Debug, Clone)]
pub struct ClickSettings {
    /// Whose forwarding headers count.
    pub trusted_proxies: TrustedProxies,
    /// Where days begin.
    pub zone: Zone,
    /// Age in days at which raw clicks are purged; `None` keeps them.
    pub retention_days: Option<u32>,
}

impl ClickSettings {
    /// What can be set.
    pub const SETTINGS: &'static [Setting] = &[TRUSTED_PROXIES, TIMEZONE, RETENTION_DAYS];

    /// Reads the section.
    ///
    /// # Errors
    /// [`Invalid`] when one of the settings is; the reader has noted every problem among them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let trusted_proxies = reader.value(&TRUSTED_PROXIES, TrustedProxies::default, str::parse);
        let zone = reader.value(&TIMEZONE, Zone::utc, str::parse);
        let retention_days = reader.optional_number(&RETENTION_DAYS, 1..=36_500);
        Ok(Self {
            trusted_proxies: trusted_proxies?,
            zone: zone?,
            retention_days: retention_days?.and_then(|days| u32::try_from(days).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_trusted_and_everything_is_kept_by_default() {
        let mut reader = SettingsReader::of_variables(&[]);
        let settings = ClickSettings::read(&mut reader).unwrap();
        assert_eq!(settings.trusted_proxies, TrustedProxies::default());
        assert_eq!(settings.zone.name(), "UTC");
        assert_eq!(settings.retention_days, None);
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }

    #[test]
    fn each_setting_is_read() {
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("WAYPOST_TIMEZONE", "Europe/Berlin"),
            ("WAYPOST_RETENTION_DAYS", "90"),
        ]);
        let settings = ClickSettings::read(&mut reader).unwrap();
        assert_eq!(settings.trusted_proxies.to_string(), "10.0.0.0/8,::1/128");
        assert_eq!(settings.zone.name(), "Europe/Berlin");
        assert_eq!(settings.retention_days, Some(90));
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }

    #[test]
    fn every_problem_is_reported_with_its_variable() {
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
            ("WAYPOST_TIMEZONE", "Berlin"),
            ("WAYPOST_RETENTION_DAYS", "0"),
        ]);
        assert!(ClickSettings::read(&mut reader).is_err());
        let problems = reader.finish(Ok(())).unwrap_err().to_string();
        for expected in [
            "WAYPOST_TRUSTED_PROXIES: \"10.0.0.0/8, proxy\" holds \"proxy\", which is neither",
            "WAYPOST_TIMEZONE: \"Berlin\" is not an IANA time zone",
            "WAYPOST_RETENTION_DAYS: \"0\" is not a whole number from 1 to 36500",
        ] {
            assert!(problems.contains(expected), "{expected} in\n{problems}");
        }
    }

    #[test]
    fn the_list_of_settings_is_what_is_read() {
        let names: Vec<_> = ClickSettings::SETTINGS
            .iter()
            .map(Setting::variable)
            .collect();
        let empty: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        let mut reader = SettingsReader::of_variables(&empty);
        let _ = ClickSettings::read(&mut reader);
        let problems = reader.finish(Ok(())).unwrap_err().to_string();
        assert!(!problems.contains("is not a setting"), "{problems}");
    }
}

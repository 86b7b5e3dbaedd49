//! The settings of clicks and the click journal.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use waypost_core::Zone;
use waypost_core::settings::{Invalid, Setting, SettingsReader};

use crate::{Privacy, TrustedProxies};

const TRUSTED_PROXIES: Setting = Setting::new(
    "trusted_proxies",
    "none",
    "IP addresses and networks of proxies whose X-Forwarded-For or Forwarded header is trusted, \
     such as 10.0.0.0/8; unix for those that connect to a Unix socket",
);
const TIMEZONE: Setting = Setting::new(
    "timezone",
    "UTC",
    "IANA time zone of daily totals, statistics and salts",
);
const RETENTION_DAYS: Setting = Setting::new(
    "retention_days",
    "unset: keep",
    "Days (1 to 36500) after which click records are purged; totals and daily totals are kept",
);
const DELETED_LINK_DAYS: Setting = Setting::new(
    "deleted_link_days",
    "30",
    "Days (1 to 36500) for which a deleted link can be restored; then it is purged with its \
     statistics",
);

const RECORDS_PER_LINK_AND_DAY: Setting = Setting::new(
    "records_per_link_and_day",
    "100000",
    "Maximum number of click records of a link and day (up to 1000000000); further clicks only \
     count in totals and statistics; `0`: no limit",
);
const PRIVACY: Setting = Setting::new(
    "privacy",
    "full",
    "What to store of clicks: `full`; `anonymous`: no user agent and no user; `counts`: daily \
     totals only",
);
const GEOIP_DB: Setting = Setting::new(
    "geoip_db",
    "none",
    "Country database in the format of MaxMind, such as GeoLite2-Country.mmdb",
);
const DURABILITY: Setting = Setting::new(
    "click_durability",
    "journal",
    "When to redirect a visitor: `journal`: once the click is in the journal; `commit`: once it \
     is in the database; `memory`: once it is in a queue, which a crash loses",
);
const SYNC_MS: Setting = Setting::new(
    "journal_sync_ms",
    "100",
    "Milliseconds (1 to 60000) after which a click in the journal is synced to disk",
);
const MAX_MB: Setting = Setting::new(
    "journal_max_mb",
    "1024",
    "Maximum size of the journal in MiB (1 to 1048576); when it is full, redirects continue and \
     clicks are dropped",
);
const KEEP_HOURS: Setting = Setting::new(
    "journal_keep_hours",
    "24",
    "Hours (0 to 8760) to keep stored clicks in the journal, within its maximum size; they are \
     stored again after the database is restored from a backup",
);

/// When a redirect is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once its click is written to the file: a killed process loses no click.
    #[default]
    Journal,
    /// Once the batch with its click has been committed in the database.
    Commit,
    /// Once its click is in a queue in memory, which a killed process loses.
    Memory,
}

impl Durability {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Journal, Self::Commit, Self::Memory];

    /// Returns the value of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Commit => "commit",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Durability {
    type Err = DurabilityError;

    fn from_str(text: &str) -> Result<Self, DurabilityError> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == text).ok_or(DurabilityError)
    }
}

/// The text is not a durability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be journal, commit or memory")]
pub struct DurabilityError;

/// The settings of the click journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalSettings {
    /// When a redirect is sent.
    pub durability: Durability,
    /// Maximum time until an accepted click is synced to disk.
    pub sync_interval: Duration,
    /// Maximum size of the journal in bytes.
    pub max_bytes: u64,
    /// How long stored clicks are kept in the journal, within its maximum size.
    pub keep: Duration,
}

/// The settings of clicks.
#[derive(Debug, Clone)]
pub struct ClickSettings {
    /// The settings of the click journal.
    pub journal: JournalSettings,
    /// The proxies whose forwarding headers are trusted.
    pub trusted_proxies: TrustedProxies,
    /// The time zone of days.
    pub zone: Zone,
    /// Days after which click records are purged; `None` keeps them.
    pub retention_days: Option<u32>,
    /// Days after which deleted links are purged.
    pub deleted_link_days: u32,
    /// Maximum number of click records of a link and day; `None` for no limit.
    pub records_per_day: Option<u64>,
    /// What is stored of clicks.
    pub privacy: Privacy,
    /// The country database; `None` if countries are not recorded.
    pub geoip_db: Option<PathBuf>,
}

impl ClickSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[
        DURABILITY,
        SYNC_MS,
        MAX_MB,
        KEEP_HOURS,
        TRUSTED_PROXIES,
        TIMEZONE,
        RETENTION_DAYS,
        DELETED_LINK_DAYS,
        RECORDS_PER_LINK_AND_DAY,
        PRIVACY,
        GEOIP_DB,
    ];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let durability = reader.value(&DURABILITY, Durability::default, str::parse);
        let sync_ms = reader.number(&SYNC_MS, 100, 1..=60_000);
        let max_mb = reader.number(&MAX_MB, 1_024, 1..=1_048_576);
        let keep_hours = reader.number(&KEEP_HOURS, 24, 0..=8_760);
        let trusted_proxies = reader.value(&TRUSTED_PROXIES, TrustedProxies::default, str::parse);
        let zone = reader.value(&TIMEZONE, Zone::utc, str::parse);
        let retention_days = reader.optional_number(&RETENTION_DAYS, 1..=36_500);
        let deleted_link_days = reader.number(&DELETED_LINK_DAYS, 30, 1..=36_500);
        let records_per_day = reader.number(&RECORDS_PER_LINK_AND_DAY, 100_000, 0..=1_000_000_000);
        let privacy = reader.value(&PRIVACY, Privacy::default, str::parse);
        let geoip_db = reader.optional(&GEOIP_DB, |path| Ok::<_, Infallible>(PathBuf::from(path)));
        Ok(Self {
            journal: JournalSettings {
                durability: durability?,
                sync_interval: Duration::from_millis(sync_ms?),
                max_bytes: max_mb?.saturating_mul(1_024 * 1_024),
                keep: Duration::from_secs(keep_hours?.saturating_mul(60 * 60)),
            },
            trusted_proxies: trusted_proxies?,
            zone: zone?,
            retention_days: retention_days?.and_then(|days| u32::try_from(days).ok()),
            deleted_link_days: deleted_link_days?.try_into().unwrap_or(u32::MAX),
            records_per_day: records_per_day.map(|number| (number > 0).then_some(number))?,
            privacy: privacy?,
            geoip_db: geoip_db?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_trusted_and_everything_is_kept_by_default() {
        let mut reader = SettingsReader::of_variables(&[]);
        let settings = ClickSettings::read(&mut reader).unwrap();
        assert_eq!(settings.trusted_proxies, TrustedProxies::default());
        assert_eq!(settings.zone.name(), "UTC");
        assert_eq!(settings.retention_days, None);
        assert_eq!(settings.records_per_day, Some(100_000));
        assert_eq!(settings.journal.durability, Durability::Journal);
        assert_eq!(settings.journal.sync_interval, Duration::from_millis(100));
        assert_eq!(settings.journal.max_bytes, 1_073_741_824);
        assert_eq!(settings.journal.keep, Duration::from_secs(86_400));
        assert_eq!(settings.privacy, Privacy::Full);
        assert_eq!(settings.geoip_db, None);
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }

    #[test]
    fn each_setting_is_read() {
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("WAYPOST_TIMEZONE", "Europe/Berlin"),
            ("WAYPOST_RETENTION_DAYS", "90"),
            ("WAYPOST_CLICK_DURABILITY", "commit"),
            ("WAYPOST_JOURNAL_SYNC_MS", "5"),
            ("WAYPOST_JOURNAL_MAX_MB", "2"),
            ("WAYPOST_JOURNAL_KEEP_HOURS", "0"),
            ("WAYPOST_PRIVACY", "anonymous"),
            ("WAYPOST_GEOIP_DB", "/srv/countries.mmdb"),
        ]);
        let settings = ClickSettings::read(&mut reader).unwrap();
        assert_eq!(settings.trusted_proxies.to_string(), "10.0.0.0/8,::1/128");
        assert_eq!(settings.zone.name(), "Europe/Berlin");
        assert_eq!(settings.retention_days, Some(90));
        assert_eq!(settings.journal.durability, Durability::Commit);
        assert_eq!(settings.journal.sync_interval, Duration::from_millis(5));
        assert_eq!(settings.journal.max_bytes, 2_097_152);
        assert_eq!(settings.journal.keep, Duration::ZERO);
        assert_eq!(settings.privacy, Privacy::Anonymous);
        assert_eq!(settings.geoip_db, Some("/srv/countries.mmdb".into()));
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }

    #[test]
    fn every_problem_is_reported_with_its_variable() {
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
            ("WAYPOST_TIMEZONE", "Berlin"),
            ("WAYPOST_RETENTION_DAYS", "0"),
            ("WAYPOST_CLICK_DURABILITY", "always"),
            ("WAYPOST_JOURNAL_SYNC_MS", "0"),
            ("WAYPOST_JOURNAL_MAX_MB", "much"),
            ("WAYPOST_JOURNAL_KEEP_HOURS", "-1"),
            ("WAYPOST_PRIVACY", "none"),
        ]);
        assert!(ClickSettings::read(&mut reader).is_err());
        let problems = reader.finish(Ok(())).unwrap_err().to_string();
        for expected in [
            "WAYPOST_TRUSTED_PROXIES: \"10.0.0.0/8, proxy\" contains \"proxy\", expected an IP address",
            "WAYPOST_TIMEZONE: \"Berlin\" must be an IANA time zone",
            "WAYPOST_RETENTION_DAYS: \"0\" must be a whole number from 1 to 36500",
            "WAYPOST_CLICK_DURABILITY: \"always\" must be journal, commit or memory",
            "WAYPOST_JOURNAL_SYNC_MS: \"0\" must be a whole number from 1 to 60000",
            "WAYPOST_JOURNAL_MAX_MB: \"much\" must be a whole number from 1 to 1048576",
            "WAYPOST_JOURNAL_KEEP_HOURS: \"-1\" must be a whole number from 0 to 8760",
            "WAYPOST_PRIVACY: \"none\" must be full, anonymous or counts",
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
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }
}

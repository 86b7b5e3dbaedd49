//! What is stored of clicks.

mod report;

use std::fmt;
use std::str::FromStr;

use waypost_core::Click;
use waypost_store::KeptRecords;

pub use report::{StoredField, report};

/// What is stored of clicks, besides the choices of visitors themselves (`Sec-GPC`, `DNT`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Privacy {
    /// All fields.
    #[default]
    Full,
    /// No user agent and no user.
    Anonymous,
    /// No click records, only daily totals.
    Counts,
}

impl Privacy {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Full, Self::Anonymous, Self::Counts];

    /// Returns the value of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Anonymous => "anonymous",
            Self::Counts => "counts",
        }
    }

    /// Whether click records are stored. Clicks are then recognised by their IDs.
    #[must_use]
    pub const fn keeps_rows(self) -> bool {
        !matches!(self, Self::Counts)
    }

    /// Returns which clicks leave records, with at most `per_day` of a link and day.
    pub(crate) const fn records(self, per_day: Option<u64>) -> KeptRecords {
        match (self, per_day) {
            (Self::Counts, _) => KeptRecords::None,
            (Self::Full | Self::Anonymous, Some(number)) => KeptRecords::UpTo(number),
            (Self::Full | Self::Anonymous, None) => KeptRecords::All,
        }
    }

    /// Whether click records have the user agent and the user.
    pub(crate) const fn keeps_who(self) -> bool {
        matches!(self, Self::Full)
    }

    /// Removes the fields from a click that must not be stored.
    pub(crate) fn strip(self, click: &mut Click) {
        if !self.keeps_who() {
            click.user_agent = None;
            click.user_id = None;
        }
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Privacy {
    type Err = PrivacyError;

    fn from_str(text: &str) -> Result<Self, PrivacyError> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == text).ok_or(PrivacyError)
    }
}

/// The text is not a privacy level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be full, anonymous or counts")]
pub struct PrivacyError;

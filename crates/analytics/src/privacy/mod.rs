//! How much is kept of a click.

mod report;

use std::fmt;
use std::str::FromStr;

use waypost_core::Click;

pub use report::{StoredField, report};

/// How much is kept of clicks, beyond what visitors themselves decide (`Sec-GPC`, `DNT`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Privacy {
    /// All that is known.
    #[default]
    Full,
    /// Neither what the browser calls itself nor who was signed in.
    Anonymous,
    /// No rows: rollups alone.
    Counts,
}

impl Privacy {
    /// Every one there is.
    pub const ALL: [Self; 3] = [Self::Full, Self::Anonymous, Self::Counts];

    /// The value of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Anonymous => "anonymous",
            Self::Counts => "counts",
        }
    }

    /// Whether clicks leave rows.
    #[must_use]
    pub const fn keeps_rows(self) -> bool {
        !matches!(self, Self::Counts)
    }

    /// Whether a row has the user agent and the user.
    pub(crate) const fn keeps_who(self) -> bool {
        matches!(self, Self::Full)
    }

    /// Takes from a click what is not to be kept of it.
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

/// No such privacy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be full, anonymous or counts")]
pub struct PrivacyError;

//! The counts of a link and a day by visit class, referrer host, browser, operating system, device
//! and country, as one small document stored beside the daily totals.
//!
//! A row for each value would be the usual way. One document per day keeps writes and reads fast: a
//! click on a quiet link costs one row of the rollup instead of six, and statistics of a year read
//! 365 rows instead of tens of thousands. A document is changed under the lock of its link, in the
//! transaction that adds the clicks, so no other transaction changes it between read and write.
//!
//! # The document
//! ```json
//! {"v":{"human":3,"bot":1},"r":{"news.example":[2,2]},"b":{"Firefox":[3,3]},"o":{"Linux":[3,3]},
//!  "d":{"desktop":[3,3]},"c":{"DE":[2,2]}}
//! ```
//! `v`: clicks by visit class. `r` referrer hosts, `b` browsers, `o` operating systems, `d`
//! devices, `c` countries: clicks, and how many of them were by people ([`VisitClass::Human`]). The
//! number of clicks with an unknown value is the number of clicks of the day minus the sum. A click
//! without a class is in none of them: it was stored before documents existed.
//!
//! # Limits
//! Each of the five has at most [`MAX_VALUES`] values a day, the first ones to occur; all others
//! are counted under [`OTHER`], and so are hosts longer than 253 bytes.

mod part;
mod sum;
mod values;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use waypost_core::{Click, VisitClass, normal_host};

pub use self::sum::FactsSum;
use self::values::{Classes, Values};

/// Maximum number of values of a dimension that are counted separately, for each link and day.
pub const MAX_VALUES: usize = 50;
/// Maximum length of a host name, in bytes (RFC 1035 §2.3.4, as written).
const MAX_HOST: usize = 253;
/// The value under which all others are counted.
pub const OTHER: &str = "other";

/// A property by which clicks are counted, besides their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The host of the referrer.
    Referrer,
    /// The family of the browser.
    Browser,
    /// The family of the operating system.
    Os,
    /// The class of the device.
    Device,
    /// The country.
    Country,
}

impl Dimension {
    /// All dimensions.
    pub const ALL: [Self; 5] = [
        Self::Referrer,
        Self::Browser,
        Self::Os,
        Self::Device,
        Self::Country,
    ];

    /// Returns the name used in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Referrer => "referrer",
            Self::Browser => "browser",
            Self::Os => "os",
            Self::Device => "device",
            Self::Country => "country",
        }
    }

    /// Returns the value of a click; `None` if it is unknown.
    fn of(self, click: &Click) -> Option<Cow<'_, str>> {
        let facts = &click.facts;
        match self {
            Self::Referrer => return click.referrer.as_ref().map(|page| host(page.host())),
            Self::Browser => facts.browser.as_ref().map(waypost_core::Family::as_str),
            Self::Os => facts.os.as_ref().map(waypost_core::Family::as_str),
            Self::Device => facts.device.map(waypost_core::DeviceClass::as_str),
            Self::Country => facts.country.as_ref().map(waypost_core::Country::as_str),
        }
        .map(Cow::Borrowed)
    }
}

/// Returns the host as it is counted: one that is longer than a host name can be counts as
/// [`OTHER`].
fn host(host: Cow<'_, str>) -> Cow<'_, str> {
    if host.len() <= MAX_HOST {
        host
    } else {
        Cow::Borrowed(OTHER)
    }
}

/// The part of a document to read: reading all of it takes several times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// Clicks by visit class.
    Classes,
    /// Clicks by the values of a dimension.
    Of(Dimension),
}

/// A number of clicks, and how many of them were by people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// All clicks.
    pub clicks: u64,
    /// Those of [`VisitClass::Human`].
    pub humans: u64,
}

impl Counted {
    /// Adds the numbers of `more`.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            clicks: self.clicks.saturating_add(more.clicks),
            humans: self.humans.saturating_add(more.humans),
        }
    }

    /// Subtracts the numbers of `less`.
    #[must_use]
    pub const fn minus(self, less: Self) -> Self {
        Self {
            clicks: self.clicks.saturating_sub(less.clicks),
            humans: self.humans.saturating_sub(less.humans),
        }
    }

    fn of(click: &Click) -> Self {
        let is_human = click.facts.class == Some(VisitClass::Human);
        Self {
            clicks: 1,
            humans: u64::from(is_human),
        }
    }
}

/// The document of a link and a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFacts<'a> {
    #[serde(rename = "v", default, skip_serializing_if = "Classes::is_empty")]
    classes: Classes,
    #[serde(
        borrow,
        rename = "r",
        default,
        skip_serializing_if = "Values::is_empty"
    )]
    referrers: Values<'a>,
    #[serde(
        borrow,
        rename = "b",
        default,
        skip_serializing_if = "Values::is_empty"
    )]
    browsers: Values<'a>,
    #[serde(
        borrow,
        rename = "o",
        default,
        skip_serializing_if = "Values::is_empty"
    )]
    systems: Values<'a>,
    #[serde(
        borrow,
        rename = "d",
        default,
        skip_serializing_if = "Values::is_empty"
    )]
    devices: Values<'a>,
    #[serde(
        borrow,
        rename = "c",
        default,
        skip_serializing_if = "Values::is_empty"
    )]
    countries: Values<'a>,
}

impl<'a> DayFacts<'a> {
    /// Reads a stored document.
    ///
    /// # Errors
    /// [`DayFactsError`] when the text is not such a document.
    pub fn parse(text: &'a str) -> Result<Self, DayFactsError> {
        let facts: Self = serde_json::from_str(text).map_err(DayFactsError)?;
        Ok(facts.with_normal_hosts())
    }

    /// Reads a part of a stored document; the other parts stay empty.
    ///
    /// # Errors
    /// [`DayFactsError`] when the text is not such a document.
    pub fn parse_part(text: &'a str, part: Part) -> Result<Self, DayFactsError> {
        match part {
            Part::All => Self::parse(text),
            Part::Classes | Part::Of(_) => part::parse(text, part)
                .map(Self::with_normal_hosts)
                .map_err(DayFactsError),
        }
    }

    /// Adds up hosts that earlier versions counted apart: `www.example.com.` and `WWW.example.com`.
    fn with_normal_hosts(mut self) -> Self {
        self.referrers = self.referrers.normalised(normal_host);
        self
    }

    /// Returns the document as it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Maps of strings and numbers: JSON can represent them all.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Counts a click if it has a class. Values for which there is no room are counted under
    /// [`OTHER`].
    pub fn count(&mut self, click: &'a Click) {
        let Some(class) = click.facts.class else {
            return;
        };
        self.classes.add(class, 1);
        let counted = Counted::of(click);
        for dimension in Dimension::ALL {
            if let Some(value) = dimension.of(click) {
                self.values_mut(dimension).add(value, counted);
            }
        }
    }

    /// Reverts the counting of a click, if it has a class. If its value is not there, it was
    /// counted under [`OTHER`].
    pub fn uncount(&mut self, click: &Click) {
        let Some(class) = click.facts.class else {
            return;
        };
        self.classes.take(class);
        let counted = Counted::of(click);
        for dimension in Dimension::ALL {
            if let Some(value) = dimension.of(click) {
                self.values_mut(dimension).take(&value, counted);
            }
        }
    }

    /// Returns a copy with one more click that owns its data.
    #[must_use]
    pub fn and(self, click: &Click) -> DayFacts<'static> {
        let mut facts: DayFacts<'_> = self;
        facts.count(click);
        facts.into_owned()
    }

    /// Returns a copy that owns its data.
    #[must_use]
    pub fn into_owned(self) -> DayFacts<'static> {
        DayFacts {
            classes: self.classes,
            referrers: self.referrers.into_owned(),
            browsers: self.browsers.into_owned(),
            systems: self.systems.into_owned(),
            devices: self.devices.into_owned(),
            countries: self.countries.into_owned(),
        }
    }

    /// Keeps only `part`.
    #[must_use]
    pub fn only(mut self, part: Part) -> Self {
        if part == Part::All {
            return self;
        }
        if part != Part::Classes {
            self.classes = Classes::default();
        }
        for dimension in Dimension::ALL {
            if part != Part::Of(dimension) {
                *self.values_mut(dimension) = Values::default();
            }
        }
        self
    }

    /// Returns the number of clicks of a class.
    #[must_use]
    pub fn of_class(&self, class: VisitClass) -> u64 {
        self.classes.of(class)
    }

    /// Returns the known values of a dimension.
    pub fn of(&self, dimension: Dimension) -> impl Iterator<Item = (&str, Counted)> {
        self.values(dimension).iter()
    }

    const fn values(&self, dimension: Dimension) -> &Values<'a> {
        match dimension {
            Dimension::Referrer => &self.referrers,
            Dimension::Browser => &self.browsers,
            Dimension::Os => &self.systems,
            Dimension::Device => &self.devices,
            Dimension::Country => &self.countries,
        }
    }

    const fn values_mut(&mut self, dimension: Dimension) -> &mut Values<'a> {
        match dimension {
            Dimension::Referrer => &mut self.referrers,
            Dimension::Browser => &mut self.browsers,
            Dimension::Os => &mut self.systems,
            Dimension::Device => &mut self.devices,
            Dimension::Country => &mut self.countries,
        }
    }
}

/// The text is not the document of a day.
#[derive(Debug, thiserror::Error)]
#[error("the daily totals of a link cannot be read")]
pub struct DayFactsError(#[source] serde_json::Error);

#[cfg(test)]
mod tests;

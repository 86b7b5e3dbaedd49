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
mod tests {
    use waypost_core::{ClickFacts, DeviceClass, Family, Referrer};

    use super::*;
    use waypost_store_testkit::samples::Samples;

    fn click(class: VisitClass, host: &str) -> Click {
        let samples = Samples::new(1);
        let mut click = samples.click(&samples.link("wiki"));
        let page = format!("https://{host}/page");
        click.referrer = Referrer::from_header(page.as_bytes());
        click.facts = ClickFacts {
            class: Some(class),
            browser: Family::of("Firefox"),
            device: Some(DeviceClass::Desktop),
            ..ClickFacts::default()
        };
        click
    }

    fn sum(facts: &DayFacts<'_>, dimension: Dimension) -> Counted {
        let counted = facts.of(dimension).map(|(_, counted)| counted);
        counted.fold(Counted::default(), Counted::plus)
    }

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let clicks = [
            click(VisitClass::Human, "a.example"),
            click(VisitClass::Bot, "a.example"),
            click(VisitClass::Human, "b.example"),
        ];
        let mut facts = DayFacts::default();
        for click in &clicks {
            facts.count(click);
        }
        let text = facts.to_text();
        assert_eq!(
            text,
            "{\"v\":{\"human\":2,\"bot\":1},\"r\":{\"a.example\":[2,1],\"b.example\":[1,1]},\"b\":{\"Firefox\":[3,2]},\
             \"d\":{\"desktop\":[3,2]}}"
        );
        assert_eq!(DayFacts::parse(&text).unwrap(), facts);
        assert_eq!(DayFacts::parse("{}").unwrap(), DayFacts::default());
        assert_eq!(facts.clone().into_owned(), facts);
        for bad in ["", "{\"v\":{\"ghost\":1}}", "{\"b\":{\"x\":[1]}}"] {
            DayFacts::parse(bad).unwrap_err();
        }
        let parts = Dimension::ALL.map(Part::Of);
        for part in [Part::All, Part::Classes].into_iter().chain(parts) {
            let read = DayFacts::parse_part(&text, part).unwrap();
            assert_eq!(read, facts.clone().only(part), "{part:?}");
            DayFacts::parse_part("", part).unwrap_err();
            DayFacts::parse_part("{\"v\":", part).unwrap_err();
        }
    }

    #[test]
    fn a_part_is_found_whatever_values_are_called() {
        let names = [
            "\"c\":{\"DE\":[9,9]}",
            "c",
            "\\\"c\\\":{",
            "r",
            "d",
            "{",
            "}}",
        ];
        let clicks = names.map(|name| {
            let mut click = click(VisitClass::Human, "a.example");
            click.facts.browser = Family::of(name);
            click.facts.os = Family::of(name);
            click.facts.country = waypost_core::Country::parse("FR");
            click
        });
        let mut facts = DayFacts::default();
        for click in &clicks {
            facts.count(click);
        }
        let text = facts.to_text();
        // As it is written, and with white space, which no version writes.
        for text in [text.clone(), text.replace(":{\"", ": { \"")] {
            let all = DayFacts::parse(&text).unwrap();
            let parts = Dimension::ALL.map(Part::Of);
            for part in parts.into_iter().chain([Part::Classes]) {
                let read = DayFacts::parse_part(&text, part).unwrap();
                assert_eq!(read, all.clone().only(part), "{part:?} of {text}");
            }
        }
    }

    #[test]
    fn what_is_taken_back_was_never_counted() {
        let clicks: Vec<Click> = (0..120)
            .map(|n| click(VisitClass::ALL[n % 5], &format!("host{}.example", n % 60)))
            .collect();
        let mut facts = DayFacts::default();
        for click in &clicks {
            facts.count(click);
        }
        // The last ones were counted under `other` and are removed from there.
        for click in clicks.iter().skip(60).rev() {
            facts.uncount(click);
        }
        let mut first = DayFacts::default();
        for click in clicks.iter().take(60) {
            first.count(click);
        }
        assert_eq!(facts, first);
        for click in clicks.iter().take(60).rev() {
            facts.uncount(click);
        }
        assert_eq!(facts.to_text(), "{}");
    }

    #[test]
    fn a_host_that_is_too_long_is_counted_with_the_others() {
        let clicks = [253, 254].map(|length| click(VisitClass::Human, &"x".repeat(length)));
        let mut facts = DayFacts::default();
        for click in &clicks {
            facts.count(click);
        }
        let hosts: Vec<usize> = facts
            .of(Dimension::Referrer)
            .map(|(host, _)| host.len())
            .collect();
        assert_eq!(hosts, [253, OTHER.len()]);
    }

    #[test]
    fn hosts_that_earlier_versions_counted_apart_are_one() {
        let text = "{\"v\":{\"human\":6},\"r\":{\"www.a.example.\":[2,2],\"com.Slack\":[1,1],\
                    \"www.a.example\":[2,1],\"com.slack\":[1,1]},\"b\":{\"Firefox\":[6,6]}}";
        let of = |clicks, humans| Counted { clicks, humans };
        let wanted = [("www.a.example", of(4, 3)), ("com.slack", of(2, 2))];
        for part in [Part::All, Part::Of(Dimension::Referrer)] {
            let facts = DayFacts::parse_part(text, part).unwrap();
            let found: Vec<_> = facts.of(Dimension::Referrer).collect();
            assert_eq!(found, wanted, "{part:?}");
        }
        // A stored click of an earlier version is removed from where it is counted now.
        let mut old = click(VisitClass::Human, "www.a.example");
        old.referrer = Some(Referrer::from_stored("https://www.A.example./x".to_owned()));
        let mut facts = DayFacts::parse(text).unwrap();
        facts.uncount(&old);
        assert_eq!(
            facts.of(Dimension::Referrer).next(),
            Some(("www.a.example", of(3, 2)))
        );
        // Families keep their case.
        assert_eq!(
            facts.of(Dimension::Browser).next(),
            Some(("Firefox", of(5, 5)))
        );
    }

    #[test]
    fn what_has_to_be_escaped_comes_back() {
        let mut odd = click(VisitClass::Human, "a.example");
        odd.facts.browser = Family::of("\"qu\\ot\u{e9}\"");
        let mut facts = DayFacts::default();
        facts.count(&odd);
        let text = facts.to_text();
        assert_eq!(DayFacts::parse(&text).unwrap(), facts);
    }

    #[test]
    fn whatever_the_batches_are_no_click_is_lost_and_no_day_grows_beyond_its_bound() {
        let clicks: Vec<Click> = (0..300)
            .map(|n| click(VisitClass::Human, &format!("host{}.example", n % 120)))
            .collect();
        for size in [1, 7, 100, 300] {
            let mut stored = "{}".to_owned();
            for batch in clicks.chunks(size) {
                let mut facts = DayFacts::parse(&stored).unwrap();
                for click in batch {
                    facts.count(click);
                }
                stored = facts.to_text();
            }
            let facts = DayFacts::parse(&stored).unwrap();
            assert_eq!(sum(&facts, Dimension::Referrer).clicks, 300);
            assert_eq!(facts.of(Dimension::Referrer).count(), MAX_VALUES + 1);
            let (_, other) = facts.of(Dimension::Referrer).last().unwrap();
            // Each of the first 50 hosts occurred three times.
            assert_eq!(other.clicks, 150);
            assert_eq!(facts.of_class(VisitClass::Human), 300);
        }
    }
}

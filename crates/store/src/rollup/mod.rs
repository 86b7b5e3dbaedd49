//! What a day of a link is counted by: its clicks by visit class, referrer host, browser, operating
//! system, device and country, as one small document that stands beside the numbers of the day.
//!
//! A row for each value would be the usual way. One document per day is what keeps both ends fast: a
//! click on a quiet link costs one row of the rollup instead of six, and the answer for a year reads 365
//! rows instead of tens of thousands. Whoever adds to a document has the lock of its link, in the
//! transaction that adds the clicks: nobody else reads it between reading and writing.
//!
//! # The document
//! ```json
//! {"v":{"human":3,"bot":1},"r":{"news.example":[2,2]},"b":{"Firefox":[3,3]},"o":{"Linux":[3,3]},
//!  "d":{"desktop":[3,3]},"c":{"DE":[2,2]}}
//! ```
//! `v`: clicks by visit class. `r` referrer hosts, `b` browsers, `o` operating systems, `d` devices, `c`
//! countries: clicks, and how many of them were of people ([`VisitClass::Human`]). What is not in it is
//! not known: the number of clicks of the day less the sum. A click without a class is in none of them:
//! it was stored before there were documents.
//!
//! # The bound
//! Each of the five has at most [`MAX_VALUES`] values a day, whichever come first; what comes after is
//! counted under [`OTHER`], and so are hosts that are longer than 253 bytes.

mod part;
mod sum;
mod values;

use serde::{Deserialize, Serialize};
use waypost_core::{Click, VisitClass};

pub use self::sum::FactsSum;
use self::values::{Classes, Values};

/// So many values of a dimension are counted by themselves, for each link and day.
pub const MAX_VALUES: usize = 50;
/// The longest name of a host, in bytes (RFC 1035 §2.3.4, as it is written).
const MAX_HOST: usize = 253;
/// Under which all others are counted.
pub const OTHER: &str = "other";

/// What clicks are counted by, besides their class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// The host of the page that the visitor came from.
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
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Referrer,
        Self::Browser,
        Self::Os,
        Self::Device,
        Self::Country,
    ];

    /// Its name, as it is asked for.
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

    /// The value that a click has; `None` where it is not known.
    fn of(self, click: &Click) -> Option<&str> {
        let facts = &click.facts;
        match self {
            Self::Referrer => click.referrer.as_ref().map(|page| host(page.host())),
            Self::Browser => facts.browser.as_ref().map(waypost_core::Family::as_str),
            Self::Os => facts.os.as_ref().map(waypost_core::Family::as_str),
            Self::Device => facts.device.map(waypost_core::DeviceClass::as_str),
            Self::Country => facts.country.as_ref().map(waypost_core::Country::as_str),
        }
    }
}

/// A host as it is counted: one that is longer than a name can be is none that anybody has.
const fn host(host: &str) -> &str {
    if host.len() <= MAX_HOST { host } else { OTHER }
}

/// What of a document is asked for: reading the whole one takes several times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// Clicks by visit class.
    Classes,
    /// Clicks by the values of a dimension.
    Of(Dimension),
}

/// A number of clicks, and how many of them were of people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// All clicks.
    pub clicks: u64,
    /// Those of [`VisitClass::Human`].
    pub humans: u64,
}

impl Counted {
    /// These and those.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            clicks: self.clicks.saturating_add(more.clicks),
            humans: self.humans.saturating_add(more.humans),
        }
    }

    /// These without those.
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
    /// [`DayFactsError`] when it is none.
    pub fn parse(text: &'a str) -> Result<Self, DayFactsError> {
        serde_json::from_str(text).map_err(DayFactsError)
    }

    /// Reads a part of a stored document; the others are as if nothing had been counted.
    ///
    /// # Errors
    /// [`DayFactsError`] when it is none.
    pub fn parse_part(text: &'a str, part: Part) -> Result<Self, DayFactsError> {
        match part {
            Part::All => Self::parse(text),
            Part::Classes | Part::Of(_) => part::parse(text, part).map_err(DayFactsError),
        }
    }

    /// The document as it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Maps of strings and numbers: there is nothing that JSON could not say.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Counts a click, if it has a class. Values for which there is no more room are counted under
    /// [`OTHER`].
    pub fn count(&mut self, click: &'a Click) {
        let Some(class) = click.facts.class else {
            return;
        };
        self.classes.add(class, 1);
        let counted = Counted::of(click);
        for dimension in Dimension::ALL {
            if let Some(value) = dimension.of(click) {
                self.values_mut(dimension).add(value.into(), counted);
            }
        }
    }

    /// Takes back that a click was counted, if it has a class. Where its value is not there, it was
    /// counted under [`OTHER`].
    pub fn uncount(&mut self, click: &Click) {
        let Some(class) = click.facts.class else {
            return;
        };
        self.classes.take(class);
        let counted = Counted::of(click);
        for dimension in Dimension::ALL {
            if let Some(value) = dimension.of(click) {
                self.values_mut(dimension).take(value, counted);
            }
        }
    }

    /// The same with one more click, held by nothing else.
    #[must_use]
    pub fn and(self, click: &Click) -> DayFacts<'static> {
        let mut facts: DayFacts<'_> = self;
        facts.count(click);
        facts.into_owned()
    }

    /// The same, held by nothing else.
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

    /// The same without what is not of `part`.
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

    /// How many clicks are of this class.
    #[must_use]
    pub fn of_class(&self, class: VisitClass) -> u64 {
        self.classes.of(class)
    }

    /// The known values of a dimension.
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

/// A text is not the document of a day.
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
        // As it is written, and with white space, which nobody writes.
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
        // Those that came last were counted under `other` and are taken back from there.
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
            // Of the first 50 hosts, each came three times.
            assert_eq!(other.clicks, 150);
            assert_eq!(facts.of_class(VisitClass::Human), 300);
        }
    }
}

//! What the clicks of some days are counted by.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::str::FromStr;

use waypost_core::VisitClass;
use waypost_store::LinkDayFacts;
use waypost_store::rollup::{Counted, Dimension};

/// What clicks can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakdownBy {
    /// The host of the referrer, the browser, the operating system, the device or the country.
    Dimension(Dimension),
    /// The visit class.
    Class,
}

impl BreakdownBy {
    /// Its name, as it is asked for.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dimension(dimension) => dimension.as_str(),
            Self::Class => "class",
        }
    }
}

impl FromStr for BreakdownBy {
    type Err = BreakdownByError;

    fn from_str(text: &str) -> Result<Self, BreakdownByError> {
        if text == Self::Class.as_str() {
            return Ok(Self::Class);
        }
        let mut all = Dimension::ALL.into_iter();
        all.find(|dimension| dimension.as_str() == text)
            .map(Self::Dimension)
            .ok_or(BreakdownByError)
    }
}

/// Clicks are counted by nothing of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`by` is referrer, browser, os, device, country or class")]
pub struct BreakdownByError;

/// Clicks by value, most clicks first, then in the order of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// Each value; the empty one stands for those of which it is not known. All of them add up to all
    /// clicks of the days.
    pub rows: Vec<(String, Counted)>,
}

impl Breakdown {
    pub(super) fn of(by: BreakdownBy, days: &[LinkDayFacts]) -> Self {
        let mut values: HashMap<&str, Counted> = HashMap::new();
        let mut unknown = Counted::default();
        for day in days {
            let mut known = Counted::default();
            let mut add = |value, counted: Counted| {
                let sum = values.entry(value).or_default();
                *sum = sum.plus(counted);
                known = known.plus(counted);
            };
            match by {
                BreakdownBy::Dimension(dimension) => {
                    day.facts
                        .of(dimension)
                        .for_each(|(value, counted)| add(value, counted));
                }
                BreakdownBy::Class => {
                    for class in VisitClass::ALL {
                        let clicks = day.facts.of_class(class);
                        let is_human = class == VisitClass::Human;
                        let humans = if is_human { clicks } else { 0 };
                        add(class.as_str(), Counted { clicks, humans });
                    }
                }
            }
            unknown = unknown.plus(day.counted.minus(known));
        }
        let known = values
            .into_iter()
            .map(|(value, sum)| (value.to_owned(), sum));
        let mut rows: Vec<(String, Counted)> = known
            .chain([(String::new(), unknown)])
            .filter(|(_, counted)| counted.clicks > 0)
            .collect();
        rows.sort_by(|(a, of_a), (b, of_b)| {
            (Reverse(of_a.clicks), a).cmp(&(Reverse(of_b.clicks), b))
        });
        Self { rows }
    }
}

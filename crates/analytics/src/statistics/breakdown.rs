//! Breakdowns of the clicks of a period.

use std::cmp::Reverse;
use std::str::FromStr;

use waypost_core::VisitClass;
use waypost_store::rollup::{Counted, Dimension, FactsSum};

/// The criterion of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakdownBy {
    /// The host of the referrer, the browser, the operating system, the device or the country.
    Dimension(Dimension),
    /// The visit class.
    Class,
}

impl BreakdownBy {
    /// Returns its name in requests.
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

/// The text is not a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`by` must be referrer, browser, os, device, country or class")]
pub struct BreakdownByError;

/// Clicks by value, most clicks first, then in the order of the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// The values, with their clicks. The empty value counts clicks whose value is unknown. The sum
    /// is the number of all clicks of the period.
    pub rows: Vec<(String, Counted)>,
}

impl Breakdown {
    pub(super) fn of(by: BreakdownBy, days: &FactsSum) -> Self {
        let mut rows: Vec<(String, Counted)> = match by {
            BreakdownBy::Dimension(dimension) => days
                .of(dimension)
                .map(|(value, counted)| (value.to_owned(), counted))
                .collect(),
            BreakdownBy::Class => VisitClass::ALL
                .map(|class| {
                    let clicks = days.of_class(class);
                    let humans = if class == VisitClass::Human {
                        clicks
                    } else {
                        0
                    };
                    (class.as_str().to_owned(), Counted { clicks, humans })
                })
                .into(),
        };
        let known = rows.iter().map(|(_, counted)| *counted);
        let known = known.fold(Counted::default(), Counted::plus);
        rows.push((String::new(), days.counted().minus(known)));
        rows.retain(|(_, counted)| counted.clicks > 0);
        rows.sort_by(|(a, of_a), (b, of_b)| {
            (Reverse(of_a.clicks), a).cmp(&(Reverse(of_b.clicks), b))
        });
        Self { rows }
    }
}

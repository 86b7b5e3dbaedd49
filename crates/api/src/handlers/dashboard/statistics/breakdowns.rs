//! Breakdowns of the clicks of a link as bars: the ten values with most clicks, all other values,
//! and unknown ones.

use askama::Template;
use waypost_analytics::statistics::{Breakdown, BreakdownBy, Days};
use waypost_core::{LinkId, VisitClass};
use waypost_store::rollup::{Counted, Dimension, OTHER};

use super::class_name;
use crate::errors::ApiError;
use crate::pages::text::{grouped, percent, share};
use crate::state::State;

/// Maximum number of values with a bar each.
const TOP: usize = 10;

/// The breakdowns: title, name of a value, and label of clicks whose value is unknown.
const CARDS: [(BreakdownBy, &str, &str, &str); 6] = [
    (
        BreakdownBy::Dimension(Dimension::Referrer),
        "Referrers",
        "Host",
        "Direct or unknown",
    ),
    (
        BreakdownBy::Dimension(Dimension::Browser),
        "Browsers",
        "Browser",
        "Unknown",
    ),
    (
        BreakdownBy::Dimension(Dimension::Os),
        "Systems",
        "System",
        "Unknown",
    ),
    (
        BreakdownBy::Dimension(Dimension::Device),
        "Devices",
        "Device",
        "Unknown",
    ),
    (
        BreakdownBy::Dimension(Dimension::Country),
        "Countries",
        "Country",
        "Unknown",
    ),
    (BreakdownBy::Class, "Click types", "Type", "Unknown"),
];

/// All breakdowns.
#[derive(Template)]
#[template(path = "dashboard/statistics/breakdowns.html")]
pub(super) struct BreakdownsPart {
    cards: Vec<Card>,
    /// The days, within a sentence.
    days: String,
}

/// One breakdown.
struct Card {
    title: &'static str,
    value: &'static str,
    bars: Vec<Bar>,
}

/// The clicks with one value.
struct Bar {
    label: String,
    /// Whether the label is a country code, which a script replaces by the name of the country.
    is_country: bool,
    clicks: String,
    humans: String,
    share: String,
    percent: u64,
}

impl BreakdownsPart {
    /// Reads the breakdowns of a link on these days.
    pub(super) async fn of(
        state: &State,
        link: LinkId,
        days: Days,
        days_text: String,
    ) -> Result<Self, ApiError> {
        let all = CARDS.map(|(by, ..)| by);
        let found = state.statistics().breakdowns(link, all, days).await?;
        let cards = CARDS
            .into_iter()
            .zip(found)
            .map(|((by, title, value, unknown), found)| Card {
                title,
                value,
                bars: bars(by, unknown, found),
            });
        Ok(Self {
            cards: cards.collect(),
            days: days_text,
        })
    }

    fn is_empty(&self) -> bool {
        self.cards.iter().all(|card| card.bars.is_empty())
    }
}

fn bars(by: BreakdownBy, unknown: &str, found: Breakdown) -> Vec<Bar> {
    let counts = found.rows.iter().map(|(_, counted)| *counted);
    let all = counts.fold(Counted::default(), Counted::plus).clicks;
    let mut shown: Vec<(String, bool, Counted)> = Vec::new();
    let (mut others, mut not_known) = (Counted::default(), Counted::default());
    for (value, counted) in found.rows {
        // `other` is also a device class.
        if value == OTHER || (!value.is_empty() && shown.len() >= TOP) {
            others = others.plus(counted);
        } else if value.is_empty() {
            not_known = not_known.plus(counted);
        } else {
            let (label, is_country) = label(by, value);
            shown.push((label, is_country, counted));
        }
    }
    shown.push(("Other".to_owned(), false, others));
    shown.push((unknown.to_owned(), false, not_known));
    let bar = |(label, is_country, counted): (String, bool, Counted)| Bar {
        label,
        is_country,
        clicks: grouped(counted.clicks),
        humans: grouped(counted.humans),
        share: share(counted.clicks, all),
        percent: percent(counted.clicks, all).max(1),
    };
    let shown = shown.into_iter().filter(|(.., counted)| counted.clicks > 0);
    shown.map(bar).collect()
}

/// Returns the label of a value, and whether it is a country code.
fn label(by: BreakdownBy, value: String) -> (String, bool) {
    match by {
        BreakdownBy::Class => {
            let class = value.parse::<VisitClass>();
            (
                class.map_or(value, |class| class_name(class).to_owned()),
                false,
            )
        }
        BreakdownBy::Dimension(Dimension::Device) => (device_name(&value).to_owned(), false),
        BreakdownBy::Dimension(Dimension::Country) => (value, true),
        BreakdownBy::Dimension(_) => (value, false),
    }
}

/// Returns the name of a device class.
pub(super) fn device_name(device: &str) -> &str {
    match device {
        "desktop" => "Desktop",
        "mobile" => "Phone",
        "tablet" => "Tablet",
        "tv" => "TV",
        "console" => "Console",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(clicks: u64) -> Counted {
        Counted { clicks, humans: 1 }
    }

    #[test]
    fn values_after_the_first_ten_share_one_bar_and_all_clicks_are_counted() {
        let mut rows: Vec<(String, Counted)> = (0..12)
            .map(|number| (format!("{number}.example"), counted(100 - number)))
            .collect();
        rows.push((OTHER.to_owned(), counted(7)));
        rows.insert(3, (String::new(), counted(97)));
        let by = BreakdownBy::Dimension(Dimension::Referrer);
        let bars = bars(by, "Direct or unknown", Breakdown { rows });
        let labels: Vec<_> = bars.iter().map(|bar| bar.label.as_str()).collect();
        assert_eq!(labels.len(), 12);
        assert_eq!(labels[0], "0.example");
        assert_eq!(labels[10..], ["Other", "Direct or unknown"]);
        assert_eq!(
            (bars[10].clicks.as_str(), bars[11].clicks.as_str()),
            ("186", "97")
        );
        let none = Breakdown { rows: Vec::new() };
        assert!(super::bars(by, "Unknown", none).is_empty());
    }

    #[test]
    fn click_types_and_devices_have_names_and_countries_have_codes() {
        let country = BreakdownBy::Dimension(Dimension::Country);
        assert_eq!(label(country, "DE".to_owned()), ("DE".to_owned(), true));
        let own = label(BreakdownBy::Class, "self".to_owned());
        assert_eq!(own, ("Owners".to_owned(), false));
        let device = BreakdownBy::Dimension(Dimension::Device);
        assert_eq!(label(device, "mobile".to_owned()).0, "Phone");
    }
}

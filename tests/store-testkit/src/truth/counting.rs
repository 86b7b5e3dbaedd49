//! The sums of the clicks of a [`Truth`], counted one by one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use time::{Date, Duration, OffsetDateTime};
use waypost_core::{Click, LinkId, VisitClass};
use waypost_store::rollup::Counted;
use waypost_store::{ClickSpan, LinkDay};

use super::Truth;

/// The number of values that are counted separately. Repeated here because it is part of the
/// contract.
const VALUES_OF_A_DAY: usize = 50;

/// All properties by which clicks are counted.
pub const ALL_BY: [&str; 6] = ["referrer", "browser", "os", "device", "country", "class"];

impl Truth {
    /// Returns the clicks of a link between two days, inclusive, in the order of their recording.
    pub fn between(&self, link: LinkId, from: Date, to: Date) -> impl Iterator<Item = &Click> {
        let of_link = self
            .clicks
            .iter()
            .filter(move |click| click.link_id == link);
        of_link.filter(move |click| from <= click.day && click.day <= to)
    }

    /// Returns the clicks of a link, newest first: in descending order of their IDs.
    #[must_use]
    pub fn newest_first(&self, link: LinkId) -> Vec<&Click> {
        let mut clicks: Vec<&Click> = self.between(link, Date::MIN, Date::MAX).collect();
        clicks.sort_by_key(|click| Reverse(click.id));
        clicks
    }

    /// Returns all clicks of a link, and those by people.
    #[must_use]
    pub fn total(&self, link: LinkId) -> Counted {
        self.counted(link, Date::MIN, Date::MAX)
    }

    /// Returns the clicks of a link between two days, inclusive, and those by people.
    #[must_use]
    pub fn counted(&self, link: LinkId, from: Date, to: Date) -> Counted {
        let mut counted = Counted::default();
        for click in self.between(link, from, to) {
            add(&mut counted, click);
        }
        counted
    }

    /// Returns the days with clicks on a link, between two days, inclusive, in order.
    #[must_use]
    pub fn days(&self, link: LinkId, from: Date, to: Date) -> Vec<LinkDay> {
        let days: BTreeSet<Date> = self.between(link, from, to).map(|it| it.day).collect();
        let day = |day: Date| {
            let visitors: BTreeSet<[u8; 32]> = self
                .between(link, day, day)
                .filter_map(|click| click.ip_hash.map(|hash| *hash.as_bytes()))
                .collect();
            LinkDay {
                day,
                counted: self.counted(link, day, day),
                visitors: u64::try_from(visitors.len()).unwrap(),
            }
        };
        days.into_iter().map(day).collect()
    }

    /// Returns the number of clicks of a class on a link between two days, inclusive.
    #[must_use]
    pub fn of_class(&self, link: LinkId, class: VisitClass, from: Date, to: Date) -> u64 {
        let clicks = self.between(link, from, to);
        let of_class = clicks.filter(|click| click.facts.class == Some(class));
        u64::try_from(of_class.count()).unwrap()
    }

    /// Returns the known values of the clicks of a link and a day: the first 50 recorded ones
    /// separately, and all later ones as `other`.
    #[must_use]
    pub fn values(&self, link: LinkId, by: &str, day: Date) -> BTreeMap<String, Counted> {
        let mut values: BTreeMap<String, Counted> = BTreeMap::new();
        for click in self.between(link, day, day) {
            let Some(mut value) = value(click, by) else {
                continue;
            };
            if !values.contains_key(&value) && values.len() >= VALUES_OF_A_DAY {
                "other".clone_into(&mut value);
            }
            add(values.entry(value).or_default(), click);
        }
        values
    }

    /// Returns the clicks of a link between two days, inclusive, by a name of [`ALL_BY`]: most
    /// clicks first, then in the order of the values. The empty value counts clicks with an unknown
    /// one.
    #[must_use]
    pub fn breakdown(
        &self,
        link: LinkId,
        by: &str,
        from: Date,
        to: Date,
    ) -> Vec<(String, Counted)> {
        let mut sums: BTreeMap<String, Counted> = BTreeMap::new();
        for click in self.between(link, from, to) {
            if value(click, by).is_none() {
                add(sums.entry(String::new()).or_default(), click);
            }
        }
        for day in self.days(link, from, to) {
            for (value, counted) in self.values(link, by, day.day) {
                let sum = sums.entry(value).or_default();
                sum.clicks += counted.clicks;
                sum.humans += counted.humans;
            }
        }
        let mut rows: Vec<(String, Counted)> = sums.into_iter().collect();
        rows.sort_by_key(|(value, counted)| (Reverse(counted.clicks), value.clone()));
        rows
    }

    /// Returns the times of the first and the last click of a link.
    #[must_use]
    pub fn span(&self, link: LinkId) -> Option<ClickSpan> {
        let times = || {
            self.between(link, Date::MIN, Date::MAX)
                .map(|it| it.clicked_at)
        };
        Some(ClickSpan {
            first: times().min()?,
            last: times().max()?,
        })
    }

    /// Returns the clicks of a link on the last `days` days up to and including `today`.
    #[must_use]
    pub fn lately(&self, link: LinkId, today: Date, days: i64) -> u64 {
        let from = today - Duration::days(days - 1);
        self.counted(link, from, today).clicks
    }

    /// Returns the first and the last day with any click.
    ///
    /// # Panics
    /// When there are no clicks.
    #[must_use]
    pub fn range(&self) -> (Date, Date) {
        let days = || self.clicks.iter().map(|click| click.day);
        (days().min().unwrap(), days().max().unwrap())
    }

    /// Returns the time of the oldest click of a link, in the order of IDs.
    #[must_use]
    pub fn oldest(&self, link: LinkId) -> Option<OffsetDateTime> {
        self.newest_first(link).last().map(|click| click.clicked_at)
    }
}

fn add(counted: &mut Counted, click: &Click) {
    counted.clicks += 1;
    if click.facts.class == Some(VisitClass::Human) {
        counted.humans += 1;
    }
}

/// Returns the value of a click by a name of [`ALL_BY`]; `None` if it has no class, like clicks
/// from before classes existed.
fn value(click: &Click, by: &str) -> Option<String> {
    let facts = &click.facts;
    facts.class?;
    match by {
        "referrer" => {
            // `https://host:port/path`.
            let page = click.referrer.as_ref()?.as_str().strip_prefix("https://")?;
            let end = page.find([':', '/']).unwrap_or(page.len());
            Some(page[..end].to_owned())
        }
        "browser" => facts.browser.as_ref().map(|it| it.as_str().to_owned()),
        "os" => facts.os.as_ref().map(|it| it.as_str().to_owned()),
        "device" => facts.device.map(|it| it.as_str().to_owned()),
        "country" => facts.country.as_ref().map(|it| it.as_str().to_owned()),
        "class" => facts.class.map(|it| it.as_str().to_owned()),
        _ => panic!("clicks are not counted by {by}"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::TruthPlan;
    use super::*;

    fn truth(zone: &str) -> Truth {
        Truth::generate(TruthPlan {
            seed: 1,
            links: 8,
            clicks: 2_000,
            first: datetime!(2026-03-20 07:00 UTC),
            last: datetime!(2026-04-02 19:00 UTC),
            instants: vec![datetime!(2026-03-29 01:00 UTC)],
            zone: zone.parse().unwrap(),
            referrers: 70,
            visitors: 40,
            users: Vec::new(),
        })
    }

    #[test]
    fn the_truth_has_what_is_hard_to_count() {
        let truth = truth("Europe/Berlin");
        assert_eq!(truth.clicks, self::truth("Europe/Berlin").clicks);
        let [hot, crowded] = [0, 1].map(|place: usize| truth.links[place].id);
        let (from, to) = truth.range();
        assert_eq!((to - from).whole_days(), 13);
        // A day begins at 23:00 UTC of the day before, and at 22:00 during summer time.
        for midnight in [
            datetime!(2026-03-27 23:00 UTC),
            datetime!(2026-03-28 23:00 UTC),
            datetime!(2026-03-29 22:00 UTC),
        ] {
            let at = |at: OffsetDateTime| truth.clicks.iter().find(|it| it.clicked_at == at);
            let first = at(midnight).unwrap().day;
            let before = at(midnight - Duration::microseconds(1)).unwrap().day;
            assert_eq!(before.next_day(), Some(first));
            assert_eq!(at(midnight + Duration::microseconds(1)).unwrap().day, first);
        }
        assert!((150..350).contains(&truth.total(hot).clicks));
        let rows = truth.breakdown(crowded, "referrer", from, to);
        assert!(rows.iter().any(|(value, _)| value == "other"), "{rows:?}");
        for by in ALL_BY {
            let rows = truth.breakdown(hot, by, from, to);
            let clicks: u64 = rows.iter().map(|(_, counted)| counted.clicks).sum();
            assert_eq!(clicks, truth.total(hot).clicks, "{by}");
            assert!(rows.iter().any(|(value, _)| value.is_empty()), "{by}");
        }
        for class in VisitClass::ALL {
            assert!(truth.of_class(hot, class, from, to) > 0, "{class}");
        }
        let days = truth.days(hot, from, to);
        assert!(days.iter().any(|day| day.visitors < day.counted.clicks));
    }
}

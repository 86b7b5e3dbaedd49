//! Values of many rows as the parameters of a statement, column by column.

use time::Date;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::tally::{DayTally, LinkTally, Tally};

/// What to add to links, column by column.
pub(super) struct LinkValues {
    links: Vec<Uuid>,
    numbers: [Vec<i64>; 3],
}

impl LinkValues {
    pub(super) fn of(tallies: impl Iterator<Item = LinkTally>) -> Self {
        let mut values = Self {
            links: Vec::new(),
            numbers: Default::default(),
        };
        for tally in tallies {
            values.links.push(tally.link);
            let [clicks, humans, purged] = &mut values.numbers;
            clicks.push(tally.clicks);
            humans.push(tally.humans);
            purged.push(tally.purged);
        }
        values
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 4] {
        let [clicks, humans, purged] = &self.numbers;
        [&self.links, clicks, humans, purged]
    }
}

/// Days, column by column.
pub(super) struct DayValues {
    links: Vec<Uuid>,
    days: Vec<Date>,
    numbers: [Vec<i64>; 5],
    documents: Vec<String>,
}

impl DayValues {
    pub(super) fn of(tally: &Tally<'_>, places: &[usize], documents: Vec<String>) -> Self {
        let numbers: [fn(&DayTally<'_>) -> i64; 5] = [
            |day| day.clicks,
            |day| day.humans,
            |day| day.new_visitors,
            |day| day.first,
            |day| day.last,
        ];
        let days = || places.iter().filter_map(|place| tally.days().get(*place));
        Self {
            links: days().map(|day| day.link).collect(),
            days: days().map(|day| day.day).collect(),
            numbers: numbers.map(|number| days().map(number).collect()),
            documents,
        }
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 8] {
        let [clicks, humans, visitors, first, last] = &self.numbers;
        [
            &self.links,
            &self.days,
            clicks,
            humans,
            visitors,
            first,
            last,
            &self.documents,
        ]
    }
}

/// Visitors of days, column by column.
pub(super) struct VisitValues {
    days: Vec<Date>,
    links: Vec<Uuid>,
    pub(super) visitors: Vec<Uuid>,
}

impl VisitValues {
    /// Returns the visitors of the days at `places`.
    pub(super) fn of(tally: &Tally<'_>, visits: &[Vec<Uuid>], places: &[usize]) -> Self {
        let (mut days, mut links, mut visitors) = (Vec::new(), Vec::new(), Vec::new());
        let at = |place: &usize| Some((tally.days().get(*place)?, visits.get(*place)?));
        for (day, visits) in places.iter().filter_map(at) {
            visitors.extend_from_slice(visits);
            links.resize(visitors.len(), day.link);
            days.resize(visitors.len(), day.day);
        }
        Self {
            days,
            links,
            visitors,
        }
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.days, &self.links, &self.visitors]
    }
}

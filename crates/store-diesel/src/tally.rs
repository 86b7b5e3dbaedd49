//! The sums of the clicks of a transaction, and all that does not depend on the database.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use time::Date;
use uuid::Uuid;
use waypost_core::{Click, IpHash, LinkId, VisitClass, micros};
use waypost_store::rollup::DayFacts;
use waypost_store::{KeptRecords, Recorded, StoreError};

use crate::job::{Job, count};

/// The clicks of one link on one day.
#[derive(Debug)]
pub(crate) struct DayTally<'a> {
    pub(crate) link: Uuid,
    pub(crate) day: Date,
    pub(crate) clicks: i64,
    pub(crate) humans: i64,
    /// The first click, in microseconds since 1970.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// Each of its visitors, once.
    pub(crate) visitors: Vec<Uuid>,
    /// How many of them had not been seen before; known after reading the database. On a new day,
    /// all are new.
    pub(crate) new_visitors: i64,
    /// How many clicks of the day are stored already; known after reading the database. None on a
    /// new day.
    pub(crate) before: i64,
    /// The clicks in order of arrival.
    of_day: Vec<&'a Click>,
}

impl<'a> DayTally<'a> {
    fn new(click: &Click) -> Self {
        Self {
            link: *click.link_id.as_uuid(),
            day: click.day,
            clicks: 0,
            humans: 0,
            first: i64::MAX,
            last: i64::MIN,
            visitors: Vec::new(),
            new_visitors: 0,
            before: 0,
            of_day: Vec::new(),
        }
    }

    fn add(&mut self, click: &'a Click) {
        self.clicks += 1;
        self.humans += i64::from(click.facts.class == Some(VisitClass::Human));
        let at = unix_micros(click);
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.visitors.extend(click.ip_hash.as_ref().map(visitor));
        self.of_day.push(click);
    }

    fn numbers(&self) -> (u64, u64) {
        let number = |number| u64::try_from(number).unwrap_or(0);
        (number(self.before), number(self.clicks))
    }

    /// Returns how many of the clicks leave records: the first ones.
    fn kept(&self, records: KeptRecords) -> usize {
        let (before, clicks) = self.numbers();
        usize::try_from(records.among(before, clicks)).unwrap_or(usize::MAX)
    }

    /// Returns the clicks beyond the budget of records. Those of which no record is kept anyway are
    /// not beyond it.
    fn beyond(&self, records: KeptRecords) -> &[&'a Click] {
        match records {
            KeptRecords::UpTo(_) => self.of_day.get(self.kept(records)..).unwrap_or_default(),
            KeptRecords::None | KeptRecords::All => &[],
        }
    }

    /// Returns the document of the day: the stored one, plus these clicks.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored one cannot be read.
    pub(crate) fn document(&self, stored: Option<&str>) -> Result<String, StoreError> {
        let mut document = match stored {
            Some(stored) => DayFacts::parse(stored).map_err(|_| CORRUPT_FACTS)?,
            None => DayFacts::default(),
        };
        for click in &self.of_day {
            document.count(click);
        }
        Ok(document.to_text())
    }
}

pub(crate) const CORRUPT_FACTS: StoreError = StoreError::Corrupt {
    table: "link_days",
    column: "facts",
};

/// Returns a visitor as the set of a day stores it: 16 of the 32 bytes distinguish all visitors of
/// a day.
fn visitor(hash: &IpHash) -> Uuid {
    let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    Uuid::from_bytes(bytes)
}

fn unix_micros(click: &Click) -> i64 {
    let nanos = micros(click.clicked_at).unix_timestamp_nanos();
    // Any time fits: the year 9999 is 2.5 × 10^17 µs away.
    i64::try_from(nanos / 1_000).unwrap_or(0)
}

/// The clicks of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkTally {
    pub(crate) link: Uuid,
    pub(crate) clicks: i64,
    pub(crate) humans: i64,
    /// How many of the clicks leave no record.
    pub(crate) purged: i64,
}

/// The number of clicks of each link on each day, in the order of the IDs of the links.
/// Transactions lock links in this order, so that those with links in common run one after the
/// other.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    clicks: i64,
    records: KeptRecords,
    days: Vec<DayTally<'a>>,
    gone: HashSet<Uuid>,
}

impl<'a> Tally<'a> {
    pub(crate) fn of(job: &'a Job) -> Self {
        let clicks = job.clicks();
        let mut places: HashMap<(Uuid, Date), usize> = HashMap::new();
        let mut days: Vec<DayTally<'a>> = Vec::new();
        for click in clicks {
            let place = match places.entry((*click.link_id.as_uuid(), click.day)) {
                Entry::Occupied(place) => *place.get(),
                Entry::Vacant(place) => {
                    days.push(DayTally::new(click));
                    *place.insert(days.len() - 1)
                }
            };
            if let Some(day) = days.get_mut(place) {
                day.add(click);
            }
        }
        for day in &mut days {
            day.visitors.sort_unstable();
            day.visitors.dedup();
        }
        days.sort_unstable_by_key(|tally| (tally.link, tally.day));
        Self {
            clicks: count(clicks.len()),
            records: job.records(),
            days,
            gone: HashSet::new(),
        }
    }

    /// Returns each link with the number of its clicks. Those that leave no record because of a
    /// budget are not among the purged ones yet: see [`Tally::beyond_of_links`].
    pub(crate) fn links(&self) -> impl Iterator<Item = LinkTally> {
        self.days
            .chunk_by(|a, b| a.link == b.link)
            .filter_map(|of_link| {
                let link = of_link.first()?.link;
                let clicks = of_link.iter().map(|tally| tally.clicks).sum();
                Some(LinkTally {
                    link,
                    clicks,
                    humans: of_link.iter().map(|tally| tally.humans).sum(),
                    purged: match self.records {
                        KeptRecords::None => clicks,
                        KeptRecords::UpTo(_) | KeptRecords::All => 0,
                    },
                })
            })
    }

    pub(crate) fn days(&self) -> &[DayTally<'a>] {
        &self.days
    }

    pub(crate) fn days_mut(&mut self) -> &mut [DayTally<'a>] {
        &mut self.days
    }

    /// Returns the documents of the days at `places`, in that order; `stored` returns an existing
    /// one by its place.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored one cannot be read.
    pub(crate) fn documents<'s>(
        &self,
        places: &[usize],
        stored: impl Fn(usize) -> Option<&'s str>,
    ) -> Result<Vec<String>, StoreError> {
        let days = places
            .iter()
            .filter_map(|place| Some((*place, self.days.get(*place)?)));
        days.map(|(place, day)| day.document(stored(place)))
            .collect()
    }

    /// Returns the place of a day among the days.
    pub(crate) fn place(&self, link: Uuid, day: Date) -> Option<usize> {
        let order = |tally: &DayTally<'_>| (tally.link, tally.day).cmp(&(link, day));
        self.days.binary_search_by(order).ok()
    }

    /// Leaves out every link that is not in `found`.
    pub(crate) fn keep(&mut self, found: impl IntoIterator<Item = Uuid>) {
        let found: HashSet<Uuid> = found.into_iter().collect();
        let gone = |tally: &DayTally<'_>| !found.contains(&tally.link);
        self.gone = self
            .days
            .iter()
            .filter(|it| gone(it))
            .map(|it| it.link)
            .collect();
        if !self.gone.is_empty() {
            self.days.retain(|tally| !gone(tally));
        }
    }

    /// Returns the clicks that leave records, in order of arrival: those of links that are not left
    /// out, as far as the budgets of their days go.
    pub(crate) fn rows<'c>(&self, clicks: &'c [Click]) -> impl Iterator<Item = &'c Click> {
        let clicks = if self.records == KeptRecords::None {
            &[]
        } else {
            clicks
        };
        // Only needed if a budget is used up.
        let mut left: Vec<usize> = Vec::new();
        if self.has_beyond() {
            left.extend(self.days.iter().map(|day| day.kept(self.records)));
        }
        clicks.iter().filter(move |click| {
            let link = *click.link_id.as_uuid();
            if left.is_empty() {
                return self.gone.is_empty() || !self.gone.contains(&link);
            }
            let place = self.place(link, click.day);
            let left = place.and_then(|place| left.get_mut(place));
            left.is_some_and(|left| {
                let is_kept = *left > 0;
                *left = left.saturating_sub(1);
                is_kept
            })
        })
    }

    /// Returns whether there are clicks beyond the budget of records.
    pub(crate) fn has_beyond(&self) -> bool {
        self.days
            .iter()
            .any(|day| !day.beyond(self.records).is_empty())
    }

    /// Returns the IDs of the clicks beyond the budget of records.
    pub(crate) fn beyond(&self) -> Vec<Uuid> {
        let clicks = self.days.iter().flat_map(|day| day.beyond(self.records));
        clicks.map(|click| *click.id.as_uuid()).collect()
    }

    /// Returns the links with clicks beyond the budget of records, and what to add to them for
    /// these clicks, which are already counted.
    pub(crate) fn beyond_of_links(&self) -> Vec<LinkTally> {
        let of_links = self.days.chunk_by(|a, b| a.link == b.link);
        let beyond = of_links.filter_map(|of_link| {
            let beyond = of_link.iter().map(|day| day.beyond(self.records).len());
            Some(LinkTally {
                link: of_link.first()?.link,
                clicks: 0,
                humans: 0,
                purged: count(beyond.sum()),
            })
        });
        beyond.filter(|tally| tally.purged > 0).collect()
    }

    /// Returns whether the next batch may have clicks beyond the budget of records: a day has no
    /// room for twice as many clicks as it has in this batch.
    pub(crate) fn is_near_budget(&self) -> bool {
        let KeptRecords::UpTo(budget) = self.records else {
            return false;
        };
        self.days.iter().any(|day| {
            let (before, clicks) = day.numbers();
            before.saturating_add(clicks.saturating_mul(3)) > budget
        })
    }

    /// Returns the number of remaining clicks.
    pub(crate) fn stored(&self) -> i64 {
        self.days.iter().map(|tally| tally.clicks).sum()
    }

    /// Returns the number of clicks left out.
    pub(crate) fn left_out(&self) -> i64 {
        self.clicks - self.stored()
    }

    /// Returns the result of storing the remaining clicks.
    pub(crate) fn recorded(&self) -> Recorded {
        let number = |number| u64::try_from(number).unwrap_or(0);
        let beyond = self.days.iter().map(|day| day.beyond(self.records).len());
        let used_up = self.days.iter().filter(|day| {
            let (before, clicks) = day.numbers();
            self.records.are_used_up(before, clicks)
        });
        Recorded {
            stored: number(self.stored()),
            link_gone: number(self.left_out()),
            without_record: number(count(beyond.sum())),
            used_up: used_up
                .map(|day| (LinkId::from_uuid(day.link), day.day))
                .collect(),
        }
    }
}

/// Returns the clicks that may have been stored without a record before, when the budget was
/// smaller: those that are not newer than the newest of the kept IDs. Usually there are none, and
/// nobody has to look for them.
pub(crate) fn doubtful(rows: &[&Click], newest: Option<Uuid>) -> Vec<Uuid> {
    let Some(newest) = newest else {
        return Vec::new();
    };
    let ids = rows.iter().map(|click| *click.id.as_uuid());
    ids.filter(|id| *id <= newest).collect()
}

#[cfg(test)]
mod tests {
    use waypost_store_testkit::samples::Samples;

    use super::*;

    fn counted(tally: &Tally<'_>) -> Vec<(Uuid, i64)> {
        tally.links().map(|link| (link.link, link.clicks)).collect()
    }

    #[test]
    fn clicks_are_tallied_by_link_and_day_in_the_order_of_the_ids() {
        let samples = Samples::new(1);
        let links = samples.links(3);
        let mut clicks: Vec<Click> = [2, 0, 2, 1, 2]
            .map(|link: usize| samples.click(&links[link]))
            .to_vec();
        clicks[4].day = clicks[4].day.next_day().unwrap();
        clicks[2].ip_hash = clicks[0].ip_hash;
        let job = Job::Clicks(clicks.into());
        let mut tally = Tally::of(&job);
        let [a, b, c] = [0, 1, 2].map(|link: usize| *links[link].id.as_uuid());
        assert_eq!(counted(&tally), [(a, 1), (b, 1), (c, 3)]);
        let days: Vec<(Uuid, i64, usize)> = tally
            .days()
            .iter()
            .map(|it| (it.link, it.clicks, it.visitors.len()))
            .collect();
        assert_eq!(days, [(a, 1, 1), (b, 1, 1), (c, 2, 1), (c, 1, 1)]);
        assert_eq!((tally.stored(), tally.left_out()), (5, 0));
        for (place, day) in tally.days().iter().enumerate() {
            assert_eq!(tally.place(day.link, day.day), Some(place));
        }

        tally.keep([b, a]);
        assert_eq!(counted(&tally), [(a, 1), (b, 1)]);
        assert_eq!((tally.stored(), tally.left_out()), (2, 3));
        let clicks = job.clicks();
        let kept: Vec<&Click> = tally.rows(clicks).collect();
        assert_eq!(kept, [&clicks[1], &clicks[3]]);
    }

    #[test]
    fn the_first_clicks_of_each_day_leave_records() {
        let samples = Samples::new(1);
        let links = samples.links(3);
        let clicks: Vec<Click> = [0, 1, 0, 1, 0, 2]
            .map(|link: usize| samples.click(&links[link]))
            .to_vec();
        let job = Job::Clicks(clicks.clone().into());
        let mut tally = Tally::of(&job);
        tally.records = KeptRecords::UpTo(3);
        assert!(!tally.has_beyond());
        assert!(tally.is_near_budget());
        assert_eq!(tally.rows(&clicks).count(), 6);

        // Two of the first link are stored already, three of the second, and the third is gone.
        tally.days_mut()[0].before = 2;
        tally.days_mut()[1].before = 3;
        tally.keep([0, 1].map(|link: usize| *links[link].id.as_uuid()));
        let kept: Vec<&Click> = tally.rows(&clicks).collect();
        assert_eq!(kept, [&clicks[0]]);
        let ids = [2, 4, 1, 3].map(|click: usize| *clicks[click].id.as_uuid());
        assert_eq!(tally.beyond(), ids);
        let added = tally.beyond_of_links();
        let added: Vec<_> = added.iter().map(|it| (it.link, it.purged)).collect();
        let [a, b] = [0, 1].map(|link: usize| *links[link].id.as_uuid());
        assert_eq!(added, [(a, 2), (b, 2)]);
        let recorded = tally.recorded();
        assert_eq!((recorded.stored, recorded.link_gone), (5, 1));
        assert_eq!(recorded.without_record, 4);
        let used_up = [&links[0], &links[1]].map(|link| (link.id, clicks[0].day));
        assert_eq!(recorded.used_up, used_up);

        // It was used up before.
        tally.days_mut()[0].before = 4;
        assert_eq!(tally.recorded().used_up, [(links[1].id, clicks[0].day)]);

        // Without records, none is beyond a budget.
        tally.records = KeptRecords::None;
        assert_eq!(tally.rows(&clicks).count(), 0);
        assert!(!tally.has_beyond());
        assert_eq!(tally.links().map(|link| link.purged).sum::<i64>(), 5);
    }

    #[test]
    fn clicks_newer_than_every_kept_id_are_not_doubtful() {
        let samples = Samples::new(1);
        let link = samples.link("wiki");
        let mut clicks = samples.clicks(&link, 3);
        clicks.sort_by_key(|click| click.id);
        let rows: Vec<&Click> = clicks.iter().collect();
        let id = |click: usize| *clicks[click].id.as_uuid();
        assert!(doubtful(&rows, None).is_empty());
        assert!(doubtful(&rows[1..], Some(id(0))).is_empty());
        assert_eq!(doubtful(&rows, Some(id(1))), [id(0), id(1)]);
    }
}

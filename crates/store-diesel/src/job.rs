//! Clicks to be stored in one transaction, and what of them does not depend on the database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use time::{Date, OffsetDateTime};
use uuid::Uuid;
use waypost_core::{Click, micros};
use waypost_store::{ClickBatch, Recorded, StoreError};

/// What to store.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    /// Clicks of no journal.
    Clicks(Arc<[Click]>),
    /// Clicks whose journal moves on with them, at this time.
    Batch(Arc<ClickBatch>, OffsetDateTime),
}

impl Job {
    pub(crate) fn clicks(&self) -> &[Click] {
        match self {
            Self::Clicks(clicks) => clicks,
            Self::Batch(batch, _) => &batch.clicks,
        }
    }

    /// How the journal moves, if there is one.
    pub(crate) fn step(&self) -> Result<Option<Step>, StoreError> {
        match self {
            Self::Clicks(_) => Ok(None),
            Self::Batch(batch, at) => Step::of(batch, *at).map(Some),
        }
    }
}

/// A step of a journal, in the numbers of a database. It supposes that every link exists; what turns
/// out to be gone is corrected before the commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) journal: Uuid,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) stored: i64,
    pub(crate) link_deleted: i64,
    pub(crate) rejected: i64,
    pub(crate) unreadable: i64,
    pub(crate) lost: i64,
    pub(crate) at: OffsetDateTime,
}

impl Step {
    fn of(batch: &ClickBatch, at: OffsetDateTime) -> Result<Self, StoreError> {
        let number = |number: u64| i64::try_from(number).map_err(StoreError::internal);
        Ok(Self {
            journal: *batch.journal.as_uuid(),
            // No journal is ever at a position that a database cannot count to: the batch does not
            // fit it.
            start: i64::try_from(batch.start).unwrap_or(-1),
            end: i64::try_from(batch.end()).unwrap_or(i64::MAX),
            stored: count(batch.clicks.len()),
            link_deleted: number(batch.dropped.link_deleted)?,
            rejected: number(batch.dropped.rejected)?,
            unreadable: number(batch.dropped.unreadable)?,
            lost: number(batch.dropped.lost)?,
            at: micros(at),
        })
    }
}

/// The clicks of one link on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayTally {
    pub(crate) link: Uuid,
    pub(crate) day: Date,
    pub(crate) clicks: i64,
}

/// How many clicks each link has on each day, in the order of the links' ids: whoever locks links
/// locks them in this order, so that transactions with links in common come one after the other.
#[derive(Debug)]
pub(crate) struct Tally {
    clicks: i64,
    days: Vec<DayTally>,
    gone: HashSet<Uuid>,
}

impl Tally {
    pub(crate) fn of(clicks: &[Click]) -> Self {
        let mut days: HashMap<(Uuid, Date), i64> = HashMap::new();
        for click in clicks {
            *days
                .entry((*click.link_id.as_uuid(), click.day))
                .or_default() += 1;
        }
        let mut days: Vec<DayTally> = days
            .into_iter()
            .map(|((link, day), clicks)| DayTally { link, day, clicks })
            .collect();
        days.sort_unstable_by_key(|tally| (tally.link, tally.day));
        Self {
            clicks: count(clicks.len()),
            days,
            gone: HashSet::new(),
        }
    }

    /// Each link with the number of its clicks.
    pub(crate) fn links(&self) -> impl Iterator<Item = (Uuid, i64)> {
        self.days
            .chunk_by(|a, b| a.link == b.link)
            .filter_map(|of_link| {
                let link = of_link.first()?.link;
                Some((link, of_link.iter().map(|tally| tally.clicks).sum()))
            })
    }

    pub(crate) fn days(&self) -> &[DayTally] {
        &self.days
    }

    /// Leaves out every link that is not one of `found`.
    pub(crate) fn keep(&mut self, found: impl IntoIterator<Item = Uuid>) {
        let found: HashSet<Uuid> = found.into_iter().collect();
        let gone = |tally: &DayTally| !found.contains(&tally.link);
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

    /// Those of the clicks whose links are not left out.
    pub(crate) fn kept<'a>(&'a self, clicks: &'a [Click]) -> impl Iterator<Item = &'a Click> {
        clicks
            .iter()
            .filter(|click| self.gone.is_empty() || !self.gone.contains(click.link_id.as_uuid()))
    }

    /// How many clicks are left.
    pub(crate) fn stored(&self) -> i64 {
        self.days.iter().map(|tally| tally.clicks).sum()
    }

    /// How many clicks are left out.
    pub(crate) fn left_out(&self) -> i64 {
        self.clicks - self.stored()
    }

    /// What to answer when all that is left is stored.
    pub(crate) fn recorded(&self) -> Recorded {
        Recorded {
            stored: u64::try_from(self.stored()).unwrap_or(0),
            link_gone: u64::try_from(self.left_out()).unwrap_or(0),
        }
    }
}

/// A length, as a database counts.
pub(crate) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The position of a journal, as the port tells it.
pub(crate) fn position(committed: i64) -> Result<u64, StoreError> {
    u64::try_from(committed).map_err(|_| StoreError::Corrupt {
        table: "click_journals",
        column: "committed",
    })
}

#[cfg(test)]
mod tests {
    use waypost_store::testkit::samples::Samples;

    use super::*;

    #[test]
    fn clicks_are_tallied_by_link_and_day_in_the_order_of_the_ids() {
        let samples = Samples::new(1);
        let links = samples.links(3);
        let mut clicks: Vec<Click> = [2, 0, 2, 1, 2]
            .map(|link: usize| samples.click(&links[link]))
            .to_vec();
        clicks[4].day = clicks[4].day.next_day().unwrap();
        let mut tally = Tally::of(&clicks);
        let [a, b, c] = [0, 1, 2].map(|link: usize| *links[link].id.as_uuid());
        assert_eq!(tally.links().collect::<Vec<_>>(), [(a, 1), (b, 1), (c, 3)]);
        let days: Vec<(Uuid, i64)> = tally.days().iter().map(|it| (it.link, it.clicks)).collect();
        assert_eq!(days, [(a, 1), (b, 1), (c, 2), (c, 1)]);
        assert_eq!((tally.stored(), tally.left_out()), (5, 0));

        tally.keep([b, a]);
        assert_eq!(tally.links().collect::<Vec<_>>(), [(a, 1), (b, 1)]);
        assert_eq!((tally.stored(), tally.left_out()), (2, 3));
        let kept: Vec<&Click> = tally.kept(&clicks).collect();
        assert_eq!(kept, [&clicks[1], &clicks[3]]);
    }
}

//! Clicks with known numbers: generated from a seed, and counted from their own list.
//!
//! The numbers of a store, a server or an export are compared with the numbers counted here. The
//! counting (`counting.rs`; as the API shows it, `shown.rs`) uses no code of the rollup, and is as
//! simple as possible: it looks at each click.
//!
//! The clicks are hard to count: one link has a tenth of them, and another one has a day with more
//! referrers than are counted separately; some happen exactly at midnight in the zone and a
//! microsecond before and after; some have no known facts; and they are not recorded in the order
//! of time.

mod counting;
mod shown;

pub use counting::ALL_BY;

use std::sync::Arc;

use time::{Date, Duration, OffsetDateTime};
use waypost_core::{
    Click, ClickFacts, ClickId, Country, DeviceClass, Family, IpHash, JournalId, Link, LinkId,
    Random, Referrer, SeededRandom, UserAgent, UserId, VisitClass, Zone,
};
use waypost_store::{ClickBatch, Dropped, Ingested, KeptRecords, Recorded, Store};

use super::samples::{START, code, owner_of, take_journal, target};

/// Numbers of clicks recorded at once, repeated until all are recorded.
const BATCHES: [usize; 6] = [1, 97, 7, 331, 2, 53];
/// One in this many clicks is on the hot link.
const HOT: u64 = 10;
/// The step of the search for midnights: no day is as short.
const STEP: Duration = Duration::hours(1);

/// The clicks to generate.
#[derive(Debug, Clone)]
pub struct TruthPlan {
    /// The seed: the same clicks for the same seed.
    pub seed: u64,
    /// Number of links, at least two.
    pub links: usize,
    /// Number of clicks at random times, besides those at chosen times and on chosen days.
    pub clicks: usize,
    /// No click happens before.
    pub first: OffsetDateTime,
    /// No click happens later.
    pub last: OffsetDateTime,
    /// Times at which the hot link certainly has a click.
    pub instants: Vec<OffsetDateTime>,
    /// The zone in which days begin.
    pub zone: Zone,
    /// Number of hosts that refer to the links.
    pub referrers: usize,
    /// Number of visitors, each with one IP address.
    pub visitors: u64,
    /// Users who have some of the clicks.
    pub users: Vec<UserId>,
}

/// Links, and clicks on them in the order of their recording.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The zone in which days begin.
    pub zone: Zone,
    /// The links. The first one is the hot one; the second one has the day with many referrers.
    pub links: Vec<Link>,
    /// The clicks.
    pub clicks: Vec<Click>,
    journal: JournalId,
}

impl Truth {
    /// Generates the clicks of a plan.
    ///
    /// # Panics
    /// When there are fewer than two links, or no referrers or visitors.
    #[must_use]
    pub fn generate(plan: TruthPlan) -> Self {
        assert!(plan.links >= 2 && plan.referrers > 0 && plan.visitors > 0);
        let random = SeededRandom::new(plan.seed);
        let links: Vec<Link> = (0..plan.links)
            .map(|number| {
                let made = plan.first.min(START) - Duration::days(1);
                Link::new(
                    LinkId::new(made, &random),
                    code(&format!("truth-{number}")),
                    target(&format!("https://example.com/{number}")),
                    made,
                )
            })
            .collect();
        let journal = JournalId::new(START, &random);
        let maker = Maker {
            plan,
            random,
            links,
        };
        let clicks = maker.clicks();
        Self {
            zone: maker.plan.zone,
            links: maker.links,
            clicks,
            journal,
        }
    }

    /// Inserts the links, owned by `owner`.
    ///
    /// # Panics
    /// When the store rejects one.
    pub async fn insert_links(&self, store: &dyn Store, owner: Option<UserId>) {
        for link in &self.links {
            store.insert_link(link, owner).await.unwrap();
        }
    }

    /// Records the clicks through a journal of their own, in batches of odd sizes. The links must
    /// exist.
    ///
    /// # Panics
    /// When one of them is not stored.
    pub async fn record(&self, store: &dyn Store) {
        self.record_from(store, 0, KeptRecords::All).await;
    }

    /// Does the same without click records.
    ///
    /// # Panics
    /// As [`Truth::record`].
    pub async fn record_without_rows(&self, store: &dyn Store) {
        self.record_from(store, 0, KeptRecords::None).await;
    }

    /// Returns the clicks as batches of odd sizes, the first of which begins at position `began` of
    /// the journal.
    #[must_use]
    pub fn batches(&self, began: u64, records: KeptRecords) -> Vec<Arc<ClickBatch>> {
        let mut sizes = BATCHES.iter().cycle();
        let (mut batches, mut start, mut rest) = (Vec::new(), began, self.clicks.as_slice());
        while let Some(size) = sizes.next()
            && !rest.is_empty()
        {
            let (now, later) = rest.split_at((*size).min(rest.len()));
            rest = later;
            let batch = ClickBatch {
                journal: self.journal,
                owner: owner_of(self.journal),
                start,
                clicks: now.to_vec(),
                dropped: Dropped::default(),
                duplicates: 0,
                records,
            };
            start = batch.end();
            batches.push(Arc::new(batch));
        }
        batches
    }

    /// Returns the journal that the clicks come from.
    #[must_use]
    pub const fn journal(&self) -> JournalId {
        self.journal
    }

    async fn record_from(&self, store: &dyn Store, began: u64, records: KeptRecords) {
        take_journal(store, self.journal, began).await;
        for batch in self.batches(began, records) {
            let expected = Ingested::Settled(Recorded {
                stored: u64::try_from(batch.clicks.len()).unwrap(),
                ..Recorded::default()
            });
            assert_eq!(store.ingest(batch, START).await.unwrap(), expected);
        }
    }

    /// Splits the clicks for two concurrent recorders: every other click, each half with a journal
    /// of its own.
    #[must_use]
    pub fn halves(&self) -> [Self; 2] {
        [0, 1].map(|half| {
            let clicks = self.clicks.iter().skip(half).step_by(2);
            Self {
                clicks: clicks.cloned().collect(),
                journal: JournalId::new(START, &SeededRandom::new(u64::MAX - u64::from(half == 1))),
                ..self.clone()
            }
        })
    }
}

struct Maker {
    plan: TruthPlan,
    random: SeededRandom,
    links: Vec<Link>,
}

impl Maker {
    fn clicks(&self) -> Vec<Click> {
        let mut clicks: Vec<Click> = (0..self.plan.clicks)
            .map(|_| self.click(self.any_link(), self.any_time()))
            .collect();
        let midnights = self.midnights();
        let moment = Duration::microseconds(1);
        for midnight in &midnights {
            for at in [*midnight - moment, *midnight, *midnight + moment] {
                clicks.push(self.click(self.any_link(), at));
            }
        }
        for at in &self.plan.instants {
            clicks.push(self.click(&self.links[0], *at));
        }
        // A day in the middle, from midnight to midnight, or the whole period if there is none.
        let middle = midnights.len() / 2;
        let from = midnights.get(middle).copied().unwrap_or(self.plan.first);
        let to = midnights
            .get(middle + 1)
            .map_or(self.plan.last, |to| *to - moment);
        for number in 0..self.plan.referrers * 2 {
            let mut click = self.click(&self.links[1], self.between(from, to));
            click.referrer = Some(referrer(number % self.plan.referrers));
            clicks.push(click);
        }
        // Shuffle.
        for place in (1..clicks.len()).rev() {
            let other = self.below(u64::try_from(place).unwrap() + 1);
            clicks.swap(place, usize::try_from(other).unwrap());
        }
        clicks
    }

    /// Returns the first moments of days.
    fn midnights(&self) -> Vec<OffsetDateTime> {
        let zone = &self.plan.zone;
        let mut midnights = Vec::new();
        let mut at = self.plan.first;
        while at < self.plan.last {
            let next = (at + STEP).min(self.plan.last);
            if zone.day_of(at) != zone.day_of(next) {
                midnights.push(first_of_day(zone, at, next));
            }
            at = next;
        }
        midnights
    }

    /// Returns a random link: one is hot, and of the others later ones are less likely.
    fn any_link(&self) -> &Link {
        if self.below(HOT) == 0 {
            return &self.links[0];
        }
        let others = u64::try_from(self.links.len() - 1).unwrap();
        let place = self.below(self.below(others) + 1);
        &self.links[1 + usize::try_from(place).unwrap()]
    }

    fn any_time(&self) -> OffsetDateTime {
        self.between(self.plan.first, self.plan.last)
    }

    fn between(&self, from: OffsetDateTime, to: OffsetDateTime) -> OffsetDateTime {
        let length = u64::try_from((to - from).whole_microseconds()).unwrap();
        let behind = i64::try_from(self.below(length + 1)).unwrap();
        from + Duration::microseconds(behind)
    }

    fn click(&self, link: &Link, clicked_at: OffsetDateTime) -> Click {
        let day = self.plan.zone.day_of(clicked_at);
        let click = Click {
            id: ClickId::new(clicked_at, &self.random),
            link_id: link.id,
            user_id: None,
            ip_hash: None,
            user_agent: None,
            referrer: None,
            clicked_at,
            day,
            facts: ClickFacts::default(),
        };
        match self.below(16) {
            // As from before classes existed.
            0 => Click {
                ip_hash: Some(self.any_visitor(day)),
                ..click
            },
            // As from a visitor who asks not to be tracked.
            1 => Click {
                facts: ClickFacts {
                    class: Some(VisitClass::Human),
                    ..ClickFacts::default()
                },
                ..click
            },
            _ => self.known(&click),
        }
    }

    fn known(&self, click: &Click) -> Click {
        let browsers = [Some("Firefox"), Some("Chrome"), Some("Safari \"TP\""), None];
        let systems = [Some("Windows"), Some("Android"), Some("iOS"), None];
        let countries = [Some("DE"), Some("SE"), Some("GB"), Some("US"), None];
        // Half of all are by people.
        let class = match self.below(2) {
            0 => VisitClass::Human,
            _ => self.one_of(&VisitClass::ALL),
        };
        let host = self.below(self.below(u64::try_from(self.plan.referrers).unwrap()) + 1);
        let referrer = referrer(usize::try_from(host).unwrap());
        let is_of_user = !self.plan.users.is_empty() && self.below(8) == 0;
        Click {
            user_id: is_of_user.then(|| self.one_of(&self.plan.users)),
            ip_hash: Some(self.any_visitor(click.day)),
            user_agent: Some(UserAgent::from_stored(format!("Truth/{}", self.below(9)))),
            referrer: (self.below(4) > 0).then_some(referrer),
            facts: ClickFacts {
                class: Some(class),
                browser: self.one_of(&browsers).and_then(Family::of),
                os: self.one_of(&systems).and_then(Family::of),
                device: (self.below(5) > 0).then(|| self.one_of(&DeviceClass::ALL)),
                country: self.one_of(&countries).and_then(Country::parse),
            },
            ..click.clone()
        }
    }

    /// Returns a random visitor, with another hash each day.
    fn any_visitor(&self, day: Date) -> IpHash {
        let mut bytes = [0; 32];
        let visitor = self.below(self.plan.visitors);
        bytes[..8].copy_from_slice(&visitor.to_be_bytes());
        bytes[8..12].copy_from_slice(&day.to_julian_day().to_be_bytes());
        IpHash::from_bytes(bytes)
    }

    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        let place = self.below(u64::try_from(all.len()).unwrap());
        all[usize::try_from(place).unwrap()]
    }

    fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        // Slightly biased, which does not matter.
        u64::from_be_bytes(bytes) % end
    }
}

/// Returns several pages, and some ports, of each host; one has the name under which others are
/// counted.
fn referrer(number: usize) -> Referrer {
    if number == 2 {
        return Referrer::from_stored("https://other/page".to_owned());
    }
    let port = if number % 7 == 3 { ":8443" } else { "" };
    Referrer::from_stored(format!("https://host{number}.example{port}/page/{number}"))
}

/// Returns the first microsecond of the day of `late`, which is not that of `early`.
fn first_of_day(zone: &Zone, early: OffsetDateTime, late: OffsetDateTime) -> OffsetDateTime {
    let (mut before, mut within) = (early, late);
    while within - before > Duration::microseconds(1) {
        let half = (within - before).whole_microseconds() / 2;
        let middle = before + Duration::microseconds(i64::try_from(half).unwrap());
        if zone.day_of(middle) == zone.day_of(late) {
            within = middle;
        } else {
            before = middle;
        }
    }
    within
}

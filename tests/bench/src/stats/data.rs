//! The clicks: generated in the order of time, stored through the port, the last of them timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;
use waypost_core::{
    Click, ClickFacts, ClickId, Country, DeviceClass, Family, IpHash, JournalId, JournalOwner,
    LinkId, Referrer, SystemRandom, UserAgent, VisitClass,
};
use waypost_store::{ClickBatch, Dropped, Ingested, JournalClaim};
use waypost_store_diesel::{Database as Waypost, DatabaseSettings};

use super::StatsOptions;
use crate::bare::{Bare, Row};
use crate::database::LinkDatabase;
use crate::load::float;
use crate::{Result, links};

/// Clicks per batch, as in a server that catches up.
pub(super) const BATCH: u32 = 8_000;
/// Number of clicks at the end that are timed.
pub(super) const MEASURED: u32 = 80_000;
/// The end of the last day.
pub(super) const END: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);
/// The number of the link with a tenth of all clicks.
pub(super) const HOT: u32 = 0;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
];
const BROWSERS: [&str; 8] = [
    "Chrome",
    "Safari",
    "Edge",
    "Firefox",
    "Samsung Internet",
    "Opera",
    "Brave",
    "Vivaldi",
];
const SYSTEMS: [&str; 5] = ["Windows", "Android", "iOS", "macOS", "Linux"];
const COUNTRIES: [&str; 20] = [
    "US", "DE", "GB", "FR", "IN", "JP", "BR", "CA", "NL", "SE", "PL", "ES", "IT", "AU", "CH", "AT",
    "DK", "NO", "FI", "KR",
];
/// Referring hosts, the first ones more frequent than the others.
const HOSTS: u32 = 200;

/// The clicks of a size.
pub(super) struct Data {
    pub(super) clicks: u32,
    links: u32,
    days: u32,
    /// The newest clicks of the hot link, oldest first.
    hot: Vec<ClickId>,
}

/// How fast they were stored.
#[derive(Debug, Serialize)]
pub(super) struct Stored {
    /// All of them, per second.
    pub(super) all: f64,
    /// The last ones, per second.
    pub(super) at_the_end: f64,
    /// The same number of rows inserted afterwards without Waypost, per second.
    pub(super) bare: f64,
    /// Average size of a row of the rollup, without its share of indexes: the texts and numbers.
    pub(super) link_day_bytes: f64,
    pub(super) link_days: u64,
}

impl Data {
    pub(super) fn of(clicks: u32, options: &StatsOptions) -> Self {
        Self {
            clicks,
            links: options.links,
            days: options.days,
            hot: Vec::new(),
        }
    }

    fn begin(&self) -> OffsetDateTime {
        END - time::Duration::days(self.days.into())
    }

    /// Returns the time of the click with this number.
    pub(super) fn at(&self, number: u32) -> OffsetDateTime {
        let all = time::Duration::days(self.days.into()).whole_microseconds();
        let micros = all * i128::from(number) / i128::from(self.clicks);
        self.begin() + time::Duration::microseconds(i64::try_from(micros).expect("fits"))
    }

    /// Returns the click of the hot link with this many newer ones, or its oldest known one.
    pub(super) fn hot_click(&self, newer: usize) -> ClickId {
        self.hot[self.hot.len().saturating_sub(newer + 1)]
    }

    fn click(&self, number: u32, at: OffsetDateTime, random: &mut StdRng) -> Click {
        let mut draw = |below: u32| random.next_u32() % below;
        let link = if number.is_multiple_of(10) {
            HOT
        } else {
            1 + draw(self.links - 1)
        };
        let class = match draw(10) {
            0 => VisitClass::Bot,
            1 => VisitClass::Preview,
            _ => VisitClass::Human,
        };
        // The smaller of two: the first ones are more frequent.
        let mut pick = |length: usize| {
            let length = u32::try_from(length).expect("is small");
            draw(length).min(draw(length)) as usize
        };
        let host = pick(HOSTS as usize);
        let facts = ClickFacts {
            class: Some(class),
            browser: Family::of(BROWSERS[pick(BROWSERS.len())]),
            os: Family::of(SYSTEMS[pick(SYSTEMS.len())]),
            device: Some(DeviceClass::ALL[pick(3)]),
            country: Country::parse(COUNTRIES[pick(COUNTRIES.len())]),
        };
        let agent = AGENTS[pick(AGENTS.len())];
        // A hundred thousand visitors.
        let visitor = draw(100_000);
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&visitor.wrapping_mul(2_654_435_769).to_be_bytes());
        hash[8..12].copy_from_slice(&visitor.to_be_bytes());
        let referrer = format!("https://host{host}.example/page");
        Click {
            id: id(at, random.next_u64()),
            link_id: LinkId::from_uuid(links::id(link)),
            user_id: None,
            ip_hash: Some(IpHash::from_bytes(hash)),
            user_agent: Some(UserAgent::from_stored(agent.to_owned())),
            referrer: Referrer::from_header(referrer.as_bytes()),
            clicked_at: at,
            day: at.date(),
            facts,
        }
    }

    /// Stores them, and as many bare rows as were timed, which are deleted again.
    pub(super) async fn store(&mut self, database: &LinkDatabase) -> Result<Stored> {
        let waypost =
            Waypost::connect(&DatabaseSettings::for_url(database.database.url())?).await?;
        let store = waypost.store();
        let journal = JournalId::new(self.begin(), &SystemRandom);
        let owner = JournalOwner::new(self.begin(), &SystemRandom);
        let claim = JournalClaim::new(journal, owner, 0, self.begin());
        store.take_journal(&claim).await?;
        let mut random = StdRng::seed_from_u64(0);
        let measured_from = self.clicks.saturating_sub(MEASURED);
        let (mut all, mut at_the_end) = (Duration::ZERO, Duration::ZERO);
        let mut start = 0;
        for first in (0..self.clicks).step_by(BATCH as usize) {
            let numbers = first..self.clicks.min(first + BATCH);
            let clicks: Vec<Click> = numbers
                .map(|number| self.click(number, self.at(number), &mut random))
                .collect();
            let of_hot = clicks
                .iter()
                .filter(|it| *it.link_id.as_uuid() == links::id(HOT));
            self.hot.extend(of_hot.map(|click| click.id));
            let old = self.hot.len().saturating_sub(5_000);
            self.hot.drain(..old);
            let batch = Arc::new(ClickBatch {
                journal,
                owner,
                start,
                clicks,
                dropped: Dropped::default(),
                duplicates: 0,
                records: waypost_store::KeptRecords::All,
            });
            start = batch.end();
            let began = Instant::now();
            match store.ingest(batch, END).await? {
                Ingested::Settled(recorded) if recorded.link_gone == 0 => {}
                other => return Err(format!("a batch was not stored: {other:?}").into()),
            }
            let took = began.elapsed();
            all += took;
            if first >= measured_from {
                at_the_end += took;
            }
        }
        waypost.close();
        let bare = self.insert_bare(database, &mut random).await?;
        let (link_days, bytes) = link_days(database).await;
        let last = self.clicks - measured_from / BATCH * BATCH;
        Ok(Stored {
            all: float(self.clicks.into()) / all.as_secs_f64(),
            at_the_end: float(last.min(MEASURED).into()) / at_the_end.as_secs_f64(),
            bare,
            link_day_bytes: float(bytes) / float(link_days),
            link_days,
        })
    }

    async fn insert_bare(&self, database: &LinkDatabase, random: &mut StdRng) -> Result<f64> {
        let rows: Vec<Row> = (0..MEASURED)
            .map(|number| {
                let at = END + time::Duration::microseconds(number.into());
                Row::of(&self.click(number, at, random))
            })
            .collect();
        let mut bare = Bare::connect(database.which, &database.database).await?;
        let began = Instant::now();
        for batch in rows.chunks(BATCH as usize) {
            bare.insert(batch).await?;
        }
        let took = began.elapsed();
        drop(bare);
        let first = id(END, 0);
        let first = first.as_uuid().simple();
        let first = match database.which {
            crate::options::Database::Postgres => format!("'{first}'"),
            _ => format!("x'{first}'"),
        };
        let delete = format!("delete from link_clicks where id >= {first}");
        database.database.execute(&delete).await;
        if database.which == crate::options::Database::Postgres {
            database
                .database
                .execute("vacuum analyze link_clicks")
                .await;
            database.database.execute("vacuum analyze link_days").await;
        }
        Ok(float(MEASURED.into()) / took.as_secs_f64())
    }
}

/// Returns a UUIDv7 at a time.
fn id(at: OffsetDateTime, random: u64) -> ClickId {
    let ms = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).expect("is after 1970");
    let rest = u128::from(random >> 2);
    ClickId::from_uuid(Uuid::from_u128(ms << 80 | 0x7 << 76 | 0x2 << 62 | rest))
}

/// Returns how many rows the rollup has, and how long they are: two IDs and numbers of 8 bytes, and
/// the texts.
async fn link_days(database: &LinkDatabase) -> (u64, u64) {
    let sql = match database.which {
        crate::options::Database::Postgres => {
            "select count(*), sum(pg_column_size(link_days.*)) from link_days"
        }
        _ => "select count(*), sum(16 + 10 + 40 + length(facts)) from link_days",
    };
    let rows = database.database.rows(sql).await;
    let number = |place: usize| {
        let value = rows
            .first()
            .and_then(|row| row.get(place))
            .cloned()
            .flatten();
        value.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    (number(0), number(1))
}

//! Access to stored rows that bypasses the port: some data cannot be read through it (yet), but
//! must be right nevertheless.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{
    Click, ClickFacts, ClickId, IpHash, LinkId, Referrer, UserAgent, UserId, VisitClass, micros,
};
use waypost_store::MemoryStore;

/// Reads stored rows without the store, in any order.
#[async_trait]
pub trait StoredRows: Send + Sync {
    /// Returns all click records.
    async fn clicks(&self) -> Vec<ClickRow>;

    /// Returns all rows of the daily rollup.
    async fn days(&self) -> Vec<DayRow>;
}

/// A row of `link_clicks`: a click without its day, which only the rollup keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickRow {
    /// Its ID.
    pub id: ClickId,
    /// The link that was followed.
    pub link_id: LinkId,
    /// The user who followed it.
    pub user_id: Option<UserId>,
    /// The visitor's hashed IP address.
    pub ip_hash: Option<IpHash>,
    /// The user agent of the visitor.
    pub user_agent: Option<UserAgent>,
    /// The page that the visitor came from.
    pub referrer: Option<Referrer>,
    /// When it happened, UTC, to the microsecond.
    pub clicked_at: OffsetDateTime,
    /// The known facts of the click.
    pub facts: ClickFacts,
}

impl From<&Click> for ClickRow {
    fn from(click: &Click) -> Self {
        Self {
            id: click.id,
            link_id: click.link_id,
            user_id: click.user_id,
            ip_hash: click.ip_hash,
            user_agent: click.user_agent.clone(),
            referrer: click.referrer.clone(),
            clicked_at: click.clicked_at,
            facts: click.facts.clone(),
        }
    }
}

#[async_trait]
impl StoredRows for MemoryStore {
    async fn clicks(&self) -> Vec<ClickRow> {
        self.all_clicks().iter().map(ClickRow::from).collect()
    }

    async fn days(&self) -> Vec<DayRow> {
        let days = self.all_days().into_iter();
        days.map(|(link_id, day)| DayRow {
            link_id,
            day: day.day,
            clicks: day.counted.clicks,
            humans: day.counted.humans,
            visitors: day.visitors,
        })
        .collect()
    }
}

/// A row of `link_days`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRow {
    /// The link.
    pub link_id: LinkId,
    /// The day.
    pub day: Date,
    /// Its clicks on that day.
    pub clicks: u64,
    /// Those by people.
    pub humans: u64,
    /// The unique visitors of that day.
    pub visitors: u64,
}

/// Returns the rows that these clicks must leave, in the order of their IDs.
fn expected_rows<'a>(clicks: impl IntoIterator<Item = &'a Click>) -> Vec<ClickRow> {
    let row = |click: &Click| ClickRow {
        clicked_at: micros(click.clicked_at),
        ..ClickRow::from(click)
    };
    let mut rows: Vec<ClickRow> = clicks.into_iter().map(row).collect();
    rows.sort_by_key(|row| row.id);
    rows
}

/// Asserts that exactly these clicks are stored, each as it was, if the rows can be read.
pub(super) async fn assert_clicks<'a>(
    rows: Option<&dyn StoredRows>,
    clicks: impl IntoIterator<Item = &'a Click>,
) {
    if let Some(rows) = rows {
        let mut stored = rows.clicks().await;
        stored.sort_by_key(|row| row.id);
        assert_eq!(stored, expected_rows(clicks));
    }
}

/// Returns the rollup that these clicks must leave.
fn expected_days<'a>(clicks: impl IntoIterator<Item = &'a Click>) -> Vec<DayRow> {
    let mut days: BTreeMap<(LinkId, Date), Vec<&Click>> = BTreeMap::new();
    for click in clicks {
        let day = days.entry((click.link_id, click.day)).or_default();
        day.push(click);
    }
    let number = |count: usize| u64::try_from(count).unwrap();
    let row = |((link_id, day), clicks): ((LinkId, Date), Vec<&Click>)| {
        let humans = clicks
            .iter()
            .filter(|click| click.facts.class == Some(VisitClass::Human));
        let visitors: HashSet<IpHash> = clicks.iter().filter_map(|click| click.ip_hash).collect();
        DayRow {
            link_id,
            day,
            clicks: number(clicks.len()),
            humans: number(humans.count()),
            visitors: number(visitors.len()),
        }
    };
    days.into_iter().map(row).collect()
}

/// Asserts that the rollup counts exactly these clicks, if the rows can be read.
pub(super) async fn assert_days<'a>(
    rows: Option<&dyn StoredRows>,
    clicks: impl IntoIterator<Item = &'a Click>,
) {
    if let Some(rows) = rows {
        let mut stored = rows.days().await;
        stored.sort_by_key(|row| (row.link_id, row.day));
        assert_eq!(stored, expected_days(clicks));
    }
}

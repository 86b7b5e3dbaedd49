//! The port for reading statistics: the daily totals, and the click records.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{Click, ClickId, DisplayName, Link, LinkId, UserId};

use crate::StoreError;
use crate::rollup::{Counted, DayFacts, FactsSum, Part};

/// Reads the statistics of links. Numbers come from rollups, which outlive the click records.
#[async_trait]
pub trait StatsStore: Send + Sync {
    /// Returns the days of a link from `from` to `to`, inclusive, that have clicks, in order.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn link_days(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
    ) -> Result<Vec<LinkDay>, StoreError>;

    /// Returns the days of each of these links from `from` to `to`, inclusive, that have clicks, in
    /// order. Links without clicks in this period are left out.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn days_of_links(
        &self,
        links: &[LinkId],
        from: Date,
        to: Date,
    ) -> Result<BTreeMap<LinkId, Vec<(Date, Counted)>>, StoreError>;

    /// Returns the present totals of each of these links that exists.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn link_totals(&self, links: &[LinkId]) -> Result<BTreeMap<LinkId, Counted>, StoreError>;

    /// Returns the same days of one link with their counts by dimension, as far as `part` goes.
    ///
    /// # Errors
    /// [`StoreError`] as for any read; [`StoreError::Corrupt`] when a document cannot be read.
    async fn link_day_facts(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
        part: Part,
    ) -> Result<Vec<LinkDayFacts>, StoreError>;

    /// Returns the counts by dimension of these days added up, as far as `part` goes.
    ///
    /// # Errors
    /// As [`StatsStore::link_day_facts`].
    async fn sum_of_facts(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
        part: Part,
    ) -> Result<FactsSum, StoreError>;

    /// Returns the times of the first and the last counted click of a link; `None` if it has none.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn click_span(&self, link: LinkId) -> Result<Option<ClickSpan>, StoreError>;

    /// Returns the time of the oldest click record of a link.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn oldest_click(&self, link: LinkId) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Returns how many clicks of a link have no record, because it was purged or never stored; 0
    /// for a link that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn clicks_without_record(&self, link: LinkId) -> Result<u64, StoreError>;

    /// Returns at most `query.limit` click records of a link, newest first, with the signed-in user
    /// of each.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn clicks_of(&self, query: &ClicksQuery) -> Result<Vec<KeptClick>, StoreError>;

    /// Returns the clicks of all links of an owner, without deleted ones, by day from `from` to
    /// `to`, inclusive, in order.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn owned_days(
        &self,
        owner: UserId,
        from: Date,
        to: Date,
    ) -> Result<Vec<(Date, Counted)>, StoreError>;

    /// Returns how many links a user owns, without deleted ones, and all clicks ever counted for
    /// them.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn owned_total(&self, owner: UserId) -> Result<(u64, Counted), StoreError>;

    /// Returns at most `limit` links of an owner, without deleted ones, with most clicks from
    /// `from` to `to`, inclusive; most clicks first, then in the order of their IDs.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn owned_top(
        &self,
        owner: UserId,
        from: Date,
        to: Date,
        limit: u32,
    ) -> Result<Vec<(Link, Counted)>, StoreError>;

    /// Returns the pairs whose user owns the link.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn filter_owned(
        &self,
        pairs: &[(LinkId, UserId)],
    ) -> Result<Vec<(LinkId, UserId)>, StoreError>;

    /// Deletes at most `limit` entries of the sets that distinguish the visitors of a day, of days
    /// before `day`, and returns their number. The numbers of visitors stay; a click of such a day
    /// that is stored afterwards counts its visitor again.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_visitors(&self, day: Date, limit: u32) -> Result<u64, StoreError>;
}

/// The daily totals of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkDay {
    /// The day, in the server's time zone.
    pub day: Date,
    /// All clicks, and those by people.
    pub counted: Counted,
    /// The number of unique visitors. A visitor on two days counts on each of them.
    pub visitors: u64,
}

/// The counts by dimension of a link and a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkDayFacts {
    /// The day, in the server's time zone.
    pub day: Date,
    /// All clicks, and those by people.
    pub counted: Counted,
    /// The counts by dimension, as far as requested.
    pub facts: DayFacts<'static>,
}

/// The times of the first and the last click of a link, UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickSpan {
    /// The first click.
    pub first: OffsetDateTime,
    /// The last one.
    pub last: OffsetDateTime,
}

/// Which click records of a link to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClicksQuery {
    /// The link.
    pub link: LinkId,
    /// Only clicks that are older than this one: their IDs are smaller.
    pub before: Option<ClickId>,
    /// Maximum number of clicks.
    pub limit: u32,
}

/// A click record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClick {
    /// Its ID, which is also its place in the list.
    pub id: ClickId,
    /// When it happened, UTC, to the microsecond.
    pub clicked_at: OffsetDateTime,
    /// The page that the visitor came from.
    pub referrer: Option<waypost_core::Referrer>,
    /// The user agent of the visitor.
    pub user_agent: Option<waypost_core::UserAgent>,
    /// The known facts of the click.
    pub facts: waypost_core::ClickFacts,
    /// The user, if the visitor was signed in and the user still exists.
    pub user: Option<(UserId, DisplayName)>,
}

impl KeptClick {
    /// Returns the record of a click by `user`.
    #[must_use]
    pub fn of(click: &Click, user: Option<(UserId, DisplayName)>) -> Self {
        Self {
            id: click.id,
            clicked_at: click.clicked_at,
            referrer: click.referrer.clone(),
            user_agent: click.user_agent.clone(),
            facts: click.facts.clone(),
            user,
        }
    }
}

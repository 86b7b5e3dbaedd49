//! The port for reading what is known of clicks: the numbers of days, and the clicks themselves.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{Click, ClickId, DisplayName, Link, LinkId, UserId};

use crate::StoreError;
use crate::rollup::{Counted, DayFacts, FactsSum, Part};

/// Reads the statistics of links. Numbers come from rollups, which outlive the click rows.
#[async_trait]
pub trait StatsStore: Send + Sync {
    /// The days of a link from `from` to `to`, both included, on which it was clicked, in order.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn link_days(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
    ) -> Result<Vec<LinkDay>, StoreError>;

    /// The days of each of these links from `from` to `to`, both included, on which it was clicked, in order.
    /// Links that were not clicked then are not there.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn days_of_links(
        &self,
        links: &[LinkId],
        from: Date,
        to: Date,
    ) -> Result<BTreeMap<LinkId, Vec<(Date, Counted)>>, StoreError>;

    /// The same days of one link, with what their clicks are counted by, as far as `part` goes.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up; [`StoreError::Corrupt`] when a document cannot be read.
    async fn link_day_facts(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
        part: Part,
    ) -> Result<Vec<LinkDayFacts>, StoreError>;

    /// What the clicks of these days are counted by all together, as far as `part` goes.
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

    /// When a link was clicked first and last, as far as that was counted; `None` if it never was.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn click_span(&self, link: LinkId) -> Result<Option<ClickSpan>, StoreError>;

    /// The oldest click of a link whose row is kept: when it happened.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn oldest_click(&self, link: LinkId) -> Result<Option<OffsetDateTime>, StoreError>;

    /// At most `query.limit` clicks of a link whose rows are kept, newest first, with who made them.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn clicks_of(&self, query: &ClicksQuery) -> Result<Vec<KeptClick>, StoreError>;

    /// The clicks of all links that a user owns, deleted ones left out, by day from `from` to `to`,
    /// both included, in order.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn owned_days(
        &self,
        owner: UserId,
        from: Date,
        to: Date,
    ) -> Result<Vec<(Date, Counted)>, StoreError>;

    /// How many links a user owns, deleted ones left out, and all clicks ever counted for them.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn owned_total(&self, owner: UserId) -> Result<(u64, Counted), StoreError>;

    /// Those at most `limit` links that a user owns, deleted ones left out, which were clicked most from
    /// `from` to `to`, both included; most clicks first, then in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
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
    /// [`StoreError`] as any look-up.
    async fn filter_owned(
        &self,
        pairs: &[(LinkId, UserId)],
    ) -> Result<Vec<(LinkId, UserId)>, StoreError>;

    /// Deletes at most `limit` entries of the sets by which the visitors of a day are told apart, of days
    /// before `day`, and gives back their number. The numbers of visitors stay; a click of such a day that
    /// is stored afterwards counts its visitor anew.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_visitors(&self, day: Date, limit: u32) -> Result<u64, StoreError>;
}

/// The numbers of a link and a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkDay {
    /// The day, in the server's time zone.
    pub day: Date,
    /// All clicks, and those of people.
    pub counted: Counted,
    /// How many different visitors there were. A visitor who comes on two days is one on each.
    pub visitors: u64,
}

/// What the clicks of a link and a day are counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkDayFacts {
    /// The day, in the server's time zone.
    pub day: Date,
    /// All clicks, and those of people.
    pub counted: Counted,
    /// Their parts, as far as they were asked for.
    pub facts: DayFacts<'static>,
}

/// When a link was clicked first and last, UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickSpan {
    /// The first click.
    pub first: OffsetDateTime,
    /// The last one.
    pub last: OffsetDateTime,
}

/// Which clicks of a link to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClicksQuery {
    /// The link.
    pub link: LinkId,
    /// They are older than this one: their ids are smaller.
    pub before: Option<ClickId>,
    /// So many at the most.
    pub limit: u32,
}

/// A click whose row is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClick {
    /// Its identity, and its place in the list.
    pub id: ClickId,
    /// When, UTC, to the microsecond.
    pub clicked_at: OffsetDateTime,
    /// The page that the visitor came from.
    pub referrer: Option<waypost_core::Referrer>,
    /// What the visitor's browser calls itself.
    pub user_agent: Option<waypost_core::UserAgent>,
    /// What is known of it.
    pub facts: waypost_core::ClickFacts,
    /// Who made it, where the visitor was signed in and is still there.
    pub user: Option<(UserId, DisplayName)>,
}

impl KeptClick {
    /// What is kept of a click that `user` made.
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

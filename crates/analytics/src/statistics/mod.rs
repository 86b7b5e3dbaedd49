//! Statistics: totals of a link and of its days, breakdowns, and click records.
//!
//! All numbers come from daily totals, which are kept when click records are purged; only lists of
//! clicks read click records. Days are in the server's time zone. Before numbers are read, the
//! pending clicks of this server are stored, for at most 1 s; [`LinkStatistics::complete_until`] is
//! the time up to which that succeeded.
//!
//! Unique visitors are different IP address hashes within one day. They are never added up over
//! days: a visitor of two days has two different hashes, and it cannot be known that these are one
//! person.

mod breakdown;
mod days;

use std::sync::Arc;

use time::{Date, OffsetDateTime};
use waypost_core::{ClickId, Link, LinkId, UserId, VisitClass};
use waypost_store::rollup::{Counted, Part};
use waypost_store::{ClickSpan, ClicksQuery, KeptClick, LinkDay, Store, StoreError};

pub use breakdown::{Breakdown, BreakdownBy, BreakdownByError};
pub use days::{Days, DaysError};

use crate::Recorder;

/// Number of click records read at once.
const ROWS: u32 = 1_000;
/// Maximum number of click records read for one page of a list of clicks of one class.
const MOST_ROWS: u32 = 10_000;

/// Reads statistics. Clones are cheap.
#[derive(Clone)]
pub struct Statistics {
    recorder: Recorder,
    store: Arc<dyn Store>,
}

/// The statistics of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatistics {
    /// The total number of clicks.
    pub total: Counted,
    /// Clicks of today and the six days before.
    pub last_7d: u64,
    /// Clicks of today and the 29 days before.
    pub last_30d: u64,
    /// Unique visitors of today.
    pub visitors_today: u64,
    /// The times of the first and the last click, if there are any.
    pub span: Option<ClickSpan>,
    /// The time of the oldest click record; `None` if there are none.
    pub rows_since: Option<OffsetDateTime>,
    /// The number of clicks without a record: it was purged, or never stored.
    pub without_record: u64,
    /// All clicks that this server accepted up to this time are counted.
    pub complete_until: OffsetDateTime,
    /// All days of the requested period.
    pub daily: Vec<DayStatistics>,
}

/// The statistics of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayStatistics {
    /// The day.
    pub day: Date,
    /// Its clicks: all, or those of the requested class.
    pub counted: Counted,
    /// Its unique visitors; `None` if only clicks of a class were requested.
    pub visitors: Option<u64>,
}

/// The statistics of all links of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnStatistics {
    /// Number of links.
    pub links: u64,
    /// The total number of clicks.
    pub total: Counted,
    /// Clicks of today and the six days before.
    pub last_7d: u64,
    /// Clicks of today and the 29 days before.
    pub last_30d: u64,
    /// All clicks that this server accepted up to this time are counted.
    pub complete_until: OffsetDateTime,
    /// All days of the requested period. Without visitors: a visitor of two links would be counted
    /// for each.
    pub daily: Vec<(Date, Counted)>,
    /// The links with most clicks in the period.
    pub top: Vec<(Link, Counted)>,
}

/// A page of clicks of a link, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickPage {
    /// The clicks.
    pub clicks: Vec<KeptClick>,
    /// The click after which the next page starts; `None` on the last page.
    pub next: Option<ClickId>,
}

impl Statistics {
    /// Creates statistics of the clicks that `recorder` records in `store`.
    #[must_use]
    pub fn new(recorder: Recorder, store: Arc<dyn Store>) -> Self {
        Self { recorder, store }
    }

    /// Returns the name of the time zone of days.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.recorder.zone().name()
    }

    /// Returns the current day.
    #[must_use]
    pub fn today(&self) -> Date {
        self.recorder.today()
    }

    /// Returns the totals of a link and the statistics of `days`. With a class, the days count only
    /// clicks of that class.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn of_link(
        &self,
        link: LinkId,
        days: Days,
        class: Option<VisitClass>,
    ) -> Result<LinkStatistics, StoreError> {
        let complete_until = self.recorder.settle().await;
        let Some(found) = self.store.link(link).await? else {
            return Err(StoreError::NotFound);
        };
        let today = self.today();
        let lately = Days::until(today, days::LATELY);
        let all = lately.and(days);
        let stored = self.store.link_days(link, all.from, all.to).await?;
        let visitors_today = stored.iter().find(|stored| stored.day == today);
        let daily = match class {
            None => daily(days, &stored),
            Some(class) => self.daily_of_class(link, days, class).await?,
        };
        Ok(LinkStatistics {
            total: Counted {
                clicks: found.clicks,
                humans: found.humans,
            },
            last_7d: clicks_on(Days::until(today, days::WEEK), &stored),
            last_30d: clicks_on(lately, &stored),
            visitors_today: visitors_today.map_or(0, |today| today.visitors),
            span: self.store.click_span(link).await?,
            rows_since: self.store.oldest_click(link).await?,
            without_record: self.store.clicks_without_record(link).await?,
            complete_until,
            daily,
        })
    }

    async fn daily_of_class(
        &self,
        link: LinkId,
        days: Days,
        class: VisitClass,
    ) -> Result<Vec<DayStatistics>, StoreError> {
        let (from, to) = (days.from, days.to);
        let stored = self.store.link_day_facts(link, from, to, Part::Classes);
        let mut stored = stored.await?.into_iter().peekable();
        let day = |day| {
            let found = stored.next_if(|stored| stored.day == day);
            let clicks = found.map_or(0, |found| found.facts.of_class(class));
            let is_human = class == VisitClass::Human;
            DayStatistics {
                day,
                counted: Counted {
                    clicks,
                    humans: if is_human { clicks } else { 0 },
                },
                visitors: None,
            }
        };
        Ok(days.iter().map(day).collect())
    }

    /// Returns a breakdown of the clicks of a link in a period, most clicks first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn breakdown(
        &self,
        link: LinkId,
        by: BreakdownBy,
        days: Days,
    ) -> Result<Breakdown, StoreError> {
        self.recorder.settle().await;
        let part = match by {
            BreakdownBy::Dimension(dimension) => Part::Of(dimension),
            BreakdownBy::Class => Part::Classes,
        };
        let (from, to) = (days.from, days.to);
        let stored = self.store.sum_of_facts(link, from, to, part).await?;
        Ok(Breakdown::of(by, &stored))
    }

    /// Returns several breakdowns at once, in the order of the criteria.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn breakdowns(
        &self,
        link: LinkId,
        by: impl IntoIterator<Item = BreakdownBy>,
        days: Days,
    ) -> Result<Vec<Breakdown>, StoreError> {
        self.recorder.settle().await;
        let (from, to) = (days.from, days.to);
        let stored = self.store.sum_of_facts(link, from, to, Part::All).await?;
        let of_each = by.into_iter().map(|by| Breakdown::of(by, &stored));
        Ok(of_each.collect())
    }

    /// Returns at most `limit` clicks of a link that are older than `before`, newest first,
    /// optionally only of a class. Reads at most 10,000 click records: a page may have fewer clicks
    /// than exist, and says where the next page starts.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn clicks(
        &self,
        link: LinkId,
        class: Option<VisitClass>,
        before: Option<ClickId>,
        limit: u32,
    ) -> Result<ClickPage, StoreError> {
        if before.is_none() {
            self.recorder.settle().await;
        }
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let at_once = if class.is_some() { ROWS } else { limit };
        let mut page = ClickPage {
            clicks: Vec::new(),
            next: before,
        };
        let mut seen = 0;
        while seen < MOST_ROWS {
            let query = ClicksQuery {
                link,
                before: page.next,
                // Read one more to know whether there is a next page.
                limit: at_once.saturating_add(1),
            };
            let rows = self.store.clicks_of(&query).await?;
            let most = usize::try_from(at_once).unwrap_or(usize::MAX);
            let has_more = rows.len() > most;
            for click in rows.into_iter().take(most) {
                page.next = Some(click.id);
                seen += 1;
                if class.is_none() || click.facts.class == class {
                    page.clicks.push(click);
                }
                if page.clicks.len() == wanted {
                    let is_last = class.is_none() && !has_more;
                    page.next = page.next.filter(|_| !is_last);
                    return Ok(page);
                }
            }
            if !has_more {
                page.next = None;
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// Returns the clicks of a link that follow `before` in an export, newest first: at most 1,000,
    /// and none at the end.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn export(
        &self,
        link: LinkId,
        before: Option<ClickId>,
    ) -> Result<Vec<KeptClick>, StoreError> {
        if before.is_none() {
            self.recorder.settle().await;
        }
        let query = ClicksQuery {
            link,
            before,
            limit: ROWS,
        };
        self.store.clicks_of(&query).await
    }

    /// Returns the statistics of all links of `owner`, in total and by day.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn of_owner(
        &self,
        owner: UserId,
        days: Days,
        top: u32,
    ) -> Result<OwnStatistics, StoreError> {
        let complete_until = self.recorder.settle().await;
        let today = self.today();
        let lately = Days::until(today, days::LATELY);
        let (links, total) = self.store.owned_total(owner).await?;
        let all = lately.and(days);
        let stored = self.store.owned_days(owner, all.from, all.to).await?;
        let sum = |of: Days| {
            let of_days = stored.iter().filter(|(day, _)| of.contains(*day));
            of_days.map(|(_, counted)| counted.clicks).sum()
        };
        let on = |day: Date| {
            let found = stored.binary_search_by_key(&day, |(day, _)| *day).ok();
            let counted = found.and_then(|place| stored.get(place));
            (
                day,
                counted.map_or_else(Counted::default, |(_, counted)| *counted),
            )
        };
        Ok(OwnStatistics {
            links,
            total,
            last_7d: sum(Days::until(today, days::WEEK)),
            last_30d: sum(lately),
            complete_until,
            daily: days.iter().map(on).collect(),
            top: self.store.owned_top(owner, days.from, days.to, top).await?,
        })
    }

    /// Returns the clicks of each link, in their order, on each of the last 30 days.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn lately(&self, links: &[LinkId]) -> Result<Vec<Vec<(Date, Counted)>>, StoreError> {
        let days = Days::until(self.today(), days::LATELY);
        let stored = self.store.days_of_links(links, days.from, days.to).await?;
        let of_link = |link| {
            let mut stored = stored.get(link).into_iter().flatten().peekable();
            let on = |day| {
                let found = stored.next_if(|(found, _)| *found == day);
                (day, found.map_or_else(Counted::default, |(_, of)| *of))
            };
            days.iter().map(on).collect()
        };
        Ok(links.iter().map(of_link).collect())
    }

    /// Returns the statistics of an owner without links.
    pub async fn of_nobody(&self, days: Days) -> OwnStatistics {
        OwnStatistics {
            links: 0,
            total: Counted::default(),
            last_7d: 0,
            last_30d: 0,
            complete_until: self.recorder.settle().await,
            daily: days.iter().map(|day| (day, Counted::default())).collect(),
            top: Vec::new(),
        }
    }
}

fn clicks_on(days: Days, stored: &[LinkDay]) -> u64 {
    let on_days = stored.iter().filter(|stored| days.contains(stored.day));
    on_days.map(|stored| stored.counted.clicks).sum()
}

/// Returns all days, including those without clicks.
fn daily(days: Days, stored: &[LinkDay]) -> Vec<DayStatistics> {
    let mut stored = stored
        .iter()
        .filter(|stored| days.contains(stored.day))
        .peekable();
    let day = |day| {
        let found = stored.next_if(|stored| stored.day == day);
        DayStatistics {
            day,
            counted: found.map_or_else(Counted::default, |found| found.counted),
            visitors: Some(found.map_or(0, |found| found.visitors)),
        }
    };
    days.iter().map(day).collect()
}

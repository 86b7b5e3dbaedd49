//! Statistics in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{Click, ClickId, IpHash, Link, LinkId, UserId};

use super::kept::Kept;
use super::{MemoryStore, State, count};
use crate::rollup::{Counted, FactsSum, Part};
use crate::{
    ClickSpan, ClicksQuery, FactsChange, FactsStore, KeptClick, LinkDay, LinkDayFacts, StatsStore,
    StoreError,
};

impl State {
    /// Returns the links of an owner that are not deleted.
    fn owned_by(&self, owner: UserId) -> impl Iterator<Item = &Kept> {
        let links = self.links.values();
        links.filter(move |kept| !kept.link.is_deleted() && kept.owners.contains(&owner))
    }
}

#[async_trait]
impl FactsStore for MemoryStore {
    async fn clicks_after(
        &self,
        after: Option<ClickId>,
        limit: u32,
    ) -> Result<Vec<Click>, StoreError> {
        let state = self.state();
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let clicks = state.clicks.range((behind, Bound::Unbounded));
        Ok(clicks
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(_, click)| Click {
                ip_hash: None,
                day: click.clicked_at.date(),
                ..click.clone()
            })
            .collect())
    }

    async fn change_facts(&self, changes: &[FactsChange]) -> Result<u64, StoreError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let mut changed = 0;
        for change in changes {
            let id = change.click.id;
            let stored = state.clicks.get_mut(&id);
            let Some(stored) = stored.filter(|stored| stored.facts == change.click.facts) else {
                continue;
            };
            stored.facts = change.facts.clone();
            changed += 1;
            if let Some(kept) = state.links.get_mut(&change.click.link_id) {
                kept.recount(change);
            }
        }
        Ok(changed)
    }
}

#[async_trait]
impl StatsStore for MemoryStore {
    async fn link_days(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
    ) -> Result<Vec<LinkDay>, StoreError> {
        let state = self.state();
        let days = state.links.get(&link).into_iter();
        let days = days.flat_map(|kept| kept.days_between(from, to));
        Ok(days
            .map(|(day, kept)| LinkDay {
                day: *day,
                counted: kept.counted,
                visitors: kept.visitors,
            })
            .collect())
    }

    async fn days_of_links(
        &self,
        links: &[LinkId],
        from: Date,
        to: Date,
    ) -> Result<BTreeMap<LinkId, Vec<(Date, Counted)>>, StoreError> {
        let state = self.state();
        let mut found = BTreeMap::new();
        for (link, kept) in links.iter().filter_map(|id| state.links.get_key_value(id)) {
            let days = kept.days_between(from, to);
            let days: Vec<_> = days.map(|(day, kept)| (*day, kept.counted)).collect();
            if !days.is_empty() {
                found.insert(*link, days);
            }
        }
        Ok(found)
    }

    async fn link_totals(&self, links: &[LinkId]) -> Result<BTreeMap<LinkId, Counted>, StoreError> {
        let state = self.state();
        let found = links.iter().filter_map(|id| state.links.get_key_value(id));
        let total = |(id, kept): (&LinkId, &Kept)| {
            let (clicks, humans) = (kept.link.clicks, kept.link.humans);
            (*id, Counted { clicks, humans })
        };
        Ok(found.map(total).collect())
    }

    async fn link_day_facts(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
        part: Part,
    ) -> Result<Vec<LinkDayFacts>, StoreError> {
        let state = self.state();
        let days = state.links.get(&link).into_iter();
        let days = days.flat_map(|kept| kept.days_between(from, to));
        Ok(days
            .map(|(day, kept)| LinkDayFacts {
                day: *day,
                counted: kept.counted,
                facts: kept.facts.clone().only(part),
            })
            .collect())
    }

    async fn sum_of_facts(
        &self,
        link: LinkId,
        from: Date,
        to: Date,
        part: Part,
    ) -> Result<FactsSum, StoreError> {
        let mut sum = FactsSum::default();
        for day in self.link_day_facts(link, from, to, part).await? {
            sum.add(day.counted, &day.facts);
        }
        Ok(sum)
    }

    async fn click_span(&self, link: LinkId) -> Result<Option<ClickSpan>, StoreError> {
        let state = self.state();
        let Some(kept) = state.links.get(&link) else {
            return Ok(None);
        };
        let spans = kept.days.values().filter_map(|day| day.span);
        Ok(spans.reduce(|all, span| ClickSpan {
            first: all.first.min(span.first),
            last: all.last.max(span.last),
        }))
    }

    async fn oldest_click(&self, link: LinkId) -> Result<Option<OffsetDateTime>, StoreError> {
        let state = self.state();
        let mut clicks = state.clicks.values();
        let oldest = clicks.find(|click| click.link_id == link);
        Ok(oldest.map(|click| click.clicked_at))
    }

    async fn clicks_without_record(&self, link: LinkId) -> Result<u64, StoreError> {
        let state = self.state();
        Ok(state.links.get(&link).map_or(0, |kept| kept.purged))
    }

    async fn clicks_of(&self, query: &ClicksQuery) -> Result<Vec<KeptClick>, StoreError> {
        let state = self.state();
        let clicks = state.clicks.values().rev();
        let of_link = clicks.filter(|click| {
            click.link_id == query.link && query.before.is_none_or(|before| click.id < before)
        });
        let user = |id: UserId| {
            let user = state.users.get(&id)?;
            Some((id, user.user.display_name.clone()))
        };
        Ok(of_link
            .take(usize::try_from(query.limit).unwrap_or(usize::MAX))
            .map(|click| KeptClick::of(click, click.user_id.and_then(user)))
            .collect())
    }

    async fn owned_days(
        &self,
        owner: UserId,
        from: Date,
        to: Date,
    ) -> Result<Vec<(Date, Counted)>, StoreError> {
        let state = self.state();
        let mut days: BTreeMap<Date, Counted> = BTreeMap::new();
        for (day, kept) in state
            .owned_by(owner)
            .flat_map(|kept| kept.days_between(from, to))
        {
            let counted = days.entry(*day).or_default();
            *counted = counted.plus(kept.counted);
        }
        Ok(days.into_iter().collect())
    }

    async fn owned_total(&self, owner: UserId) -> Result<(u64, Counted), StoreError> {
        let state = self.state();
        let counted = |link: &Link| Counted {
            clicks: link.clicks,
            humans: link.humans,
        };
        let owned = state.owned_by(owner).map(|kept| counted(&kept.link));
        Ok(
            owned.fold((0, Counted::default()), |(links, sum), counted| {
                (links + 1, sum.plus(counted))
            }),
        )
    }

    async fn owned_top(
        &self,
        owner: UserId,
        from: Date,
        to: Date,
        limit: u32,
    ) -> Result<Vec<(Link, Counted)>, StoreError> {
        let state = self.state();
        let mut top: Vec<(Link, Counted)> = state
            .owned_by(owner)
            .map(|kept| (kept.link.clone(), kept.counted_between(from, to)))
            .filter(|(_, counted)| counted.clicks > 0)
            .collect();
        top.sort_by_key(|(link, counted)| (std::cmp::Reverse(counted.clicks), link.id));
        top.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(top)
    }

    async fn filter_owned(
        &self,
        pairs: &[(LinkId, UserId)],
    ) -> Result<Vec<(LinkId, UserId)>, StoreError> {
        let state = self.state();
        let owns = |(link, user): &&(LinkId, UserId)| {
            let kept = state.links.get(link);
            kept.is_some_and(|kept| kept.owners.contains(user))
        };
        Ok(pairs.iter().filter(owns).copied().collect())
    }

    async fn purge_visitors(&self, day: Date, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut purged = 0;
        let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
        for kept in state.links.values_mut() {
            for (_, of_day) in kept.days.range_mut(..day) {
                let gone: Vec<IpHash> = of_day.seen.iter().take(left).copied().collect();
                for hash in &gone {
                    of_day.seen.remove(hash);
                }
                left -= gone.len();
                purged += count(gone.len());
            }
        }
        Ok(purged)
    }
}

//! Orphans in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::{OrphanPath, micros};

use super::{MemoryStore, State};
use crate::{Orphan, OrphanQuery, OrphanStore, OrphanTries, OrphansAdded, StoreError};

/// The orphans of a day.
#[derive(Debug, Clone, Default)]
pub(super) struct OrphanDay {
    paths: BTreeMap<OrphanPath, KeptTries>,
    /// How many paths were added on the day, deleted ones included.
    places: u32,
}

#[derive(Debug, Clone)]
struct KeptTries {
    hits: u64,
    first_at: OffsetDateTime,
    last_at: OffsetDateTime,
}

impl State {
    /// Returns whether a path matches a link now.
    fn leads_somewhere(&self, path: &OrphanPath) -> bool {
        [path.as_str(), path.first_segment()].iter().any(|code| {
            let link = self.ids.get(*code).and_then(|id| self.links.get(id));
            link.is_some_and(|kept| !kept.link.is_deleted())
        })
    }
}

#[async_trait]
impl OrphanStore for MemoryStore {
    async fn add_orphans(
        &self,
        tries: &[OrphanTries],
        paths_per_day: u32,
    ) -> Result<OrphansAdded, StoreError> {
        let mut state = self.state();
        let mut added = OrphansAdded::default();
        for tries in tries {
            let day = state.orphans.entry(tries.day).or_default();
            let (first_at, last_at) = (micros(tries.first_at), micros(tries.last_at));
            if let Some(kept) = day.paths.get_mut(&tries.path) {
                kept.hits = kept.hits.saturating_add(tries.hits);
                kept.first_at = kept.first_at.min(first_at);
                kept.last_at = kept.last_at.max(last_at);
            } else if day.places < paths_per_day {
                day.places += 1;
                let kept = KeptTries {
                    hits: tries.hits,
                    first_at,
                    last_at,
                };
                day.paths.insert(tries.path.clone(), kept);
            } else {
                added.left_out += tries.hits;
                continue;
            }
            added.added += tries.hits;
        }
        Ok(added)
    }

    async fn orphans(&self, query: &OrphanQuery) -> Result<Vec<Orphan>, StoreError> {
        let state = self.state();
        let mut found: BTreeMap<&OrphanPath, Orphan> = BTreeMap::new();
        let days = state.orphans.iter();
        let days = days.filter(|(day, _)| (query.from..=query.to).contains(day));
        for (path, kept) in days.flat_map(|(_, day)| &day.paths) {
            let orphan = found.entry(path).or_insert_with(|| Orphan {
                path: path.clone(),
                hits: 0,
                days: 0,
                first_at: kept.first_at,
                last_at: kept.last_at,
            });
            orphan.hits += kept.hits;
            orphan.days += 1;
            orphan.first_at = orphan.first_at.min(kept.first_at);
            orphan.last_at = orphan.last_at.max(kept.last_at);
        }
        let mut orphans: Vec<Orphan> = found.into_values().collect();
        let place = |hits: u64, path: &OrphanPath| (Reverse(hits), path.clone());
        orphans.retain(|orphan| {
            let behind = query.after.as_ref().is_none_or(|after| {
                place(orphan.hits, &orphan.path) > place(after.hits, &after.path)
            });
            behind && !state.leads_somewhere(&orphan.path)
        });
        orphans.sort_by_key(|orphan| place(orphan.hits, &orphan.path));
        orphans.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(orphans)
    }

    async fn purge_orphans(&self, before: Date, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let old: Vec<(Date, OrphanPath)> = state
            .orphans
            .range(..before)
            .flat_map(|(day, of_day)| of_day.paths.keys().map(|path| (*day, path.clone())))
            .take(limit)
            .collect();
        for (day, path) in &old {
            if let Some(of_day) = state.orphans.get_mut(day) {
                of_day.paths.remove(path);
            }
        }
        let is_kept = |day: &Date, of_day: &OrphanDay| *day >= before || !of_day.paths.is_empty();
        state.orphans.retain(|day, of_day| is_kept(day, of_day));
        Ok(super::count(old.len()))
    }

    async fn delete_orphan(&self, path: &OrphanPath) -> Result<bool, StoreError> {
        let mut state = self.state();
        let days = state.orphans.values_mut();
        let deleted = days.filter_map(|day| day.paths.remove(path)).count();
        Ok(deleted > 0)
    }
}

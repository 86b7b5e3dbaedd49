//! Codes above and below each other in memory.

use std::ops::Bound;

use async_trait::async_trait;
use waypost_core::{LinkId, ShortCode};

use super::{MemoryStore, State};
use crate::{LinkedCode, NestedCode, PathStore, StoreError};

impl State {
    fn linked(&self, code: &ShortCode, link: LinkId) -> LinkedCode {
        let kept = self.links.get(&link);
        LinkedCode {
            code: code.clone(),
            link,
            is_keyword: kept.is_some_and(|kept| kept.link.is_keyword),
        }
    }

    fn above(&self, code: &ShortCode) -> Option<LinkedCode> {
        let prefixes: Vec<&str> = code.prefixes().collect();
        let mut longest_first = prefixes.into_iter().rev();
        let found = longest_first.find_map(|prefix| self.ids.get_key_value(prefix));
        found.map(|(code, link)| self.linked(code, *link))
    }

    fn codes_after(
        &self,
        after: Option<&ShortCode>,
    ) -> impl Iterator<Item = (&ShortCode, &LinkId)> {
        let from = after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_str()));
        self.ids.range::<str, _>((from, Bound::Unbounded))
    }
}

#[async_trait]
impl PathStore for MemoryStore {
    async fn code_above(&self, code: &ShortCode) -> Result<Option<LinkedCode>, StoreError> {
        Ok(self.state().above(code))
    }

    async fn codes_below(
        &self,
        link: LinkId,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<LinkedCode>, StoreError> {
        let state = self.state();
        let is_of_link = |prefix: &str| state.ids.get(prefix) == Some(&link);
        let below = state
            .codes_after(after)
            .filter(|(code, holder)| **holder != link && code.prefixes().any(is_of_link));
        let limited = below.take(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(limited
            .map(|(code, link)| state.linked(code, *link))
            .collect())
    }

    async fn nested_codes(
        &self,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<NestedCode>, StoreError> {
        let state = self.state();
        let nested = state.codes_after(after).filter_map(|(code, link)| {
            let above = state.above(code).filter(|above| above.link != *link)?;
            let below = state.linked(code, *link);
            Some(NestedCode { below, above })
        });
        Ok(nested
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }
}

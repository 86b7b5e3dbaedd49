//! Finding links in memory: lists with filters, search, tags and keywords.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use waypost_core::{
    Link, LinkOrder, NearCodes, SearchWord, ShortCode, Standing, Tag, Visibility, micros,
};

use super::MemoryStore;
use super::kept::Kept;
use crate::{CatalogStore, LinkQuery, LinkReader, StoreError};

impl Kept {
    fn is_seen_by(&self, reader: LinkReader) -> bool {
        match reader {
            LinkReader::All => true,
            LinkReader::Involved(user) => self.standing(user) >= Standing::Recipient,
            LinkReader::User(user) => {
                self.link.details.visibility == Visibility::Public
                    || self.standing(user) >= Standing::Recipient
            }
        }
    }

    fn is_found_by(&self, query: &LinkQuery) -> bool {
        let LinkQuery {
            reader,
            words,
            tag,
            owner,
            target,
            visibility,
            deleted,
            ..
        } = query;
        let content = self.link.content();
        let own_words = SearchWord::of_link(&content);
        let has_word =
            |searched: &SearchWord| own_words.iter().any(|word| word.is_found_by(searched));
        self.is_seen_by(*reader)
            && self.link.is_deleted() == *deleted
            && words.iter().all(has_word)
            && tag
                .as_ref()
                .is_none_or(|tag| content.details.tags.contains(tag))
            && owner.is_none_or(|owner| self.owners.contains(&owner))
            && target
                .as_ref()
                .is_none_or(|target| content.target == *target)
            && visibility.is_none_or(|visibility| content.details.visibility == visibility)
    }
}

#[async_trait]
impl CatalogStore for MemoryStore {
    async fn list_links(&self, query: &LinkQuery) -> Result<Vec<Link>, StoreError> {
        let state = self.state();
        let found = state.links.values().filter(|kept| kept.is_found_by(query));
        let mut links: Vec<&Link> = found.map(|kept| &kept.link).collect();
        let made = |link: &Link| (link.created_at, link.id);
        match query.order {
            LinkOrder::NewestFirst => links.sort_by_key(|link| std::cmp::Reverse(made(link))),
            LinkOrder::OldestFirst => links.sort_by_key(|link| made(link)),
            LinkOrder::Code => links.sort_by(|a, b| a.code.cmp(&b.code)),
            LinkOrder::CodeReversed => links.sort_by(|a, b| b.code.cmp(&a.code)),
        }
        let is_behind = |link: &&&Link| {
            query.after.as_ref().is_none_or(|place| {
                let shown = (micros(place.after.created_at), place.after.id);
                match query.order {
                    LinkOrder::NewestFirst => made(link) < shown,
                    LinkOrder::OldestFirst => made(link) > shown,
                    LinkOrder::Code => link.code > place.code,
                    LinkOrder::CodeReversed => link.code < place.code,
                }
            })
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let wanted = links.iter().filter(is_behind).take(limit);
        Ok(wanted.map(|link| (*link).clone()).collect())
    }

    async fn tags(
        &self,
        reader: LinkReader,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<Tag>, StoreError> {
        let state = self.state();
        let seen = state.links.values();
        let seen = seen.filter(|kept| kept.is_seen_by(reader) && !kept.link.is_deleted());
        let tags: BTreeSet<&Tag> = seen.flat_map(|kept| &kept.link.details.tags).collect();
        let behind = tags
            .into_iter()
            .filter(|tag| after.is_none_or(|after| *tag > after));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(behind.take(limit).cloned().collect())
    }

    async fn keywords(
        &self,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let state = self.state();
        let links = state.links.values().map(|kept| &kept.link);
        let mut keywords: Vec<&Link> = links
            .filter(|link| link.is_keyword && !link.is_deleted())
            .filter(|link| after.is_none_or(|after| link.code > *after))
            .collect();
        keywords.sort_by(|a, b| a.code.cmp(&b.code));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(keywords.into_iter().take(limit).cloned().collect())
    }

    async fn near_links(
        &self,
        reader: LinkReader,
        near: &NearCodes,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let state = self.state();
        let seen = state.links.values();
        let seen = seen.filter(|kept| kept.is_seen_by(reader) && !kept.link.is_deleted());
        let by_code: BTreeMap<&str, &Link> = seen
            .map(|kept| (kept.link.code.as_str(), &kept.link))
            .collect();
        let exact = near.exact().iter().map(String::as_str);
        let begin = by_code.keys().copied();
        let begin = begin.filter(|code| code.starts_with(near.beginning()));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let codes: BTreeSet<&str> = exact.chain(begin.take(limit)).collect();
        let found = codes.into_iter().filter_map(|code| by_code.get(code));
        Ok(found.map(|link| (*link).clone()).collect())
    }

    async fn index_links(&self, _: u32) -> Result<u64, StoreError> {
        // There is no separate index to fill.
        Ok(0)
    }

    async fn links_to_index(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

//! The blocklist in memory.

use async_trait::async_trait;
use waypost_core::{HostPattern, micros};

use super::{MemoryStore, State};
use crate::{BlockedHost, BlocklistStore, StoreError};

impl State {
    /// Returns the first entry that matches a host.
    pub(super) fn blocking(&self, host: &str) -> Option<&BlockedHost> {
        let patterns = HostPattern::matching(host).into_iter();
        let entries = patterns.filter_map(|pattern| self.blocked.get(pattern.as_str()));
        entries.min_by_key(|blocked| &blocked.pattern)
    }
}

#[async_trait]
impl BlocklistStore for MemoryStore {
    async fn block_host(&self, host: &BlockedHost) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.blocked.contains_key(&host.pattern) {
            return Err(StoreError::Conflict);
        }
        if host
            .created_by
            .is_some_and(|user| !state.users.contains_key(&user))
        {
            return Err(StoreError::NotFound);
        }
        let kept = BlockedHost {
            created_at: micros(host.created_at),
            ..host.clone()
        };
        state.blocked.insert(host.pattern.clone(), kept);
        state.note_change_of_everything();
        Ok(())
    }

    async fn unblock_host(&self, pattern: &HostPattern) -> Result<bool, StoreError> {
        let mut state = self.state();
        let was_there = state.blocked.remove(pattern).is_some();
        if was_there {
            state.note_change_of_everything();
        }
        Ok(was_there)
    }

    async fn blocked_hosts(
        &self,
        after: Option<&HostPattern>,
        limit: u32,
    ) -> Result<Vec<BlockedHost>, StoreError> {
        let state = self.state();
        let behind = state.blocked.values();
        let behind = behind.filter(|blocked| after.is_none_or(|after| blocked.pattern > *after));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(behind.take(limit).cloned().collect())
    }

    async fn blocking(&self, host: &str) -> Result<Option<BlockedHost>, StoreError> {
        Ok(self.state().blocking(host).cloned())
    }
}

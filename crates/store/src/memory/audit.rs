//! The audit trail in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{AuditEntry, AuditId, micros};

use super::MemoryStore;
use crate::{AuditQuery, AuditStore, StoreError};

#[async_trait]
impl AuditStore for MemoryStore {
    async fn add_audit_entry(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.audit.contains_key(&entry.id) {
            return Err(StoreError::Conflict);
        }
        let kept = AuditEntry {
            created_at: micros(entry.created_at),
            ..entry.clone()
        };
        state.audit.insert(entry.id, kept);
        Ok(())
    }

    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state();
        let place = |at: OffsetDateTime, id: AuditId| Reverse((at, id));
        let wanted = |entry: &&AuditEntry| {
            let is_after = query.after.is_none_or(|after| {
                place(entry.created_at, entry.id) > place(micros(after.created_at), after.id)
            });
            is_after
                && query.event.is_none_or(|event| entry.event == event)
                && query.user.is_none_or(|user| entry.actor.user == Some(user))
        };
        let mut entries: Vec<_> = state.audit.values().filter(wanted).cloned().collect();
        entries.sort_by_key(|entry| place(entry.created_at, entry.id));
        entries.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(entries)
    }

    async fn purge_audit_entries(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut old: Vec<_> = state
            .audit
            .values()
            .filter(|entry| entry.created_at < micros(before))
            .map(|entry| (entry.created_at, entry.id))
            .collect();
        old.sort_unstable();
        old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, id) in &old {
            state.audit.remove(id);
        }
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }
}

//! Leases in memory.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{LeaseHolder, micros};

use super::MemoryStore;
use crate::{LeaseName, LeaseStore, StoreError, latest_lease_end};

/// A lease that was taken.
#[derive(Debug, Clone)]
pub(super) struct Held {
    by: LeaseHolder,
    until: OffsetDateTime,
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn take_lease(
        &self,
        name: LeaseName,
        holder: LeaseHolder,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let held = state.leases.get(&name);
        let latest = micros(latest_lease_end(now, until));
        let lasts = |held: &Held| micros(now) < held.until && held.until <= latest;
        if held.is_some_and(|held| held.by != holder && lasts(held)) {
            return Ok(false);
        }
        let until = micros(until);
        state.leases.insert(name, Held { by: holder, until });
        Ok(true)
    }

    async fn release_lease(&self, name: LeaseName, holder: LeaseHolder) -> Result<(), StoreError> {
        let mut state = self.state();
        if state
            .leases
            .get(&name)
            .is_some_and(|held| held.by == holder)
        {
            state.leases.remove(&name);
        }
        Ok(())
    }
}

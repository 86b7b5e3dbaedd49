//! When a node may delete: while it holds the lease, and in peace while clicks are not waiting.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use waypost_core::Clock as _;
use waypost_store::{LeaseName, StoreError};

use super::MaintenanceParts;
use crate::retention::rest;

/// What one node at a time does.
pub(super) const LEASE: LeaseName = LeaseName::new("maintenance");
/// The lease is taken for so long: after a crash, another node goes on then.
pub(super) const LEASE_TIME: time::Duration = time::Duration::minutes(5);
/// A lease that was taken so long ago is renewed before the next batch.
const RENEWED_AFTER: time::Duration = time::Duration::minutes(1);

/// With more clicks than this in its journal, a node is under load...
const PENDING: u64 = 1_000;
/// ...and also when the oldest has been waiting for longer than this.
const LAG: time::Duration = time::Duration::SECOND;
/// So often it is looked whether the load is over.
const STEP: Duration = Duration::from_secs(1);
/// So long nothing is deleted under load. A node that is under load all the time must purge, too.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// From then on, until the load is over, so long before each batch.
pub(super) const SLOW_PAUSE: Duration = Duration::from_secs(10);

/// The turn of this node to delete, in batches.
pub(super) struct Turn<'a> {
    parts: &'a MaintenanceParts,
    stop: &'a CancellationToken,
    until: OffsetDateTime,
    /// It was under load for as long as it waits for that to end.
    goes_on_anyway: bool,
}

impl<'a> Turn<'a> {
    /// Takes the lease. `None` while another node has it.
    pub(super) async fn take(
        parts: &'a MaintenanceParts,
        stop: &'a CancellationToken,
    ) -> Result<Option<Self>, StoreError> {
        let mut turn = Self {
            parts,
            stop,
            until: parts.clock.now(),
            goes_on_anyway: false,
        };
        Ok(turn.renew().await?.then_some(turn))
    }

    /// Waits until another batch may be deleted. `false` when no other may: the node stops, or the lease
    /// was lost to another one.
    pub(super) async fn next(&mut self) -> Result<bool, StoreError> {
        let patience = if self.goes_on_anyway {
            SLOW_PAUSE
        } else {
            PATIENCE
        };
        let mut waited = Duration::ZERO;
        while self.is_under_load() && waited < patience {
            if !self.may_go_on().await? {
                return Ok(false);
            }
            self.stop
                .run_until_cancelled(tokio::time::sleep(STEP))
                .await;
            waited = waited.saturating_add(STEP);
        }
        self.goes_on_anyway = self.is_under_load();
        self.may_go_on().await
    }

    /// Lets others have the database for three times as long as a batch used it.
    pub(super) async fn rest(&self, used: Duration) {
        self.stop.run_until_cancelled(rest(used)).await;
    }

    /// Gives the lease back.
    pub(super) async fn end(self) {
        let MaintenanceParts { store, holder, .. } = self.parts;
        if let Err(error) = store.release_lease(LEASE, *holder).await {
            // It runs out.
            debug!(%error, "the lease was not given back");
        }
    }

    fn is_under_load(&self) -> bool {
        let MaintenanceParts { journal, clock, .. } = self.parts;
        let since = journal.waiting_since();
        journal.pending() > PENDING || since.is_some_and(|since| clock.now() - since > LAG)
    }

    async fn may_go_on(&mut self) -> Result<bool, StoreError> {
        if self.stop.is_cancelled() {
            return Ok(false);
        }
        let left = self.until - self.parts.clock.now();
        if left > LEASE_TIME - RENEWED_AFTER {
            return Ok(true);
        }
        self.renew().await
    }

    async fn renew(&mut self) -> Result<bool, StoreError> {
        let MaintenanceParts {
            store,
            clock,
            holder,
            ..
        } = self.parts;
        let now = clock.now();
        let until = now.saturating_add(LEASE_TIME);
        let taken = store.take_lease(LEASE, *holder, now, until).await?;
        if taken {
            self.until = until;
        }
        Ok(taken)
    }
}

//! The turn of a server to delete: while it holds the lease, at full pace while no clicks are
//! pending.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use waypost_core::Clock as _;
use waypost_store::{LeaseName, StoreError};

use super::MaintenanceParts;
use crate::retention::rest;

/// The lease of maintenance, which one server at a time holds.
pub(super) const LEASE: LeaseName = LeaseName::new("maintenance");
/// Duration of the lease. After a crash, another server continues when it expires.
pub(super) const LEASE_TIME: time::Duration = time::Duration::minutes(5);
/// Age at which a lease is renewed before the next batch.
const RENEWED_AFTER: time::Duration = time::Duration::minutes(1);

/// Number of pending clicks above which a server is under load.
const PENDING: u64 = 1_000;
/// Age of the oldest pending click above which a server is under load.
const LAG: time::Duration = time::Duration::SECOND;
/// How often to check whether the load has ended.
const STEP: Duration = Duration::from_secs(1);
/// How long nothing is deleted under load. A server that is always under load must purge too.
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Pause before each batch after that, until the load ends.
pub(super) const SLOW_PAUSE: Duration = Duration::from_secs(10);

/// The turn of this server to delete rows in batches.
pub(super) struct Turn<'a> {
    parts: &'a MaintenanceParts,
    stop: &'a CancellationToken,
    until: OffsetDateTime,
    /// Whether it has waited as long as it may for the load to end.
    goes_on_anyway: bool,
}

impl<'a> Turn<'a> {
    /// Takes the lease. Returns `None` if another server holds it.
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

    /// Waits until the next batch may be deleted. Returns `false` if the server stops, or lost the
    /// lease to another one.
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

    /// Pauses for three times the duration of a batch.
    pub(super) async fn rest(&self, used: Duration) {
        self.stop.run_until_cancelled(rest(used)).await;
    }

    /// Releases the lease.
    pub(super) async fn end(self) {
        let MaintenanceParts { store, holder, .. } = self.parts;
        if let Err(error) = store.release_lease(LEASE, *holder).await {
            // The lease will expire.
            debug!(%error, "cannot release the lease");
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

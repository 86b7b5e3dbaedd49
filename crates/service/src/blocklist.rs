//! The blocklist: hosts that must not be destinations.

use std::sync::Arc;

use waypost_core::{Actor, AuditEvent, Clock, HostPattern, Title};
use waypost_store::{BlockedHost, Store, StoreError};

use crate::Resolver;
use crate::audit::{Audit, Note, Requester};

/// Blocks hosts and lists blocked ones. Clones are cheap.
#[derive(Clone)]
pub struct Blocklist {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// The cache to update at once, if there is one; other servers notice within seconds.
    resolver: Option<Resolver>,
    audit: Audit,
}

/// Why an entry was not changed.
#[derive(Debug, thiserror::Error)]
pub enum BlocklistError {
    /// The pattern is already on the list.
    #[error("this pattern is already on the blocklist")]
    BlockedAlready,
    /// The pattern is not on the list.
    #[error("this pattern is not on the blocklist")]
    NotBlocked,
    /// The user who asks was deleted in the meantime.
    #[error("your user no longer exists")]
    ActorGone,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl Blocklist {
    /// Creates the blocklist of a store. A `resolver` is told of changes.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        resolver: Option<Resolver>,
        audit: Audit,
    ) -> Self {
        Self {
            store,
            clock,
            resolver,
            audit,
        }
    }

    /// Returns the blocklist for changes that `requester` asks for, as the audit trail names them.
    #[must_use]
    pub fn requested_by(&self, requester: Arc<Requester>) -> Self {
        Self {
            audit: self.audit.requested_by(requester),
            ..self.clone()
        }
    }

    /// Blocks a host: links to it cannot be created, and existing ones are answered with 410.
    ///
    /// # Errors
    /// [`BlocklistError::BlockedAlready`], [`BlocklistError::ActorGone`].
    pub async fn add(
        &self,
        actor: &Actor,
        pattern: HostPattern,
        reason: Title,
    ) -> Result<BlockedHost, BlocklistError> {
        let blocked = BlockedHost {
            pattern,
            reason,
            created_by: actor.user_id(),
            created_at: self.clock.now(),
        };
        let added = self.store.block_host(&blocked).await;
        added.map_err(|error| match error {
            StoreError::Conflict => BlocklistError::BlockedAlready,
            StoreError::NotFound => BlocklistError::ActorGone,
            error => BlocklistError::Store(error),
        })?;
        self.refresh().await;
        let note = Note {
            event: AuditEvent::HostBlocked,
            subject: &blocked.pattern.to_string(),
            detail: blocked.reason.as_str().to_owned(),
        };
        self.audit.record_of(actor, note).await;
        Ok(blocked)
    }

    /// Unblocks a host.
    ///
    /// # Errors
    /// [`BlocklistError::NotBlocked`].
    pub async fn remove(&self, pattern: &HostPattern) -> Result<(), BlocklistError> {
        let removed = self.store.unblock_host(pattern).await;
        if !removed.map_err(BlocklistError::Store)? {
            return Err(BlocklistError::NotBlocked);
        }
        self.refresh().await;
        let note = Note {
            event: AuditEvent::HostUnblocked,
            subject: &pattern.to_string(),
            detail: String::new(),
        };
        self.audit.record(note).await;
        Ok(())
    }

    /// Returns at most `limit` entries after a pattern, in the order of their patterns.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn entries(
        &self,
        after: Option<&HostPattern>,
        limit: u32,
    ) -> Result<Vec<BlockedHost>, StoreError> {
        self.store.blocked_hosts(after, limit).await
    }

    /// Updates this process at once. If the database is unavailable, it notices as others do.
    async fn refresh(&self) {
        if let Some(resolver) = &self.resolver {
            let _ = resolver.poll_once().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use waypost_core::{ManualClock, SeededRandom};
    use waypost_store::MemoryStore;
    use waypost_store_testkit::samples::START;

    use super::*;

    #[tokio::test]
    async fn a_host_is_blocked_once_and_removed_once() {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::new(START));
        let random = Arc::new(SeededRandom::new(1));
        let audit = Audit::new(store.clone(), clock.clone(), random);
        let blocklist = Blocklist::new(store, clock, None, audit);
        let pattern = HostPattern::parse("*.example.com").unwrap();
        let add = || blocklist.add(&Actor::Operator, pattern.clone(), Title::default());
        let added = add().await.unwrap();
        assert_eq!((added.created_by, added.created_at), (None, START));
        let again = add().await;
        assert!(
            matches!(again, Err(BlocklistError::BlockedAlready)),
            "{again:?}"
        );
        assert_eq!(blocklist.entries(None, 10).await.unwrap(), [added]);
        blocklist.remove(&pattern).await.unwrap();
        let again = blocklist.remove(&pattern).await;
        assert!(
            matches!(again, Err(BlocklistError::NotBlocked)),
            "{again:?}"
        );
    }
}

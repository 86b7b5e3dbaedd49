//! The port for the audit trail.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{AuditCursor, AuditEntry, AuditEvent, UserId};

use crate::StoreError;

/// Keeps the audit trail. Entries are added and purged, never changed.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Adds an entry.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ID is taken.
    async fn add_audit_entry(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// Returns entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn audit_entries(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError>;

    /// Deletes at most `limit` entries created before `before`, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_audit_entries(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

/// Which entries of the audit trail to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only entries of this event.
    pub event: Option<AuditEvent>,
    /// Only what this user did.
    pub user: Option<UserId>,
    /// Only entries after this one, which are older.
    pub after: Option<AuditCursor>,
    /// Maximum number of entries.
    pub limit: u32,
}

//! The port for the daily salts, shared by all nodes.

use async_trait::async_trait;
use time::{Date, OffsetDateTime};
use waypost_core::Salt;

use crate::StoreError;

/// Keeps one random salt per day until it is deleted.
#[async_trait]
pub trait SaltStore: Send + Sync {
    /// Returns the salt of `day`: the stored one, or else `candidate`, which is then stored. All
    /// nodes get the same answer, whichever asks first.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn salt(&self, day: Date, candidate: &Salt) -> Result<Salt, StoreError>;

    /// Permanently deletes the salts of all days before `day`, and returns their number. Notes the
    /// time if there were any: [`erase_salts`](Self::erase_salts) has to remove their traces.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError>;

    /// Tries once to remove what the files of the database still contain of destroyed salts. Returns
    /// the state afterwards: it is not erased if a reader prevents it at the moment. Does nothing if
    /// nothing is left. Returns `None` if no salt was ever destroyed.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn erase_salts(&self) -> Result<Option<SaltTraces>, StoreError>;

    /// Returns what is known about the traces of destroyed salts; `None` if no salt was ever
    /// destroyed.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn salt_traces(&self) -> Result<Option<SaltTraces>, StoreError>;
}

/// What is known about the traces of destroyed salts in the files of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaltTraces {
    /// When salts were last destroyed, by the time of the database.
    pub destroyed_at: OffsetDateTime,
    /// Since when nothing of them is left; `None` while something may be. A database server decides
    /// itself when deleted data leaves its files: there this is the time of the deletion.
    pub erased_at: Option<OffsetDateTime>,
}

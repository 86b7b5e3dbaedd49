//! The port for the daily salts, shared by all nodes.

use async_trait::async_trait;
use time::Date;
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

    /// Permanently deletes the salts of all days before `day`, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError>;
}

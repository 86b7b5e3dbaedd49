//! The port for the daily salts, shared by all nodes.

use async_trait::async_trait;
use time::Date;
use waypost_core::Salt;

use crate::StoreError;

/// Keeps one random salt per day, and forgets it for good.
#[async_trait]
pub trait SaltStore: Send + Sync {
    /// The salt of `day`: the stored one, else `candidate`, which then is stored. All nodes get the
    /// same answer, whichever asks first.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn salt(&self, day: Date, candidate: &Salt) -> Result<Salt, StoreError>;

    /// Destroys the salts of all days before `day`, and gives back their number.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn destroy_salts_before(&self, day: Date) -> Result<u64, StoreError>;
}

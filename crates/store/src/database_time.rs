//! The port for the database's time.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::StoreError;

/// Tells the time of the database.
///
/// All nodes share one database, so its clock is the one that they agree on.
/// [`DatabaseClock`](crate::DatabaseClock) reads it for them.
#[async_trait]
pub trait TimeStore: Send + Sync {
    /// The present time by the clock of the database's own server, in UTC, to the millisecond at least.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn database_time(&self) -> Result<OffsetDateTime, StoreError>;
}

//! The port for the database's time.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::StoreError;

/// Reads the time of the database.
///
/// All nodes share one database, so its clock is the one they agree on.
/// [`DatabaseClock`](crate::DatabaseClock) reads it for them.
#[async_trait]
pub trait TimeStore: Send + Sync {
    /// Returns the present time by the clock of the database server, in UTC, to the millisecond or
    /// better.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn database_time(&self) -> Result<OffsetDateTime, StoreError>;
}

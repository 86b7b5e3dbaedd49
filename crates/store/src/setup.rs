//! The port for the first start: whoever holds a set-up secret makes the first admin.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{PasswordHash, SetupHash, User};

use crate::StoreError;

/// Keeps the hashes of set-up secrets until one of them is used.
#[async_trait]
pub trait SetupStore: Send + Sync {
    /// Adds a set-up secret, beside those of other nodes, and forgets those that expired before `now`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is there already.
    async fn insert_setup_token(
        &self,
        hash: &SetupHash,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// When a set-up secret expires or expired.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn setup_token(&self, hash: &SetupHash) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Inserts the first user, with the hash of a password, for whoever holds a set-up secret that is not
    /// expired at `now`; then all secrets are used up. Of several who do so at once, with the same secret
    /// or with others, one succeeds.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn set_up(
        &self,
        hash: &SetupHash,
        admin: &User,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<SetUp, StoreError>;
}

/// What became of a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    /// The first user is there.
    Done,
    /// There is no such secret, or it is used up or expired. Nothing changed.
    NoToken,
    /// There are users: nobody is the first one any more, and all secrets are used up.
    UsersExist,
}

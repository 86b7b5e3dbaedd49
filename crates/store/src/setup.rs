//! The port for the first start: the holder of a set-up secret creates the first admin.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{PasswordHash, SetupHash, User};

use crate::StoreError;

/// Keeps the hashes of set-up secrets until one of them is used.
#[async_trait]
pub trait SetupStore: Send + Sync {
    /// Adds a set-up secret beside those of other nodes, and deletes those that expired before
    /// `now`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the secret already exists.
    async fn insert_setup_token(
        &self,
        hash: &SetupHash,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Returns when a set-up secret expires or expired.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn setup_token(&self, hash: &SetupHash) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Inserts the first user, with the hash of a password, if `hash` is a set-up secret that has
    /// not expired at `now`; all secrets are used up then. Of several calls at once, with the same
    /// secret or with others, one succeeds.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn set_up(
        &self,
        hash: &SetupHash,
        admin: &User,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<SetUp, StoreError>;
}

/// The result of a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    /// The first user was created.
    Done,
    /// The secret does not exist, is used up or has expired. Nothing changed.
    NoToken,
    /// Users already exist. All secrets are used up.
    UsersExist,
}

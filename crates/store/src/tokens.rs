//! The port for API tokens.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ApiToken, TokenCursor, TokenHash, TokenId, User, UserId};

use crate::StoreError;

/// Keeps API tokens, and the hashes by which they are found.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Inserts a token that is found by `hash`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash or the id is taken, [`StoreError::NotFound`] when there is
    /// no such user.
    async fn insert_token(&self, token: &ApiToken, hash: &TokenHash) -> Result<(), StoreError>;

    /// Finds a token by its hash, and whose it is: valid or not.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn token_by_hash(&self, hash: &TokenHash)
    -> Result<Option<(ApiToken, User)>, StoreError>;

    /// At most `limit` tokens of a user behind a cursor (from the newest on without one), newest first,
    /// those that are not valid any more included.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn tokens_after(
        &self,
        user: UserId,
        cursor: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError>;

    /// Revokes a token of a user. One that is revoked already stays so since then. `false` when the user
    /// has no such token.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn revoke_token(
        &self,
        user: UserId,
        token: TokenId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Notes when tokens were last used. Notes of several nodes may arrive in any order: the latest
    /// stays. What is noted of a token that does not exist is forgotten.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn note_tokens_used(&self, used: &[(TokenId, OffsetDateTime)]) -> Result<(), StoreError>;
}

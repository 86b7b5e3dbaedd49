//! The port for API tokens.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ApiToken, TokenCursor, TokenHash, TokenId, User, UserId};

use crate::StoreError;

/// Keeps API tokens, and the hashes by which they are found.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Inserts a token that is found by `hash`. Returns `false` and inserts nothing when the user
    /// already has `at_most` tokens that are valid when the token is created, also if several are
    /// inserted at once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash or the ID is in use, [`StoreError::NotFound`] when
    /// the user does not exist.
    async fn insert_token(
        &self,
        token: &ApiToken,
        hash: &TokenHash,
        at_most: u32,
    ) -> Result<bool, StoreError>;

    /// Finds a token, valid or not, and its user by the hash of the token.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn token_by_hash(&self, hash: &TokenHash)
    -> Result<Option<(ApiToken, User)>, StoreError>;

    /// Returns at most `limit` tokens of a user after a cursor (`None`: from the newest one),
    /// newest first, those that are no longer valid included.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn tokens_after(
        &self,
        user: UserId,
        cursor: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError>;

    /// Revokes a token of a user. A token that is already revoked keeps its time of revocation.
    /// Returns `false` when the user has no such token.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn revoke_token(
        &self,
        user: UserId,
        token: TokenId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Records when tokens were last used. Notes of several nodes may arrive in any order: the
    /// latest stays. Notes for tokens that do not exist are ignored.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn note_tokens_used(&self, used: &[(TokenId, OffsetDateTime)]) -> Result<(), StoreError>;
}

//! The port for accounts at identity providers with which users sign in.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ExternalIdentity, User, UserId};

use crate::StoreError;

/// Keeps which accounts at identity providers are whose. Deleting a user deletes theirs.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Whose an account is.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn identity(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<IdentityOfUser>, StoreError>;

    /// Gives an account to a user, who may have others.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is somebody's already, [`StoreError::NotFound`] when there is no
    /// such user.
    async fn insert_identity(
        &self,
        identity: &ExternalIdentity,
        user: UserId,
        admin_by_group: bool,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Notes whether a user is an admin because a group of this account says so. `false` when it is
    /// nobody's.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn set_admin_by_group(
        &self,
        identity: &ExternalIdentity,
        admin_by_group: bool,
    ) -> Result<bool, StoreError>;
}

/// Whose an account at an identity provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityOfUser {
    /// Whose.
    pub user: User,
    /// They were made an admin because a group of the account said so, not by hand.
    pub admin_by_group: bool,
}

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

    /// Does what it means that an account is, or is not, in the group of admins, and gives back its user
    /// as they are then; `None` when it is nobody's.
    ///
    /// Who is in it becomes an admin, and it is noted that the group made them one. Who is not loses only
    /// what the group gave: somebody who was made an admin by hand ([`UserStore::change_user`]) stays
    /// one, whichever came first.
    ///
    /// [`UserStore::change_user`]: crate::UserStore::change_user
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn follow_admin_group(
        &self,
        identity: &ExternalIdentity,
        is_in_group: bool,
    ) -> Result<Option<User>, StoreError>;
}

/// Whose an account at an identity provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityOfUser {
    /// Whose.
    pub user: User,
    /// They were made an admin because a group of the account said so, not by hand.
    pub admin_by_group: bool,
}

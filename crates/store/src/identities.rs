//! The port for the accounts at identity providers with which users sign in.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ExternalIdentity, User, UserId};

use crate::StoreError;

/// Keeps which user owns which account at an identity provider. Deleting a user deletes their
/// accounts here.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Returns the user of an account.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn identity(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<IdentityOfUser>, StoreError>;

    /// Assigns an account to a user, who may have others at other issuers.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the account already has a user, or the user another account at
    /// the issuer; [`StoreError::NotFound`] when the user does not exist.
    async fn insert_identity(
        &self,
        identity: &ExternalIdentity,
        user: UserId,
        admin_by_group: bool,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Applies that an account is, or is not, in the group of admins, and returns its user
    /// afterwards; `None` when the account has no user.
    ///
    /// A user in the group becomes an admin, and it is recorded that the group gave the role. A
    /// user who is not in the group loses the role only if the group gave it: a user who was made
    /// an admin by hand ([`UserStore::change_user`]) stays one, whichever came first.
    ///
    /// [`UserStore::change_user`]: crate::UserStore::change_user
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn follow_admin_group(
        &self,
        identity: &ExternalIdentity,
        is_in_group: bool,
    ) -> Result<Option<User>, StoreError>;

    /// Returns the accounts of a user, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn identities_of_user(&self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError>;

    /// Takes an account from a user at `at`, and ends the sessions of the user. If a group of the
    /// account gave the role of admin, the user becomes a member. Returns `false` when the account
    /// is not one of the user.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn delete_identity(
        &self,
        user: UserId,
        identity: &ExternalIdentity,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Records that a sign-in at a provider was answered, until it would expire by itself, and
    /// deletes those that expired before `now`. `state` is the hash of its state. Returns `false`
    /// when it was answered before, on whatever node.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn use_sign_in(
        &self,
        state: &[u8; 32],
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError>;
}

/// An account at an identity provider that a user signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The account.
    pub identity: ExternalIdentity,
    /// When it was assigned to the user.
    pub created_at: OffsetDateTime,
}

/// The user of an account at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityOfUser {
    /// The user.
    pub user: User,
    /// Whether the user is an admin because a group of the account gave the role, not by hand.
    pub admin_by_group: bool,
}

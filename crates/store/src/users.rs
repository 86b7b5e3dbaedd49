//! The port for users.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{DisplayName, Email, PasswordHash, Role, SessionId, User, UserCursor, UserId};

use crate::StoreError;

/// Keeps users, and beside them the hashes of their passwords.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Inserts a user, with the hash of a password or without one. Invitations that wait for their
    /// email address become theirs.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the email address or the ID is in use.
    async fn insert_user(
        &self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError>;

    /// Finds a user.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Finds the user with an email address.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// Returns at most `limit` users after a cursor (`None`: from the newest one), newest first (by
    /// `created_at`, then `id`).
    ///
    /// While users are inserted and deleted, no user appears twice and none that stays is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn users_after(
        &self,
        cursor: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// Changes the fields of a user that `change` names, and returns the user afterwards. Returns
    /// `None` when the user does not exist. Invitations that wait for a new email address become
    /// theirs. Disabling a user ends their sessions; a role that is
    /// set here no longer counts as given by a group
    /// ([`IdentityStore::follow_admin_group`](crate::IdentityStore::follow_admin_group)).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the new email address is in use.
    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError>;

    /// Returns the hash of the password of a user. Returns `None` when the user does not exist or
    /// has no password.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError>;

    /// Sets the password of a user; `None` removes it. Ends their sessions, and revokes their API
    /// tokens if `change` says so. Returns `None` when the user does not exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn set_password(
        &self,
        id: UserId,
        password: Option<&PasswordHash>,
        change: PasswordChange,
    ) -> Result<Option<PasswordSet>, StoreError>;

    /// Deletes a user with their API tokens, sessions, shares and invitations. Their clicks are kept without a
    /// user. Returns `false` when the user did not exist.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while they own links: see
    /// [`AccessStore::take_links`](crate::AccessStore::take_links).
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;
}

/// How to set a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordChange {
    /// When it is set.
    pub at: OffsetDateTime,
    /// A session of the user to keep.
    pub kept: Option<SessionId>,
    /// Whether to revoke all API tokens of the user.
    pub revoke_tokens: bool,
}

/// What ended when a password was set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PasswordSet {
    /// Number of sessions that ended. Those that had expired and were not ended count.
    pub sessions: u64,
    /// Number of API tokens that were valid and are revoked.
    pub tokens: u64,
}

/// What to change of a user. Fields that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The email address.
    pub email: Option<Email>,
    /// The name.
    pub display_name: Option<DisplayName>,
    /// The role.
    pub role: Option<Role>,
    /// When the user was disabled; `Some(None)` enables the user.
    pub disabled_at: Option<Option<OffsetDateTime>>,
}

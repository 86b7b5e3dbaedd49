//! The port for users.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{DisplayName, Email, PasswordHash, Role, SessionId, User, UserCursor, UserId};

use crate::StoreError;

/// Keeps users, and beside them the hashes of their passwords.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Inserts a user, with the hash of a password or without one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address or the id is taken.
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

    /// Finds the user with an address.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// At most `limit` users behind a cursor (from the newest on without one), newest first (by
    /// `created_at`, then `id`).
    ///
    /// While users are inserted and deleted, none is shown twice and none that stayed is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn users_after(
        &self,
        cursor: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;

    /// Changes what `change` names of a user, and gives back what they are then. `None` when there is
    /// no such user. Disabling them ends their sessions; a role that is set here is no group's doing any
    /// more ([`IdentityStore::follow_admin_group`](crate::IdentityStore::follow_admin_group)).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the new address is taken.
    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError>;

    /// The hash of the password of a user. `None` when there is no such user, or none has been set.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError>;

    /// Sets the password of a user at `at`; `None` takes it away. It ends their sessions, but for one to
    /// be kept. `false` when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn set_password(
        &self,
        id: UserId,
        password: Option<&PasswordHash>,
        at: OffsetDateTime,
        kept: Option<SessionId>,
    ) -> Result<bool, StoreError>;

    /// Deletes a user with their API tokens and sessions; what was shared with them is not any more. Clicks that they
    /// made stay, and are nobody's. `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while they own links: see
    /// [`AccessStore::take_links`](crate::AccessStore::take_links).
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;
}

/// What to change of a user: what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The address.
    pub email: Option<Email>,
    /// The name.
    pub display_name: Option<DisplayName>,
    /// The role.
    pub role: Option<Role>,
    /// Since when they may do nothing; `Some(None)` lets them again.
    pub disabled_at: Option<Option<OffsetDateTime>>,
}

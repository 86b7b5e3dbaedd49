//! Reading users, and what belongs to them.

use waypost_core::{
    ApiToken, DisplayName, Email, Session, SessionCursor, TokenCursor, User, UserCursor, UserId,
};
use waypost_store::{StoreError, UserChange};

use super::{Accounts, AccountsParts};

impl Accounts {
    /// Returns a user; `None` when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.0.parts.store.user(id).await
    }

    /// Returns the user with an email address.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.0.parts.store.user_by_email(email).await
    }

    /// Lists at most `limit` users after a cursor, newest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn users(
        &self,
        after: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        self.0.parts.store.users_after(after, limit).await
    }

    /// Lists at most `limit` API tokens of a user after a cursor, newest first, with those that are revoked or
    /// have expired.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn tokens(
        &self,
        user: UserId,
        after: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError> {
        self.0.parts.store.tokens_after(user, after, limit).await
    }

    /// Lists at most `limit` valid sessions of a user after a cursor, newest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn sessions(
        &self,
        user: UserId,
        after: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.sessions_after(user, clock.now(), after, limit).await
    }

    /// Changes the name of a user, where there is a new one, and returns the user; `None` when there is no such
    /// user.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn rename(
        &self,
        user: UserId,
        display_name: Option<DisplayName>,
    ) -> Result<Option<User>, StoreError> {
        let change = UserChange {
            display_name,
            ..UserChange::default()
        };
        let store = &self.0.parts.store;
        let before = store.user(user).await?;
        let changed = store.change_user(user, &change).await?;
        if let (Some(before), Some(changed)) = (before, &changed) {
            self.note_changes(&before, changed).await;
        }
        Ok(changed)
    }
}

//! The first start: a link, printed once, with which somebody makes themselves the first admin.

use time::Duration;
use waypost_core::{DisplayName, Email, Password, Role, SetupHash, SetupSecret, User, UserId};
use waypost_store::{SetUp, StoreError};

use super::{AccountError, Accounts, AccountsParts};

/// So long a set-up secret is accepted.
const VALID_FOR: Duration = Duration::HOUR;

impl Accounts {
    /// Makes a set-up secret, beside those of other nodes; `None` where there are users.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn begin_set_up(&self) -> Result<Option<SetupSecret>, StoreError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        if self.has_users().await? {
            return Ok(None);
        }
        let secret = SetupSecret::generate(&**random);
        let now = clock.now();
        let expires_at = now.saturating_add(VALID_FOR);
        let hash = secret.hash();
        store.insert_setup_token(&hash, expires_at, now).await?;
        Ok(Some(secret))
    }

    /// Whether somebody who presents this secret can set up.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn may_set_up(&self, presented: &str) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let Some(hash) = SetupHash::of_well_formed(presented) else {
            return Ok(false);
        };
        let expires_at = store.setup_token(&hash).await?;
        let is_valid = expires_at.is_some_and(|expires_at| clock.now() < expires_at);
        Ok(is_valid && !self.has_users().await?)
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        let newest = self.0.parts.store.users_after(None, 1).await?;
        Ok(!newest.is_empty())
    }

    /// Makes the first admin. `None` when the secret is not accepted: it is unknown, expired or used, or
    /// there are users already. Of several at once, one succeeds.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many sign in just now.
    pub async fn set_up(
        &self,
        presented: &str,
        email: Email,
        display_name: DisplayName,
        password: Password,
    ) -> Result<Option<User>, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        // Who may not does not make anybody hash anything.
        if !self.may_set_up(presented).await? {
            return Ok(None);
        }
        let hash = self.0.passwords.hash(password, random).await?;
        let now = clock.now();
        let admin = User {
            id: UserId::new(now, &**random),
            email,
            display_name,
            role: Role::Admin,
            disabled_at: None,
            created_at: now,
        };
        let token = SetupHash::of(presented);
        match store.set_up(&token, &admin, &hash, now).await? {
            SetUp::Done => Ok(Some(admin)),
            SetUp::NoToken | SetUp::UsersExist => Ok(None),
        }
    }
}

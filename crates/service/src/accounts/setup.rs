//! The first start: a link, printed once, that creates the first admin.

use time::Duration;
use waypost_core::{
    AuditEvent, DisplayName, Email, Password, Role, SetupHash, SetupSecret, User, UserId,
};
use waypost_store::{SetUp, StoreError};

use super::{AccountError, Accounts, AccountsParts};

/// How long a set-up secret is accepted.
const VALID_FOR: Duration = Duration::HOUR;

impl Accounts {
    /// Creates a set-up secret, beside those of other nodes; returns `None` if users exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
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

    /// Returns whether a presented secret allows set-up.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
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

    /// Creates the first admin. Returns `None` when the secret is not accepted: it is unknown,
    /// expired or used, or users already exist. Of several calls at once, one succeeds.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when there are too many sign-ins at the moment.
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
        // Without a valid secret no password is hashed.
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
            SetUp::Done => {
                let how = "role admin, with the set-up link";
                self.note(AuditEvent::UserAdded, &admin, how).await;
                Ok(Some(admin))
            }
            SetUp::NoToken | SetUp::UsersExist => Ok(None),
        }
    }
}

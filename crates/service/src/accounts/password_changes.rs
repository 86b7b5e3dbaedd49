//! Changing and setting passwords.

use waypost_core::{Actor, AuditEvent, Password, PasswordHash, UserAgent, UserId};
use waypost_store::{PasswordChange, PasswordSet};

use super::changes::{check_other, check_session};
use super::{AccountError, Accounts, AccountsParts, NewSession};

/// A password to change to.
pub struct NewPassword {
    /// The current password, as typed.
    pub current: String,
    /// The new one.
    pub new: Password,
    /// Whether to revoke all API tokens of the user.
    pub revoke_tokens: bool,
}

/// What became of a changed password.
#[derive(Debug)]
pub struct PasswordChanged {
    /// The session that replaces all others.
    pub opened: NewSession,
    /// What ended.
    pub ended: PasswordSet,
}

impl Accounts {
    /// Changes the password of a user who presents the current one. Ends all their sessions and
    /// opens a new one: whoever knows the secret of an old one is signed out.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] when the current password is wrong or not set;
    /// [`AccountError::Busy`] when there are too many sign-ins at the moment.
    pub async fn change_password(
        &self,
        user: UserId,
        password: NewPassword,
        user_agent: Option<UserAgent>,
    ) -> Result<PasswordChanged, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let stored = store.password(user).await?;
        let hash = stored.clone().unwrap_or_else(PasswordHash::of_nobody);
        let is_right = self.0.passwords.verify(hash, password.current).await?;
        if !is_right || stored.is_none() {
            let user = store.user(user).await?;
            let email = user.as_ref().map_or("", |user| user.email.as_str());
            self.note_failure(email, "wrong current password").await;
            return Err(AccountError::WrongPassword);
        }
        let hash = self.0.passwords.hash(password.new, random).await?;
        // Another change may have been faster.
        if store.password(user).await? != stored {
            return Err(AccountError::WrongPassword);
        }
        let found = store.user(user).await?.ok_or(AccountError::NoUser)?;
        let opened = self.open_session(found, user_agent).await?;
        let change = PasswordChange {
            at: clock.now(),
            kept: Some(opened.session.id),
            revoke_tokens: password.revoke_tokens,
        };
        match store.set_password(user, Some(&hash), change).await {
            Ok(Some(ended)) => {
                let event = AuditEvent::PasswordChanged;
                self.note(event, &opened.user, tokens(&ended)).await;
                Ok(PasswordChanged { opened, ended })
            }
            Ok(None) => Err(AccountError::NoUser),
            Err(error) => {
                // Nobody gets its secret.
                let _ = self.sign_out(user, opened.session.id).await;
                Err(error.into())
            }
        }
    }

    /// Sets the password of a user, for an admin or the operator, and ends the sessions of the
    /// user. Returns `None` when the user no longer exists.
    ///
    /// # Errors
    /// [`AccountError::Oneself`] when the actor is the user, who can change the password instead;
    /// [`AccountError::SessionRequired`] when the actor was authenticated by an API token.
    pub async fn set_password(
        &self,
        actor: &Actor,
        user: UserId,
        password: Password,
        revoke_tokens: bool,
    ) -> Result<Option<PasswordSet>, AccountError> {
        check_other(actor, user)?;
        check_session(actor)?;
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let hash = self.0.passwords.hash(password, random).await?;
        let change = PasswordChange {
            at: clock.now(),
            kept: None,
            revoke_tokens,
        };
        let set = store.set_password(user, Some(&hash), change).await?;
        if let Some(ended) = &set {
            let event = AuditEvent::PasswordChanged;
            self.note_by_id(event, user, tokens(ended)).await;
        }
        Ok(set)
    }

    /// Returns whether a user has a password.
    ///
    /// # Errors
    /// [`waypost_store::StoreError`] as for any read.
    pub async fn has_password(&self, user: UserId) -> Result<bool, waypost_store::StoreError> {
        Ok(self.0.parts.store.password(user).await?.is_some())
    }
}

/// Returns the words about the tokens that a new password revoked.
fn tokens(ended: &PasswordSet) -> String {
    match ended.tokens {
        0 => String::new(),
        number => format!("{number} API tokens revoked"),
    }
}

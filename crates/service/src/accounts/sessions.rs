//! Signing in, being known again by a session, and signing out.
//!
//! An answer never tells whether an account exists: who has none, has no password or is disabled is asked
//! the same questions of the store and waits for a password to be hashed like everybody else.

use waypost_core::{
    Actor, Email, Password, PasswordHash, Scopes, Session, SessionHash, SessionId, SessionSecret,
    User, UserAgent, UserId,
};
use waypost_store::StoreError;

use super::{AccountError, Accounts, AccountsParts};

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// What the browser presents from now on. It is nowhere else.
    pub secret: SessionSecret,
    /// Who.
    pub user: User,
}

/// A session that was presented and is accepted.
#[derive(Debug, Clone)]
pub struct KnownSession {
    /// The session, as it is now.
    pub session: Session,
    /// Whose it is.
    pub user: User,
    /// It lasts longer from now on: the browser is to know.
    pub extended: bool,
}

impl KnownSession {
    /// Who presents it, and how much they may: everything that their role allows.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User {
            id: self.user.id,
            role: self.user.role,
            scopes: Scopes::all(),
        }
    }
}

impl Accounts {
    /// Signs somebody in with an address and a password, as they typed them. `None` when they are not
    /// those of a user who may.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many sign in just now.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        user_agent: Option<UserAgent>,
    ) -> Result<Option<NewSession>, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let user = match Email::parse(email) {
            Ok(email) => store.user_by_email(&email).await?,
            Err(_) => None,
        };
        let nobody = || UserId::new(clock.now(), &**random);
        let id = user.as_ref().map_or_else(nobody, |user| user.id);
        let kept = store.password(id).await?;
        let hash = kept.clone().unwrap_or_else(PasswordHash::of_nobody);
        let is_right = self.0.passwords.verify(hash, password).await?;
        let (Some(user), Some(kept)) = (user, kept) else {
            return Ok(None);
        };
        if !is_right || user.is_disabled() {
            return Ok(None);
        }
        let opened = self.open_session(user, user_agent).await?;
        // Whoever had the old password does not stay signed in when it was changed in this moment.
        if store.password(id).await?.as_ref() != Some(&kept) {
            store
                .end_session(id, opened.session.id, clock.now())
                .await?;
            return Ok(None);
        }
        Ok(Some(opened))
    }

    /// Opens a session for somebody who has proved who they are.
    ///
    /// # Errors
    /// [`AccountError::NoUser`] when they were deleted or disabled meanwhile.
    pub async fn open_session(
        &self,
        user: User,
        user_agent: Option<UserAgent>,
    ) -> Result<NewSession, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            sessions,
            ..
        } = &self.0.parts;
        let now = clock.now();
        let session = Session {
            id: SessionId::new(now, &**random),
            user_id: user.id,
            created_at: now,
            last_used_at: now,
            expires_at: sessions.expires_at(now, now),
            ended_at: None,
            user_agent,
        };
        let secret = SessionSecret::generate(&**random);
        match store.insert_session(&session, &secret.hash()).await {
            Ok(()) => {}
            Err(StoreError::NotFound) => return Err(AccountError::NoUser),
            Err(error) => return Err(error.into()),
        }
        // Disabling somebody ends the sessions that are there: this one may have come a moment later.
        let user = store.user(user.id).await?;
        let user = user.filter(|user| !user.is_disabled());
        let Some(user) = user else {
            store.end_session(session.user_id, session.id, now).await?;
            return Err(AccountError::NoUser);
        };
        Ok(NewSession {
            session,
            secret,
            user,
        })
    }

    /// Whose session this secret is. `None` for what is not that of a valid session of a user who is not
    /// disabled.
    ///
    /// The store is asked each time, so that a session that is ended is of no use any more. Using it makes
    /// it last longer, which is written down every few minutes.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn authenticate_session(
        &self,
        presented: &str,
    ) -> Result<Option<KnownSession>, StoreError> {
        let AccountsParts {
            store,
            clock,
            sessions,
            ..
        } = &self.0.parts;
        let Some(hash) = SessionHash::of_well_formed(presented) else {
            return Ok(None);
        };
        let found = store.session_by_hash(&hash).await?;
        let now = clock.now();
        let valid = found.filter(|(session, user)| session.is_valid_at(now) && !user.is_disabled());
        let Some((mut session, user)) = valid else {
            return Ok(None);
        };
        let mut extended = false;
        if let Some(expires_at) = sessions.extended(&session, now) {
            match store.touch_session(session.id, now, expires_at).await {
                Ok(()) => {
                    session.last_used_at = now;
                    session.expires_at = expires_at;
                    extended = true;
                }
                // It is valid all the same.
                Err(error) => tracing::debug!(%error, "the use of a session is noted later"),
            }
        }
        Ok(Some(KnownSession {
            session,
            user,
            extended,
        }))
    }

    /// Ends a session of a user. `false` when they have no such session.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn sign_out(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.end_session(user, session, clock.now()).await
    }

    /// Ends all sessions of a user, and gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn sign_out_everywhere(&self, user: UserId) -> Result<u64, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.end_sessions(user, None, clock.now()).await
    }

    /// Ends all sessions of a user but for one, and gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn sign_out_elsewhere(
        &self,
        user: UserId,
        kept: SessionId,
    ) -> Result<u64, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.end_sessions(user, Some(kept), clock.now()).await
    }

    /// Whether a user has a password to sign in with.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn has_password(&self, user: UserId) -> Result<bool, StoreError> {
        let AccountsParts { store, .. } = &self.0.parts;
        Ok(store.password(user).await?.is_some())
    }

    /// Changes the password of somebody who knows the one they have, and ends their sessions but for the
    /// one that is kept.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] when they do not, or have none; [`AccountError::Busy`] when too many
    /// sign in just now.
    pub async fn change_password(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        current: String,
        new: Password,
    ) -> Result<(), AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let stored = store.password(user).await?;
        let hash = stored.clone().unwrap_or_else(PasswordHash::of_nobody);
        let is_right = self.0.passwords.verify(hash, current).await?;
        if !is_right || stored.is_none() {
            return Err(AccountError::WrongPassword);
        }
        let hash = self.0.passwords.hash(new, random).await?;
        let at = clock.now();
        if store.set_password(user, Some(&hash), at, kept).await? {
            Ok(())
        } else {
            Err(AccountError::NoUser)
        }
    }
}

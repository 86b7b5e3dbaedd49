//! Signing in, authenticating by a session, and signing out.
//!
//! A response never reveals whether an account exists: for an unknown, disabled or passwordless
//! account, the same store queries are made and a password is hashed, as for any other.

use waypost_core::{
    Actor, AuditEvent, Credential, Email, PasswordHash, Scopes, Session, SessionHash, SessionId,
    SessionSecret, User, UserAgent, UserId,
};
use waypost_store::StoreError;

use super::{AccountError, Accounts, AccountsParts};
use crate::audit::Note;

/// A new session.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// The secret for the browser to present from now on. It is not stored anywhere else.
    pub secret: SessionSecret,
    /// The user.
    pub user: User,
}

/// A session that was presented and is accepted.
#[derive(Debug, Clone)]
pub struct KnownSession {
    /// The session, as it is now.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// Whether its expiry has moved, so that the browser must be told.
    pub extended: bool,
}

impl KnownSession {
    /// Returns the user as the actor of a request, with all rights of their role.
    #[must_use]
    pub fn actor(&self) -> Actor {
        actor_of(&self.user)
    }
}

/// Returns a user as an actor with all rights of their role.
fn actor_of(user: &User) -> Actor {
    Actor::User {
        id: user.id,
        role: user.role,
        scopes: Scopes::all(),
        credential: Credential::Session,
    }
}

impl Accounts {
    /// Signs in a user with an email address and a password as typed. Returns `None` when they are
    /// wrong or the user is disabled.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when there are too many sign-ins at the moment.
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
            // What was typed may be a password.
            self.note_failure("", "no user with this email address and a password")
                .await;
            return Ok(None);
        };
        if !is_right || user.is_disabled() {
            let reason = if is_right {
                "the user is disabled"
            } else {
                "wrong password"
            };
            self.note_failure(user.email.as_str(), reason).await;
            return Ok(None);
        }
        let opened = self.open_session(user, user_agent).await?;
        // A sign-in with the old password must not succeed if the password was changed at this
        // moment.
        if store.password(id).await?.as_ref() != Some(&kept) {
            store
                .end_session(id, opened.session.id, clock.now())
                .await?;
            return Ok(None);
        }
        Ok(Some(opened))
    }

    /// Opens a session for a user who was authenticated otherwise.
    ///
    /// # Errors
    /// [`AccountError::NoUser`] when the user was deleted or disabled in the meantime.
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
        // Disabling a user ends existing sessions: this one may have come a moment later.
        let user = store.user(user.id).await?;
        let user = user.filter(|user| !user.is_disabled());
        let Some(user) = user else {
            store.end_session(session.user_id, session.id, now).await?;
            return Err(AccountError::NoUser);
        };
        let note = Note {
            event: AuditEvent::SignedIn,
            subject: user.email.as_str(),
            detail: String::new(),
        };
        self.1.record_of(&actor_of(&user), note).await;
        Ok(NewSession {
            session,
            secret,
            user,
        })
    }

    /// Records a sign-in that failed. `subject` is the email address of a user, or empty.
    pub async fn note_failure(&self, subject: &str, reason: &str) {
        let note = Note {
            event: AuditEvent::SignInFailed,
            subject,
            detail: reason.to_owned(),
        };
        self.1.record(note).await;
    }

    /// Returns the session of a secret, with its user. Returns `None` if it is not that of a valid
    /// session of a user who is not disabled.
    ///
    /// Reads the store each time, so a session that has ended is rejected at once. Using a session
    /// extends it, which is written to the store every few minutes.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
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
                // The session is valid all the same.
                Err(error) => tracing::debug!(%error, "cannot record the use of a session yet"),
            }
        }
        Ok(Some(KnownSession {
            session,
            user,
            extended,
        }))
    }

    /// Returns the actor of a session secret, without extending the session: for checks while a
    /// response is streamed, which cannot tell the browser. Returns `None` as
    /// [`Accounts::authenticate_session`] does.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn actor_of_session(&self, presented: &str) -> Result<Option<Actor>, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let Some(hash) = SessionHash::of_well_formed(presented) else {
            return Ok(None);
        };
        let found = store.session_by_hash(&hash).await?;
        let now = clock.now();
        let valid = found.filter(|(session, user)| session.is_valid_at(now) && !user.is_disabled());
        Ok(valid.map(|(_, user)| actor_of(&user)))
    }

    /// Ends a session of a user. Returns `false` when the user has no such session.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn sign_out(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let ended = store.end_session(user, session, clock.now()).await?;
        if ended {
            self.note_by_id(AuditEvent::SessionsEnded, user, "one")
                .await;
        }
        Ok(ended)
    }

    /// Ends all sessions of a user, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn sign_out_everywhere(&self, user: UserId) -> Result<u64, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let ended = store.end_sessions(user, None, clock.now()).await?;
        self.note_by_id(AuditEvent::SessionsEnded, user, format!("all: {ended}"))
            .await;
        Ok(ended)
    }

    /// Ends all sessions of a user except one, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn sign_out_elsewhere(
        &self,
        user: UserId,
        kept: SessionId,
    ) -> Result<u64, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let ended = store.end_sessions(user, Some(kept), clock.now()).await?;
        let others = format!("all others: {ended}");
        self.note_by_id(AuditEvent::SessionsEnded, user, others)
            .await;
        Ok(ended)
    }
}

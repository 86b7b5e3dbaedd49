//! The port for sessions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ServerKey, Session, SessionCursor, SessionHash, SessionId, User, UserId};

use crate::StoreError;

/// Keeps sessions, and the hashes by which they are found. Deleting a user deletes their sessions;
/// setting their password or disabling them ends their sessions: see
/// [`UserStore`](crate::UserStore).
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Inserts a session that is found by `hash`. Invitations that wait for the email address of
    /// the user become theirs.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash or the ID is in use, [`StoreError::NotFound`] when
    /// the user does not exist.
    async fn insert_session(&self, session: &Session, hash: &SessionHash)
    -> Result<(), StoreError>;

    /// Finds a session, valid or not, and its user by the hash of the session.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn session_by_hash(
        &self,
        hash: &SessionHash,
    ) -> Result<Option<(Session, User)>, StoreError>;

    /// Returns at most `limit` sessions of a user that are valid at `at`, after a cursor (`None`:
    /// from the newest one), newest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn sessions_after(
        &self,
        user: UserId,
        at: OffsetDateTime,
        cursor: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;

    /// Records that a session was used, and its new expiry. Notes of several nodes may arrive in
    /// any order: the latest value of each stays. Notes for a session that does not exist or has
    /// ended are ignored.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn touch_session(
        &self,
        session: SessionId,
        last_used_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Ends a session of a user. A session that has already ended keeps its end. Returns `false`
    /// when the user has no such session.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Ends all sessions of a user that have not ended, except one to keep, and returns their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn end_sessions(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError>;

    /// Deletes at most `limit` sessions that expired before `before`, those that ended sooner
    /// included, oldest first, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_sessions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Returns the key with which browsers prove an earlier sign-in. It is the same for all nodes:
    /// the first one to ask stores its candidate.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn browser_key(&self, candidate: &ServerKey) -> Result<ServerKey, StoreError>;

    /// Returns the users of these sessions, and the time during which the sessions are or were
    /// valid. Sessions that do not exist are left out.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn users_of_sessions(
        &self,
        hashes: &[SessionHash],
    ) -> Result<BTreeMap<SessionHash, SignedIn>, StoreError>;
}

/// The user of a session, and when they were signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The beginning of the session.
    pub from: OffsetDateTime,
    /// The end: when it expires or expired, or was ended.
    pub until: OffsetDateTime,
}

impl SignedIn {
    /// Reads it from a session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        let ended_at = session.ended_at.unwrap_or(session.expires_at);
        Self {
            user_id: session.user_id,
            from: session.created_at,
            until: session.expires_at.min(ended_at),
        }
    }

    /// Returns whether the user was signed in at `at`.
    #[must_use]
    pub fn covers(&self, at: OffsetDateTime) -> bool {
        self.from <= at && at < self.until
    }
}

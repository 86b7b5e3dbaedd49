//! The port for sessions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{Session, SessionCursor, SessionHash, SessionId, User, UserId};

use crate::StoreError;

/// Keeps sessions, and the hashes by which they are found. Deleting a user deletes theirs; setting their
/// password and disabling them ends theirs: see [`UserStore`](crate::UserStore).
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Inserts a session that is found by `hash`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash or the id is taken, [`StoreError::NotFound`] when there is
    /// no such user.
    async fn insert_session(&self, session: &Session, hash: &SessionHash)
    -> Result<(), StoreError>;

    /// Finds a session by its hash, and whose it is: valid or not.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn session_by_hash(
        &self,
        hash: &SessionHash,
    ) -> Result<Option<(Session, User)>, StoreError>;

    /// At most `limit` sessions of a user that are valid at `at`, behind a cursor (from the newest on
    /// without one), newest first.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn sessions_after(
        &self,
        user: UserId,
        at: OffsetDateTime,
        cursor: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;

    /// Notes that a session was used, and until when it lasts by that. Notes of several nodes may arrive
    /// in any order: the latest of each stays. What is noted of a session that does not exist or was ended
    /// is forgotten.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn touch_session(
        &self,
        session: SessionId,
        last_used_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Ends a session of a user. One that was ended already stays so since then. `false` when the user
    /// has no such session.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Ends all sessions of a user that were not ended, but for one to be kept, and gives back their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn end_sessions(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError>;

    /// Deletes at most `limit` sessions that expired before `before`, those that were ended sooner
    /// included, oldest first, and gives back their number.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_sessions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;

    /// Whose these sessions are, and when they are or were valid. Those that do not exist are left out.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn users_of_sessions(
        &self,
        hashes: &[SessionHash],
    ) -> Result<BTreeMap<SessionHash, SignedIn>, StoreError>;
}

/// Who was signed in by a session, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user_id: UserId,
    /// Since when.
    pub from: OffsetDateTime,
    /// Until when: it expires or expired then, or was ended.
    pub until: OffsetDateTime,
}

impl SignedIn {
    /// What a session says of it.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        let ended_at = session.ended_at.unwrap_or(session.expires_at);
        Self {
            user_id: session.user_id,
            from: session.created_at,
            until: session.expires_at.min(ended_at),
        }
    }

    /// Whether they were signed in at `at`.
    #[must_use]
    pub fn covers(&self, at: OffsetDateTime) -> bool {
        self.from <= at && at < self.until
    }
}

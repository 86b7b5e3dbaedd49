//! Sessions, set-up secrets and accounts at identity providers in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    ExternalIdentity, PasswordHash, Role, ServerKey, Session, SessionCursor, SessionHash,
    SessionId, SetupHash, User, UserId, micros,
};

use super::people::KeptUser;
use super::{MemoryStore, State, behind, count};
use crate::{
    IdentityOfUser, IdentityStore, LinkedIdentity, SessionStore, SetUp, SetupStore, SignedIn,
    StoreError,
};

#[derive(Debug, Clone)]
pub(super) struct KeptSession {
    session: Session,
    hash: SessionHash,
}

#[derive(Debug, Clone)]
pub(super) struct KeptIdentity {
    user: UserId,
    identity: LinkedIdentity,
    admin_by_group: bool,
}

impl State {
    /// Clears the mark that a group gave the role of a user, because it was set by hand.
    pub(super) fn forget_group(&mut self, user: UserId) {
        for identity in self.identities.values_mut() {
            if identity.user == user {
                identity.admin_by_group = false;
            }
        }
    }

    /// Ends the sessions of a user that have not ended, except one to keep.
    pub(super) fn end_sessions(
        &mut self,
        user: UserId,
        kept: Option<SessionId>,
        at: OffsetDateTime,
    ) -> u64 {
        let mut ended = 0;
        for KeptSession { session, .. } in self.sessions.values_mut() {
            let is_meant = session.user_id == user && kept != Some(session.id);
            if is_meant && session.ended_at.is_none() {
                session.ended_at = Some(micros(at));
                ended += 1;
            }
        }
        ended
    }

    pub(super) fn forget_sign_ins(&mut self, user: UserId) {
        self.sessions.retain(|_, kept| kept.session.user_id != user);
        self.identities.retain(|_, kept| kept.user != user);
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert_session(
        &self,
        session: &Session,
        hash: &SessionHash,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        if !state.users.contains_key(&session.user_id) {
            return Err(StoreError::NotFound);
        }
        let mut others = state.sessions.values();
        if others.any(|kept| kept.hash == *hash || kept.session.id == session.id) {
            return Err(StoreError::Conflict);
        }
        let kept = KeptSession {
            session: Session {
                created_at: micros(session.created_at),
                last_used_at: micros(session.last_used_at),
                expires_at: micros(session.expires_at),
                ended_at: session.ended_at.map(micros),
                ..session.clone()
            },
            hash: *hash,
        };
        state.sessions.insert(session.id, kept);
        state.claim_invitations(session.user_id);
        Ok(())
    }

    async fn session_by_hash(
        &self,
        hash: &SessionHash,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let state = self.state();
        let found = state.sessions.values().find(|kept| kept.hash == *hash);
        Ok(found.and_then(|kept| {
            let user = state.users.get(&kept.session.user_id)?;
            Some((kept.session.clone(), user.user.clone()))
        }))
    }

    async fn sessions_after(
        &self,
        user: UserId,
        at: OffsetDateTime,
        cursor: Option<SessionCursor>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let state = self.state();
        let sessions = state.sessions.values().map(|kept| &kept.session);
        let valid = sessions.filter(|it| it.user_id == user && it.is_valid_at(micros(at)));
        Ok(behind(valid, cursor, limit))
    }

    async fn touch_session(
        &self,
        session: SessionId,
        last_used_at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let kept = state.sessions.get_mut(&session).map(|it| &mut it.session);
        if let Some(session) = kept.filter(|session| session.ended_at.is_none()) {
            session.last_used_at = session.last_used_at.max(micros(last_used_at));
            session.expires_at = session.expires_at.max(micros(expires_at));
        }
        Ok(())
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let kept = state.sessions.get_mut(&session).map(|it| &mut it.session);
        let Some(session) = kept.filter(|session| session.user_id == user) else {
            return Ok(false);
        };
        session.ended_at.get_or_insert(micros(at));
        Ok(true)
    }

    async fn end_sessions(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        Ok(self.state().end_sessions(user, kept, at))
    }

    async fn purge_sessions(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let before = micros(before);
        let sessions = state.sessions.values().map(|kept| &kept.session);
        let mut old: Vec<_> = sessions
            .filter(|session| session.expires_at < before)
            .map(|session| (session.expires_at, session.id))
            .collect();
        old.sort_unstable();
        old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, id) in &old {
            state.sessions.remove(id);
        }
        Ok(count(old.len()))
    }

    async fn browser_key(&self, candidate: &ServerKey) -> Result<ServerKey, StoreError> {
        let mut state = self.state();
        let key = state.browser_key.get_or_insert_with(|| candidate.clone());
        Ok(key.clone())
    }

    async fn users_of_sessions(
        &self,
        hashes: &[SessionHash],
    ) -> Result<BTreeMap<SessionHash, SignedIn>, StoreError> {
        let state = self.state();
        let asked = state.sessions.values();
        let asked = asked.filter(|kept| hashes.contains(&kept.hash));
        Ok(asked
            .map(|kept| (kept.hash, SignedIn::of(&kept.session)))
            .collect())
    }
}

#[async_trait]
impl SetupStore for MemoryStore {
    async fn insert_setup_token(
        &self,
        hash: &SetupHash,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.setup_tokens.contains_key(hash) {
            return Err(StoreError::Conflict);
        }
        let now = micros(now);
        state.setup_tokens.retain(|_, expires_at| *expires_at > now);
        state.setup_tokens.insert(*hash, micros(expires_at));
        Ok(())
    }

    async fn setup_token(&self, hash: &SetupHash) -> Result<Option<OffsetDateTime>, StoreError> {
        Ok(self.state().setup_tokens.get(hash).copied())
    }

    async fn set_up(
        &self,
        hash: &SetupHash,
        admin: &User,
        password: &PasswordHash,
        now: OffsetDateTime,
    ) -> Result<SetUp, StoreError> {
        let mut state = self.state();
        let expires_at = state.setup_tokens.get(hash);
        if expires_at.is_none_or(|expires_at| micros(now) >= *expires_at) {
            return Ok(SetUp::NoToken);
        }
        state.setup_tokens.clear();
        if !state.users.is_empty() {
            return Ok(SetUp::UsersExist);
        }
        state.insert_user(admin, Some(password))?;
        Ok(SetUp::Done)
    }
}

#[async_trait]
impl IdentityStore for MemoryStore {
    async fn identity(
        &self,
        identity: &ExternalIdentity,
    ) -> Result<Option<IdentityOfUser>, StoreError> {
        let state = self.state();
        let found = state.identities.get(&identity.key());
        Ok(found.and_then(|kept| {
            Some(IdentityOfUser {
                user: state.users.get(&kept.user)?.user.clone(),
                admin_by_group: kept.admin_by_group,
            })
        }))
    }

    async fn insert_identity(
        &self,
        identity: &ExternalIdentity,
        user: UserId,
        admin_by_group: bool,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        if !state.users.contains_key(&user) {
            return Err(StoreError::NotFound);
        }
        let mut of_user = state.identities.values().filter(|kept| kept.user == user);
        let has_other = of_user.any(|kept| kept.identity.identity.issuer() == identity.issuer());
        if has_other || state.identities.contains_key(&identity.key()) {
            return Err(StoreError::Conflict);
        }
        let kept = KeptIdentity {
            user,
            identity: LinkedIdentity {
                identity: identity.clone(),
                created_at: micros(at),
            },
            admin_by_group,
        };
        state.identities.insert(identity.key(), kept);
        Ok(())
    }

    async fn follow_admin_group(
        &self,
        identity: &ExternalIdentity,
        is_in_group: bool,
    ) -> Result<Option<User>, StoreError> {
        let mut state = self.state();
        let State {
            identities, users, ..
        } = &mut *state;
        let Some(identity) = identities.get_mut(&identity.key()) else {
            return Ok(None);
        };
        let Some(KeptUser { user, .. }) = users.get_mut(&identity.user) else {
            return Ok(None);
        };
        if is_in_group && user.role == Role::Member {
            user.role = Role::Admin;
            identity.admin_by_group = true;
        } else if !is_in_group && identity.admin_by_group {
            user.role = Role::Member;
            identity.admin_by_group = false;
        }
        Ok(Some(user.clone()))
    }

    async fn identities_of_user(&self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let state = self.state();
        let of_user = state.identities.values().filter(|kept| kept.user == user);
        let mut identities: Vec<_> = of_user.map(|kept| kept.identity.clone()).collect();
        identities.sort_by_key(|linked| (linked.created_at, linked.identity.key()));
        Ok(identities)
    }

    async fn delete_identity(
        &self,
        user: UserId,
        identity: &ExternalIdentity,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let key = identity.key();
        if state
            .identities
            .get(&key)
            .is_none_or(|kept| kept.user != user)
        {
            return Ok(false);
        }
        let deleted = state.identities.remove(&key);
        if deleted.is_some_and(|deleted| deleted.admin_by_group)
            && let Some(KeptUser { user, .. }) = state.users.get_mut(&user)
        {
            user.role = Role::Member;
        }
        state.end_sessions(user, None, at);
        Ok(true)
    }

    async fn use_sign_in(
        &self,
        state: &[u8; 32],
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let used = &mut self.state().used_sign_ins;
        let now = micros(now);
        used.retain(|_, expires_at| *expires_at > now);
        if used.contains_key(state) {
            return Ok(false);
        }
        used.insert(*state, micros(expires_at));
        Ok(true)
    }
}

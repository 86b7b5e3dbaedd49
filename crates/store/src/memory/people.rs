//! Users and API tokens in memory.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    ApiToken, Email, PasswordHash, TokenCursor, TokenHash, TokenId, User, UserCursor, UserId,
    micros,
};

use super::{MemoryStore, State, behind, count};
use crate::{PasswordChange, PasswordSet, StoreError, TokenStore, UserChange, UserStore};

#[derive(Debug, Clone)]
pub(super) struct KeptUser {
    pub(super) user: User,
    password: Option<PasswordHash>,
}

#[derive(Debug, Clone)]
pub(super) struct KeptToken {
    token: ApiToken,
    hash: TokenHash,
}

impl State {
    fn is_taken(&self, email: &Email, by_other_than: UserId) -> bool {
        let mut users = self.users.values();
        users.any(|kept| kept.user.email == *email && kept.user.id != by_other_than)
    }

    pub(super) fn insert_user(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        if self.users.contains_key(&user.id) || self.is_taken(&user.email, user.id) {
            return Err(StoreError::Conflict);
        }
        let kept = KeptUser {
            user: User {
                created_at: micros(user.created_at),
                disabled_at: user.disabled_at.map(micros),
                ..user.clone()
            },
            password: password.cloned(),
        };
        self.users.insert(user.id, kept);
        self.claim_invitations(user.id);
        Ok(())
    }

    pub(super) fn user_with(&self, email: &Email) -> Option<UserId> {
        let mut users = self.users.values().map(|kept| &kept.user);
        users.find(|user| user.email == *email).map(|user| user.id)
    }

    /// Makes the invitations that wait for the email address of a user theirs.
    pub(super) fn claim_invitations(&mut self, id: UserId) {
        let Some(kept) = self.users.get(&id) else {
            return;
        };
        for link in self.links.values_mut() {
            link.claim(&kept.user.email, id);
        }
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert_user(
        &self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        self.state().insert_user(user, password)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let state = self.state();
        Ok(state.users.get(&id).map(|kept| kept.user.clone()))
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let state = self.state();
        let mut users = state.users.values().map(|kept| &kept.user);
        Ok(users.find(|user| user.email == *email).cloned())
    }

    async fn users_after(
        &self,
        cursor: Option<UserCursor>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        let state = self.state();
        Ok(behind(
            state.users.values().map(|kept| &kept.user),
            cursor,
            limit,
        ))
    }

    async fn change_user(
        &self,
        id: UserId,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError> {
        let mut state = self.state();
        if let Some(email) = &change.email
            && state.users.contains_key(&id)
            && state.is_taken(email, id)
        {
            return Err(StoreError::Conflict);
        }
        let Some(kept) = state.users.get_mut(&id) else {
            return Ok(None);
        };
        let user = &mut kept.user;
        if let Some(email) = &change.email {
            user.email = email.clone();
        }
        if let Some(display_name) = &change.display_name {
            user.display_name = display_name.clone();
        }
        if let Some(role) = change.role {
            user.role = role;
        }
        if let Some(disabled_at) = change.disabled_at {
            user.disabled_at = disabled_at.map(micros);
        }
        let user = user.clone();
        if let Some(at) = change.disabled_at.flatten() {
            state.end_sessions(id, None, at);
        }
        if change.role.is_some() {
            state.forget_group(id);
        }
        if change.email.is_some() {
            state.claim_invitations(id);
        }
        Ok(Some(user))
    }

    async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let state = self.state();
        Ok(state.users.get(&id).and_then(|kept| kept.password.clone()))
    }

    async fn set_password(
        &self,
        id: UserId,
        password: Option<&PasswordHash>,
        change: PasswordChange,
    ) -> Result<Option<PasswordSet>, StoreError> {
        let mut state = self.state();
        let Some(user) = state.users.get_mut(&id) else {
            return Ok(None);
        };
        user.password = password.cloned();
        let sessions = state.end_sessions(id, change.kept, change.at);
        let mut tokens = 0;
        if change.revoke_tokens {
            let at = micros(change.at);
            for KeptToken { token, .. } in state.tokens.values_mut() {
                if token.user_id == id && token.revoked_at.is_none() {
                    tokens += u64::from(token.is_valid_at(at));
                    token.revoked_at = Some(at);
                }
            }
        }
        Ok(Some(PasswordSet { sessions, tokens }))
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let mut state = self.state();
        if state.links.values().any(|kept| kept.owners.contains(&id)) {
            return Err(StoreError::Conflict);
        }
        if state.users.remove(&id).is_none() {
            return Ok(false);
        }
        for kept in state.links.values_mut() {
            kept.shares.remove(&id);
            kept.invitations.forget(id);
        }
        state.tokens.retain(|_, kept| kept.token.user_id != id);
        state.forget_sign_ins(id);
        for click in state.clicks.values_mut() {
            click.user_id = click.user_id.filter(|user| *user != id);
        }
        for blocked in state.blocked.values_mut() {
            blocked.created_by = blocked.created_by.filter(|user| *user != id);
        }
        Ok(true)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn insert_token(
        &self,
        token: &ApiToken,
        hash: &TokenHash,
        at_most: u32,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        if !state.users.contains_key(&token.user_id) {
            return Err(StoreError::NotFound);
        }
        if state.tokens.contains_key(&token.id)
            || state.tokens.values().any(|kept| kept.hash == *hash)
        {
            return Err(StoreError::Conflict);
        }
        let created_at = micros(token.created_at);
        let tokens = state.tokens.values().map(|kept| &kept.token);
        let of_user = tokens.filter(|it| it.user_id == token.user_id);
        let valid = of_user.filter(|it| it.is_valid_at(created_at)).count();
        if count(valid) >= u64::from(at_most) {
            return Ok(false);
        }
        let kept = KeptToken {
            token: ApiToken {
                created_at: micros(token.created_at),
                expires_at: token.expires_at.map(micros),
                last_used_at: token.last_used_at.map(micros),
                revoked_at: token.revoked_at.map(micros),
                ..token.clone()
            },
            hash: *hash,
        };
        state.tokens.insert(token.id, kept);
        Ok(true)
    }

    async fn token_by_hash(
        &self,
        hash: &TokenHash,
    ) -> Result<Option<(ApiToken, User)>, StoreError> {
        let state = self.state();
        let found = state.tokens.values().find(|kept| kept.hash == *hash);
        Ok(found.and_then(|kept| {
            let user = state.users.get(&kept.token.user_id)?;
            Some((kept.token.clone(), user.user.clone()))
        }))
    }

    async fn tokens_after(
        &self,
        user: UserId,
        cursor: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let state = self.state();
        let tokens = state.tokens.values().map(|kept| &kept.token);
        Ok(behind(
            tokens.filter(|token| token.user_id == user),
            cursor,
            limit,
        ))
    }

    async fn revoke_token(
        &self,
        user: UserId,
        token: TokenId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let kept = state.tokens.get_mut(&token);
        let Some(kept) = kept.filter(|kept| kept.token.user_id == user) else {
            return Ok(false);
        };
        kept.token.revoked_at.get_or_insert(micros(at));
        Ok(true)
    }

    async fn note_tokens_used(&self, used: &[(TokenId, OffsetDateTime)]) -> Result<(), StoreError> {
        let mut state = self.state();
        for (token, at) in used {
            if let Some(kept) = state.tokens.get_mut(token) {
                kept.token.last_used_at = kept.token.last_used_at.max(Some(micros(*at)));
            }
        }
        Ok(())
    }
}

//! API tokens: making them, knowing them again, and noting when they were used.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waypost_core::{
    Actor, ApiToken, Role, Scope, Scopes, TokenHash, TokenId, TokenName, TokenSecret, User,
    UserCursor, UserId,
};
use waypost_store::StoreError;

use super::{AccountError, Accounts, AccountsParts};

/// How often it is written down when tokens were used.
const WRITE_USED_EVERY: Duration = Duration::from_secs(10);

/// Users that are looked through at a time.
const USERS: u32 = 500;

/// An API token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is for.
    pub name: TokenName,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is not accepted; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
}

impl Accounts {
    /// Makes an API token. Its secret is nowhere else: whoever loses it makes another token.
    ///
    /// # Errors
    /// [`AccountError::NotAnAdmin`] when it is to do what its user may not,
    /// [`AccountError::ExpiresInThePast`], and [`AccountError::NoUser`] when they are gone.
    pub async fn create_token(
        &self,
        user: &User,
        new: NewToken,
    ) -> Result<(ApiToken, TokenSecret), AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let created_at = clock.now();
        if new.scopes.contains(Scope::Admin) && user.role != Role::Admin {
            return Err(AccountError::NotAnAdmin);
        }
        if new.expires_at.is_some_and(|at| at <= created_at) {
            return Err(AccountError::ExpiresInThePast);
        }
        let secret = TokenSecret::generate(&**random);
        let token = ApiToken {
            id: TokenId::new(created_at, &**random),
            user_id: user.id,
            name: new.name,
            scopes: new.scopes,
            created_at,
            expires_at: new.expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        match store.insert_token(&token, &secret.hash()).await {
            Ok(()) => Ok((token, secret)),
            Err(StoreError::NotFound) => Err(AccountError::NoUser),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an API token of the actor, which may not do more than what they present.
    ///
    /// # Errors
    /// As [`Accounts::create_token`]; [`AccountError::ScopeMissing`] for a scope that the actor does not have, and
    /// [`AccountError::ActorGone`] when the actor is no user.
    pub async fn create_own_token(
        &self,
        actor: &Actor,
        new: NewToken,
    ) -> Result<(ApiToken, TokenSecret), AccountError> {
        let Actor::User { id, scopes, .. } = actor else {
            return Err(AccountError::ActorGone);
        };
        if let Some(missing) = new.scopes.iter().find(|scope| !scopes.contains(*scope)) {
            return Err(AccountError::ScopeMissing(missing));
        }
        let user = self.0.parts.store.user(*id).await?;
        let user = user.ok_or(AccountError::ActorGone)?;
        self.create_token(&user, new).await
    }

    /// Revokes a token of a user. Returns whether they have it.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn revoke_token(&self, user: UserId, token: TokenId) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.revoke_token(user, token, clock.now()).await
    }

    /// Revokes a token, whosever it is. Returns its user; `None` when there is no such token.
    ///
    /// All users are looked through: tokens are revoked so seldom this way that no index is worth it.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    pub async fn revoke_any_token(&self, token: TokenId) -> Result<Option<User>, StoreError> {
        let mut cursor = None;
        loop {
            let users = self.0.parts.store.users_after(cursor, USERS).await?;
            let Some(last) = users.last() else {
                return Ok(None);
            };
            cursor = Some(UserCursor::from(last));
            for user in users {
                if self.revoke_token(user.id, token).await? {
                    return Ok(Some(user));
                }
            }
        }
    }

    /// Whether this is the operator's token. The store is not asked.
    #[must_use]
    pub fn is_operator(&self, presented: &str) -> bool {
        // Two hashes are compared: the time that it takes says nothing about the token.
        self.0.parts.operator == Some(TokenHash::of(presented))
    }

    /// Who presents this secret, and how much they may. `None` for what is neither the operator's nor
    /// that of a valid token of a user who is not disabled.
    ///
    /// The store is asked each time, so that a token that is revoked is of no use any more. That it was
    /// used is kept in mind for [`Accounts::write_used`].
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn authenticate(&self, presented: &str) -> Result<Option<Actor>, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        if self.is_operator(presented) {
            return Ok(Some(Actor::Operator));
        }
        if !presented.starts_with(TokenSecret::PREFIX) {
            return Ok(None);
        }
        let now = clock.now();
        let found = store.token_by_hash(&TokenHash::of(presented)).await?;
        let valid = found.filter(|(token, user)| token.is_valid_at(now) && !user.is_disabled());
        Ok(valid.map(|(token, user)| {
            self.used().insert(token.id, now);
            Actor::User {
                id: user.id,
                role: user.role,
                scopes: token.scopes,
            }
        }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<TokenId, OffsetDateTime>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down when tokens were used since the last time that it succeeded.
    ///
    /// # Errors
    /// [`StoreError`] as any change; then it is kept in mind for the next time.
    pub async fn write_used(&self) -> Result<(), StoreError> {
        let used: Vec<_> = self.used().drain().collect();
        if used.is_empty() {
            return Ok(());
        }
        let written = self.0.parts.store.note_tokens_used(&used).await;
        if written.is_err() {
            let mut later = self.used();
            for (token, at) in used {
                let latest = later.entry(token).or_insert(at);
                *latest = at.max(*latest);
            }
        }
        written
    }

    /// Writes down every 10 seconds when tokens were used, and once more when `stop` is cancelled.
    pub async fn keep_used_written(self, stop: CancellationToken) {
        let mut ticks = interval(WRITE_USED_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let write = async || {
            if let Err(error) = self.write_used().await {
                tracing::debug!(%error, "the use of tokens is written down later");
            }
        };
        let keep = async {
            loop {
                ticks.tick().await;
                write().await;
            }
        };
        let _: Option<()> = stop.run_until_cancelled(keep).await;
        write().await;
    }
}

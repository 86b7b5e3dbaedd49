//! API tokens: creating them, authenticating by them, and recording when they were used.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waypost_core::{
    Action, Actor, ApiToken, AuditEvent, Credential, Role, Scope, Scopes, TokenHash, TokenId,
    TokenName, TokenSecret, User, UserCursor, UserId, allows,
};
use waypost_store::StoreError;

use super::{AccountError, Accounts, AccountsParts};

/// How often the times of use are written to the store.
const WRITE_USED_EVERY: Duration = Duration::from_secs(10);

/// Number of users read at a time.
const USERS: u32 = 500;

/// An API token to create.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its name.
    pub name: TokenName,
    /// Its scopes.
    pub scopes: Scopes,
    /// When it expires; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
}

impl Accounts {
    /// Maximum number of valid API tokens of a user.
    pub const MAX_TOKENS: u32 = 100;

    /// Creates an API token. Its secret is not stored anywhere: a lost one is replaced by a new
    /// token.
    ///
    /// # Errors
    /// [`AccountError::NotAnAdmin`] when it would have a scope that its user must not have,
    /// [`AccountError::ExpiresInThePast`], [`AccountError::TooManyTokens`] when the user has
    /// [`Accounts::MAX_TOKENS`] valid ones, and [`AccountError::NoUser`] when the user no longer
    /// exists.
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
        let hash = secret.hash();
        match store.insert_token(&token, &hash, Self::MAX_TOKENS).await {
            Ok(true) => {
                let (name, scopes) = (token.name.as_str(), &token.scopes);
                let what = format!("{name} ({scopes})");
                self.note(AuditEvent::TokenCreated, user, what).await;
                Ok((token, secret))
            }
            Ok(false) => Err(AccountError::TooManyTokens),
            Err(StoreError::NotFound) => Err(AccountError::NoUser),
            Err(error) => Err(error.into()),
        }
    }

    /// Creates an API token of the actor.
    ///
    /// # Errors
    /// As [`Accounts::create_token`]; [`AccountError::SessionRequired`] when the actor was
    /// authenticated by a token, and [`AccountError::ActorGone`] when the actor is not a user.
    pub async fn create_own_token(
        &self,
        actor: &Actor,
        new: NewToken,
    ) -> Result<(ApiToken, TokenSecret), AccountError> {
        let id = actor.user_id().ok_or(AccountError::ActorGone)?;
        if !allows(actor, Action::EditCredentials, None) {
            return Err(AccountError::SessionRequired);
        }
        let user = self.0.parts.store.user(id).await?;
        let user = user.ok_or(AccountError::ActorGone)?;
        self.create_token(&user, new).await
    }

    /// Revokes a token of a user. Returns whether the user has it.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn revoke_token(&self, user: UserId, token: TokenId) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let revoked = store.revoke_token(user, token, clock.now()).await?;
        if revoked {
            let event = AuditEvent::TokenRevoked;
            self.note_by_id(event, user, token.to_string()).await;
        }
        Ok(revoked)
    }

    /// Revokes a token of any user. Returns its user; `None` when the token does not exist.
    ///
    /// Searches all users: tokens are revoked this way too rarely to justify an index.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
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

    /// Returns whether this is the operator's token. Does not read the store.
    #[must_use]
    pub fn is_operator(&self, presented: &str) -> bool {
        // Hashes are compared, so the time it takes reveals nothing about the token.
        self.0.parts.operator == Some(TokenHash::of(presented))
    }

    /// Returns the actor of a secret. Returns `None` for a secret that is neither the operator's
    /// nor that of a valid token of a user who is not disabled.
    ///
    /// Reads the store each time, so a revoked token is rejected at once. The use is remembered for
    /// [`Accounts::write_used`].
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
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
                credential: Credential::Token,
            }
        }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<TokenId, OffsetDateTime>> {
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the store when tokens were used since the last successful call.
    ///
    /// # Errors
    /// [`StoreError`] as for any write; the times are then kept for the next call.
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

    /// Writes every 10 seconds when tokens were used, and once more when `stop` is cancelled.
    pub async fn keep_used_written(self, stop: CancellationToken) {
        let mut ticks = interval(WRITE_USED_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let write = async || {
            if let Err(error) = self.write_used().await {
                tracing::debug!(%error, "cannot record the use of tokens yet");
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

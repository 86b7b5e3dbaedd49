//! Users and their API tokens over any store: what the HTTP API and `linkctl` share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waypost_core::{
    Actor, ApiToken, Clock, DisplayName, Email, Password, PasswordHash, PasswordHashError, Random,
    Role, Scope, Scopes, TokenHash, TokenId, TokenName, TokenSecret, User, UserId,
};

use crate::{Store, StoreError, TakenTo, Taking, UserChange};

/// How often it is written down when tokens were used.
const WRITE_USED_EVERY: Duration = Duration::from_secs(10);
/// Links that are taken from a user at a time.
const TAKE_BATCH: u32 = 100;
/// So often a user is deleted who owns links again in the last moment.
const DELETE_TRIES: usize = 5;

/// What [`Accounts`] work with.
#[derive(Clone)]
pub struct AccountsParts {
    /// Where users and tokens are kept.
    pub store: Arc<dyn Store>,
    /// Tells when they are made, and what has expired.
    pub clock: Arc<dyn Clock>,
    /// Draws ids, salts and secrets; cryptographic in production.
    pub random: Arc<dyn Random>,
    /// The hash of the operator's token, where there is one.
    pub operator: Option<TokenHash>,
}

/// Adds users, makes their API tokens, and knows them again. Clones are cheap.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    parts: AccountsParts,
    /// When tokens were used since that was last written.
    used: Mutex<HashMap<TokenId, OffsetDateTime>>,
}

/// A user to be added.
#[derive(Debug)]
pub struct NewUser {
    /// The address.
    pub email: Email,
    /// The name, which may be empty.
    pub display_name: DisplayName,
    /// The role.
    pub role: Role,
    /// The password, for those who sign in with one.
    pub password: Option<Password>,
}

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
    /// Accounts over these parts.
    #[must_use]
    pub fn new(parts: AccountsParts) -> Self {
        Self(Arc::new(Shared {
            parts,
            used: Mutex::default(),
        }))
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`] when somebody else has the address.
    pub async fn add_user(&self, new: NewUser) -> Result<User, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let created_at = clock.now();
        let user = User {
            id: UserId::new(created_at, &**random),
            email: new.email,
            display_name: new.display_name,
            role: new.role,
            disabled_at: None,
            created_at,
        };
        let password = match new.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        match store.insert_user(&user, password.as_ref()).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict) => Err(AccountError::EmailTaken(user.email)),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the password of a user. `false` when there is no such user any more.
    ///
    /// # Errors
    /// [`AccountError::Store`] as any change.
    pub async fn set_password(
        &self,
        user: UserId,
        password: Password,
    ) -> Result<bool, AccountError> {
        let hash = self.hash(password).await?;
        Ok(self.0.parts.store.set_password(user, Some(&hash)).await?)
    }

    /// On a thread for blocking work: it takes its time.
    async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        let random = Arc::clone(&self.0.parts.random);
        let hashed = tokio::task::spawn_blocking(move || password.hash(&*random)).await;
        Ok(hashed.map_err(StoreError::internal)??)
    }

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

    /// Who presents this secret, and how much they may. `None` for what is neither the operator's nor
    /// that of a valid token of a user who is not disabled.
    ///
    /// The store is asked each time, so that a token that is revoked is of no use any more. That it was
    /// used is kept in mind for [`Accounts::write_used`].
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    pub async fn authenticate(&self, presented: &str) -> Result<Option<Actor>, StoreError> {
        let AccountsParts {
            store,
            clock,
            operator,
            ..
        } = &self.0.parts;
        let hash = TokenHash::of(presented);
        // Two hashes are compared: the time that it takes says nothing about the token.
        if *operator == Some(hash) {
            return Ok(Some(Actor::Operator));
        }
        if !presented.starts_with(TokenSecret::PREFIX) {
            return Ok(None);
        }
        let now = clock.now();
        let found = store.token_by_hash(&hash).await?;
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

    /// Deletes a user, and does with their links what `links` says; `false` when there was none. They
    /// are disabled first, so that they make no more. `taken` is told the number of links so far.
    ///
    /// What fails half-way is done by doing it again.
    ///
    /// # Errors
    /// [`AccountError::NoUser`] when the user to give the links to does not exist.
    pub async fn delete_user(
        &self,
        by: Option<UserId>,
        id: UserId,
        links: TakenTo,
        mut taken: impl FnMut(u64),
    ) -> Result<bool, AccountError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let disable = UserChange {
            disabled_at: Some(Some(clock.now())),
            ..UserChange::default()
        };
        if store.change_user(id, &disable).await?.is_none() {
            return Ok(false);
        }
        let mut total = 0;
        for _ in 0..DELETE_TRIES {
            loop {
                let at = clock.now();
                let taking = Taking { by, at };
                let now_taken = store.take_links(id, links, TAKE_BATCH, taking).await;
                match now_taken {
                    Ok(0) => break,
                    Ok(now_taken) => total += now_taken,
                    Err(StoreError::NotFound) => return Err(AccountError::NoUser),
                    Err(error) => return Err(error.into()),
                }
                taken(total);
            }
            match store.delete_user(id).await {
                // Somebody made them an owner just now.
                Err(StoreError::Conflict) => {}
                deleted => return Ok(deleted?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The store beneath.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.parts.store
    }
}

/// Why something about an account was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Somebody else has the address.
    #[error("there is a user with the address {0} already")]
    EmailTaken(Email),
    /// The user does not exist any more.
    #[error("there is no such user any more")]
    NoUser,
    /// Only the token of an admin may have the scope `admin`.
    #[error("only the token of an admin may have the scope `admin`")]
    NotAnAdmin,
    /// A token that is never accepted.
    #[error("a token expires in the future")]
    ExpiresInThePast,
    /// The password cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordHashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use waypost_core::{ManualClock, SeededRandom};

    use super::*;
    use crate::testkit::failing::{FailingStore, Operation};
    use crate::testkit::samples::START;
    use crate::{MemoryStore, UserChange};

    const OPERATOR: &str = "0123456789abcdef0123456789abcdef";

    struct Rig {
        accounts: Accounts,
        store: Arc<FailingStore>,
        clock: Arc<ManualClock>,
    }

    fn rig() -> Rig {
        let store = Arc::new(FailingStore::<dyn Store>::new(
            Arc::new(MemoryStore::new()),
            1,
        ));
        let clock = Arc::new(ManualClock::new(START));
        let accounts = Accounts::new(AccountsParts {
            store: store.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            operator: Some(TokenHash::of(OPERATOR)),
        });
        Rig {
            accounts,
            store,
            clock,
        }
    }

    fn new_user(email: &str, role: Role) -> NewUser {
        NewUser {
            email: Email::parse(email).unwrap(),
            display_name: DisplayName::default(),
            role,
            password: None,
        }
    }

    fn new_token(scopes: &str) -> NewToken {
        NewToken {
            name: TokenName::parse("deploy").unwrap(),
            scopes: scopes.parse().unwrap(),
            expires_at: None,
        }
    }

    #[tokio::test]
    async fn a_user_is_added_once_with_a_password_that_is_only_kept_as_a_hash() {
        let Rig { accounts, .. } = rig();
        let user = accounts
            .add_user(NewUser {
                password: Some(Password::parse("correct horse").unwrap()),
                ..new_user("Ada@example.com", Role::Member)
            })
            .await
            .unwrap();
        assert_eq!(user.created_at, START);
        let hash = accounts.store().password(user.id).await.unwrap().unwrap();
        assert!(hash.is_of("correct horse"));
        let again = accounts.add_user(new_user("ada@EXAMPLE.com", Role::Admin));
        let error = again.await.unwrap_err();
        assert!(
            matches!(&error, AccountError::EmailTaken(email) if *email == user.email),
            "{error:?}"
        );
        let other = Password::parse("battery staple").unwrap();
        assert!(accounts.set_password(user.id, other).await.unwrap());
        let hash = accounts.store().password(user.id).await.unwrap().unwrap();
        assert!(hash.is_of("battery staple") && !hash.is_of("correct horse"));
    }

    #[tokio::test]
    async fn the_secret_of_a_token_speaks_for_its_user() {
        let Rig { accounts, .. } = rig();
        let user = accounts.add_user(new_user("ada@example.com", Role::Member));
        let user = user.await.unwrap();
        let made = accounts.create_token(&user, new_token("read")).await;
        let (token, secret) = made.unwrap();
        let found = accounts.authenticate(secret.reveal()).await.unwrap();
        let actor = Actor::User {
            id: user.id,
            role: Role::Member,
            scopes: "read".parse().unwrap(),
        };
        assert_eq!(found, Some(actor));

        // When it was used is written behind.
        let last_used = async || {
            let tokens = accounts.store().tokens_after(user.id, None, 10).await;
            let tokens = tokens.unwrap();
            assert_eq!(tokens[0].id, token.id);
            tokens[0].last_used_at
        };
        assert_eq!(last_used().await, None);
        accounts.write_used().await.unwrap();
        assert_eq!(last_used().await, Some(START));
    }

    #[tokio::test]
    async fn the_use_of_a_token_is_written_when_the_store_is_back() {
        let Rig {
            accounts,
            store,
            clock,
        } = rig();
        let user = accounts.add_user(new_user("ada@example.com", Role::Member));
        let user = user.await.unwrap();
        let made = accounts.create_token(&user, new_token("read")).await;
        let (_, secret) = made.unwrap();
        accounts.authenticate(secret.reveal()).await.unwrap();
        store.set_down(true);
        assert!(accounts.write_used().await.is_err());
        store.set_down(false);
        clock.advance(Duration::HOUR);
        accounts.write_used().await.unwrap();
        assert_eq!(store.calls(Operation::NoteTokensUsed), 2);
        let tokens = store.inner().tokens_after(user.id, None, 1).await.unwrap();
        assert_eq!(tokens[0].last_used_at, Some(START));
        // Nothing is left to write.
        accounts.write_used().await.unwrap();
        assert_eq!(store.calls(Operation::NoteTokensUsed), 2);
    }

    #[tokio::test]
    async fn the_operators_token_is_the_operators_and_reaches_no_store() {
        let Rig {
            accounts, store, ..
        } = rig();
        let found = accounts.authenticate(OPERATOR).await.unwrap();
        assert_eq!(found, Some(Actor::Operator));
        assert_eq!(accounts.authenticate(&OPERATOR[1..]).await.unwrap(), None);
        assert_eq!(store.calls(Operation::TokenByHash), 0);
    }

    #[tokio::test]
    async fn what_is_no_secret_is_nobody_and_does_not_reach_the_store() {
        let Rig {
            accounts, store, ..
        } = rig();
        for presented in ["", "secret", "WP_secret", "Bearer wp_secret"] {
            assert_eq!(accounts.authenticate(presented).await.unwrap(), None);
        }
        assert_eq!(store.calls(Operation::TokenByHash), 0);
        assert_eq!(accounts.authenticate("wp_secret").await.unwrap(), None);
        assert_eq!(store.calls(Operation::TokenByHash), 1);
    }

    #[tokio::test]
    async fn a_token_ends_when_it_expires_is_revoked_or_its_user_is_disabled() {
        let Rig {
            accounts, clock, ..
        } = rig();
        let user = accounts.add_user(new_user("ada@example.com", Role::Member));
        let user = user.await.unwrap();
        let expires = NewToken {
            expires_at: Some(START + Duration::DAY),
            ..new_token("read,write")
        };
        let (_, expiring) = accounts.create_token(&user, expires).await.unwrap();
        let (revoked, secret) = accounts
            .create_token(&user, new_token("read"))
            .await
            .unwrap();
        let (_, lasting) = accounts
            .create_token(&user, new_token("read"))
            .await
            .unwrap();
        let store = accounts.store();
        let is_accepted = async |secret: &TokenSecret| {
            let found = accounts.authenticate(secret.reveal()).await.unwrap();
            found.is_some()
        };
        assert!(is_accepted(&expiring).await);
        clock.advance(Duration::DAY);
        assert!(!is_accepted(&expiring).await);

        assert!(is_accepted(&secret).await);
        let at = clock.now();
        assert!(store.revoke_token(user.id, revoked.id, at).await.unwrap());
        assert!(!is_accepted(&secret).await);

        for (disabled_at, accepted) in [(Some(at), false), (None, true)] {
            let change = UserChange {
                disabled_at: Some(disabled_at),
                ..UserChange::default()
            };
            store.change_user(user.id, &change).await.unwrap();
            assert_eq!(is_accepted(&lasting).await, accepted);
        }
        assert!(store.delete_user(user.id).await.unwrap());
        assert!(!is_accepted(&lasting).await);
    }

    #[tokio::test]
    async fn a_token_that_could_not_be_used_is_refused() {
        let Rig { accounts, .. } = rig();
        let member = accounts.add_user(new_user("ada@example.com", Role::Member));
        let member = member.await.unwrap();
        let admin = accounts.add_user(new_user("grace@example.com", Role::Admin));
        let admin = admin.await.unwrap();
        let scopes = "read,write,admin";
        let refused = accounts.create_token(&member, new_token(scopes)).await;
        assert!(matches!(refused, Err(AccountError::NotAnAdmin)));
        let made = accounts.create_token(&admin, new_token(scopes)).await;
        assert!(made.is_ok());
        let expired = NewToken {
            expires_at: Some(START),
            ..new_token("read")
        };
        let refused = accounts.create_token(&member, expired).await;
        assert!(matches!(refused, Err(AccountError::ExpiresInThePast)));
        assert!(accounts.store().delete_user(member.id).await.unwrap());
        let refused = accounts.create_token(&member, new_token("read")).await;
        assert!(matches!(refused, Err(AccountError::NoUser)));
    }
}

//! Users over any store, and what they are known by: what the HTTP API and `linkctl` share.

mod changes;
mod deletion;
mod finding;
mod identities;
mod passwords;
mod sessions;
mod setup;
mod tokens;

pub use changes::UserEdit;
pub use finding::FoundUsers;
pub use identities::{AllowedDomains, AllowedDomainsError, IdentityError, ProvenIdentity};
pub use sessions::{KnownSession, NewSession};
pub use tokens::NewToken;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use passwords::PasswordThread;
use time::OffsetDateTime;
use waypost_core::{
    Clock, DisplayName, Email, Password, PasswordHashError, Random, Role, Scope, SessionLifetime,
    TokenHash, TokenId, User, UserId,
};
use waypost_store::{Store, StoreError};

use crate::Resolver;

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
    /// How long sessions last.
    pub sessions: SessionLifetime,
    /// Forgets at once the links of users who are deleted, where there is one; others forget them within seconds.
    pub resolver: Option<Resolver>,
}

/// Adds users, makes their API tokens, signs them in, and knows them again. Clones are cheap.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    parts: AccountsParts,
    /// When tokens were used since that was last written.
    used: Mutex<HashMap<TokenId, OffsetDateTime>>,
    passwords: PasswordThread,
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

impl Accounts {
    /// Accounts over these parts.
    #[must_use]
    pub fn new(parts: AccountsParts) -> Self {
        Self(Arc::new(Shared {
            parts,
            used: Mutex::default(),
            passwords: PasswordThread::default(),
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
            Some(password) => Some(self.0.passwords.hash(password, random).await?),
            None => None,
        };
        match store.insert_user(&user, password.as_ref()).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict) => Err(AccountError::EmailTaken(user.email)),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets the password of a user, and ends their sessions. `false` when there is no such user any more.
    ///
    /// # Errors
    /// [`AccountError::Store`] as any change.
    pub async fn set_password(
        &self,
        user: UserId,
        password: Password,
    ) -> Result<bool, AccountError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let hash = self.0.passwords.hash(password, random).await?;
        let at = clock.now();
        Ok(store.set_password(user, Some(&hash), at, None).await?)
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
    #[error("a user with the email address {0} already exists")]
    EmailTaken(Email),
    /// The user does not exist any more.
    #[error("this user no longer exists")]
    NoUser,
    /// Another user has the address.
    #[error("another user has this email address")]
    AddressInUse,
    /// It takes rights from the one who asks.
    #[error("you cannot do this to your own account; ask another admin or use linkctl")]
    Oneself,
    /// Nobody else has the address.
    #[error("no other user has this email address")]
    NoHeir,
    /// The user who asks was deleted meanwhile.
    #[error("your user no longer exists")]
    ActorGone,
    /// A token may not do more than the one that creates it.
    #[error("the scope `{}` is missing", .0.as_str())]
    ScopeMissing(Scope),
    /// Only the token of an admin may have the scope `admin`.
    #[error("only the token of an admin may have the scope `admin`")]
    NotAnAdmin,
    /// A token that is never accepted.
    #[error("the expiry of a token must be in the future")]
    ExpiresInThePast,
    /// It is not the password that they have.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many passwords wait to be hashed.
    #[error("too many sign-ins at the moment; try again shortly")]
    Busy,
    /// The password cannot be hashed.
    #[error(transparent)]
    Password(#[from] PasswordHashError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod identity_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;

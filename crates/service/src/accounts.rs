//! Users over any store, and how they are authenticated. Shared by the HTTP API and `linkctl`.

mod browsers;
mod changes;
mod deletion;
mod finding;
mod identities;
mod lists;
mod password_changes;
mod passwords;
mod sessions;
mod setup;
mod tokens;

pub use browsers::KnownBrowser;
pub use changes::UserEdit;
pub use finding::FoundUsers;
pub use identities::{AllowedDomains, AllowedDomainsError, IdentityError, ProvenIdentity};
pub use password_changes::{NewPassword, PasswordChanged};
pub use sessions::{KnownSession, NewSession};
pub use tokens::NewToken;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use passwords::PasswordThread;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use waypost_core::{
    AuditEvent, Clock, DisplayName, Email, Password, PasswordHashError, Random, Role, ServerKey,
    SessionLifetime, TokenHash, TokenId, User, UserId,
};
use waypost_store::{Store, StoreError};

use crate::Resolver;
use crate::audit::{Audit, Note, Requester};

/// The parts that [`Accounts`] are built from.
#[derive(Clone)]
pub struct AccountsParts {
    /// The store of users and tokens.
    pub store: Arc<dyn Store>,
    /// The clock for times of creation and expiry.
    pub clock: Arc<dyn Clock>,
    /// The source of IDs, salts and secrets; cryptographically secure in production.
    pub random: Arc<dyn Random>,
    /// The hash of the operator's token, if there is one.
    pub operator: Option<TokenHash>,
    /// How long sessions last.
    pub sessions: SessionLifetime,
    /// The cache to update at once when links of deleted users change, if there is one; other
    /// servers notice within seconds.
    pub resolver: Option<Resolver>,
}

/// Adds users, creates their API tokens, signs them in, and authenticates them. Clones are cheap.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>, Audit);

struct Shared {
    parts: AccountsParts,
    /// When tokens were last used, as far as not yet written to the store.
    used: Mutex<HashMap<TokenId, OffsetDateTime>>,
    passwords: PasswordThread,
    /// The key of known browsers, once it was needed.
    browser_key: OnceCell<ServerKey>,
}

/// A user to add.
#[derive(Debug)]
pub struct NewUser {
    /// The email address.
    pub email: Email,
    /// The name, which may be empty.
    pub display_name: DisplayName,
    /// The role.
    pub role: Role,
    /// The password, for users who sign in with one.
    pub password: Option<Password>,
}

impl Accounts {
    /// Creates accounts from these parts.
    #[must_use]
    pub fn new(parts: AccountsParts) -> Self {
        let audit = Audit::new(
            parts.store.clone(),
            parts.clock.clone(),
            parts.random.clone(),
        );
        let shared = Shared {
            parts,
            used: Mutex::default(),
            passwords: PasswordThread::default(),
            browser_key: OnceCell::new(),
        };
        Self(Arc::new(shared), audit)
    }

    /// Returns the accounts for changes that `requester` asks for, as the audit trail names them.
    #[must_use]
    pub fn requested_by(&self, requester: Arc<Requester>) -> Self {
        Self(self.0.clone(), self.1.requested_by(requester))
    }

    /// Returns the audit trail.
    #[must_use]
    pub const fn audit(&self) -> &Audit {
        &self.1
    }

    /// Records what was just done to a user.
    async fn note(&self, event: AuditEvent, user: &User, detail: impl Into<String>) {
        let (subject, detail) = (user.email.as_str(), detail.into());
        let note = Note {
            event,
            subject,
            detail,
        };
        self.1.record(note).await;
    }

    /// Records what was just done to the user with this ID.
    async fn note_by_id(&self, event: AuditEvent, id: UserId, detail: impl Into<String>) {
        if let Ok(Some(user)) = self.0.parts.store.user(id).await {
            return self.note(event, &user, detail).await;
        }
        // Deleted in the meantime, or the database is gone: the ID tells who it was.
        let note = Note {
            event,
            subject: &id.to_string(),
            detail: detail.into(),
        };
        self.1.record(note).await;
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`] when another user has the email address.
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
            Ok(()) => {
                let role = format!("role {}", user.role.as_str());
                self.note(AuditEvent::UserAdded, &user, role).await;
                Ok(user)
            }
            Err(StoreError::Conflict) => Err(AccountError::EmailTaken(user.email)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the underlying store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.0.parts.store
    }
}

/// Why an operation on an account failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another user has the email address.
    #[error("a user with the email address {0} already exists")]
    EmailTaken(Email),
    /// The user no longer exists.
    #[error("this user no longer exists")]
    NoUser,
    /// Another user has the email address.
    #[error("another user has this email address")]
    AddressInUse,
    /// The operation would take rights from the user who asks for it.
    #[error("you cannot do this to your own account; ask another admin or use linkctl")]
    Oneself,
    /// No other user has the email address.
    #[error("no other user has this email address")]
    NoHeir,
    /// The user who asks was deleted in the meantime.
    #[error("your user no longer exists")]
    ActorGone,
    /// API tokens may not do this.
    #[error("this requires a session")]
    SessionRequired,
    /// The user has as many valid tokens as allowed.
    #[error(
        "a user can have at most {} valid API tokens; revoke some first",
        Accounts::MAX_TOKENS
    )]
    TooManyTokens,
    /// Only the token of an admin may have the scope `admin`.
    #[error("only the token of an admin may have the scope `admin`")]
    NotAnAdmin,
    /// The token would already have expired.
    #[error("the expiry of a token must be in the future")]
    ExpiresInThePast,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many passwords are waiting to be hashed.
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

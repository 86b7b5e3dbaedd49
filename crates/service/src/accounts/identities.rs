//! Signing in with an account at an identity provider that has authenticated the user.
//!
//! A user is identified by the account (issuer and subject, OpenID Connect Core 1.0 §5.7), not by
//! the email address, which may later belong to another person. At the first sign-in, an email
//! address verified by the provider links the account to the user with that address, or creates a
//! new user. A user has at most one account at an issuer: a second one is another person, to whom
//! the email address was given later, or the same person with a new account. An admin decides.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use tracing::warn;
use waypost_core::{
    Actor, AuditEvent, DisplayName, Email, EmailError, ExternalIdentity, Role, User, UserId,
};
use waypost_store::{LinkedIdentity, StoreError};

use super::changes::check_session;
use super::{AccountError, Accounts, AccountsParts};

/// Maximum number of attempts if the same account changes at the same time.
const TRIES: usize = 5;

/// What a provider says about the person who signs in.
#[derive(Debug, Clone)]
pub struct ProvenIdentity {
    /// The account.
    pub identity: ExternalIdentity,
    /// Its email address, if there is one, or why it is refused.
    pub email: Option<Result<Email, EmailError>>,
    /// Whether the provider has verified that the email address is theirs; `None` if it does not
    /// say.
    pub email_verified: Option<bool>,
    /// Its name, which may be empty.
    pub display_name: DisplayName,
    /// Whether the account is in the group of admins; `None` if no such group is set.
    pub is_in_admin_group: Option<bool>,
}

/// The domains of the email addresses with which people may sign in; if empty, all domains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedDomains(Vec<Box<str>>);

impl AllowedDomains {
    /// Returns whether email addresses of every domain are allowed.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether an email address is in one of the domains. A subdomain of a domain is not in
    /// it.
    #[must_use]
    pub fn contains(&self, email: &Email) -> bool {
        let domain = email.as_str().rsplit_once('@').map(|(_, domain)| domain);
        self.is_any() || self.0.iter().any(|allowed| Some(&**allowed) == domain)
    }
}

/// Parses domains separated by commas, in any case.
impl FromStr for AllowedDomains {
    type Err = AllowedDomainsError;

    fn from_str(text: &str) -> Result<Self, AllowedDomainsError> {
        let domain = |part: &str| {
            let domain = part.trim().to_ascii_lowercase();
            let is_domain = Email::parse(&format!("a@{domain}")).is_ok() && !domain.contains('@');
            is_domain.then(|| domain.into_boxed_str())
        };
        let domains: Option<_> = text.split(',').map(domain).collect();
        domains.map(Self).ok_or(AllowedDomainsError)
    }
}

impl fmt::Display for AllowedDomains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// The text is not a list of domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a list of domains such as example.com,example.org")]
pub struct AllowedDomainsError;

/// Why a person with an account at the provider may not sign in.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The provider sends no email address.
    #[error("the sign-in provider does not disclose your email address")]
    NoEmail,
    /// The provider sends an email address that is refused.
    #[error("the sign-in provider has an email address that this server does not accept")]
    InvalidEmail(#[source] EmailError),
    /// Another account at the provider is linked to the user with the email address.
    #[error(
        "another account at the sign-in provider is linked to the user with your email address"
    )]
    OtherAccount,
    /// The provider has not verified that the email address is theirs.
    #[error("the sign-in provider has not verified your email address")]
    EmailNotVerified,
    /// The provider does not say whether it has verified that the email address is theirs.
    #[error("the sign-in provider has not verified your email address, or does not say so")]
    EmailVerificationUnknown,
    /// The email address is in none of the domains.
    #[error("email addresses of your domain are not allowed to sign in")]
    DomainNotAllowed,
    /// An admin has disabled the user.
    #[error("your account is disabled")]
    Disabled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Returns the user of an account at a provider, with the role that its groups give. An account
    /// that is not known yet is linked to the user with its email address, or to a new user, a
    /// member without a password.
    ///
    /// # Errors
    /// [`IdentityError`] when the person may not sign in. Nothing was changed then.
    pub async fn user_of_identity(
        &self,
        proven: &ProvenIdentity,
        domains: &AllowedDomains,
    ) -> Result<User, IdentityError> {
        let found = self.admitted(proven, domains).await;
        if let Err(error) = &found
            && !matches!(error, IdentityError::Store(_))
        {
            let email = verified_email(proven).map_or("", Email::as_str);
            self.note_failure(email, &error.to_string()).await;
        }
        found
    }

    async fn admitted(
        &self,
        proven: &ProvenIdentity,
        domains: &AllowedDomains,
    ) -> Result<User, IdentityError> {
        // A known account needs no email address, unless the domain decides.
        if !domains.is_any() {
            let email = verified_email(proven)?;
            if !domains.contains(email) {
                return Err(IdentityError::DomainNotAllowed);
            }
        }
        let user = self.find_or_add(proven).await?;
        if user.is_disabled() {
            return Err(IdentityError::Disabled);
        }
        let Some(is_in_group) = proven.is_in_admin_group else {
            return Ok(user);
        };
        let followed = self
            .store()
            .follow_admin_group(&proven.identity, is_in_group)
            .await?;
        let Some(followed) = followed else {
            // The user was deleted just now: opening a session will report it.
            return Ok(user);
        };
        if user.role == Role::Admin && followed.role == Role::Member {
            warn!(
                user_id = %user.id,
                "an admin became a member at sign-in: the OpenID provider does not say that the \
                 user is in the admin group"
            );
        }
        self.note_changes(&user, &followed).await;
        Ok(followed)
    }

    async fn find_or_add(&self, proven: &ProvenIdentity) -> Result<User, IdentityError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let mut failed = StoreError::Conflict;
        for _ in 0..TRIES {
            if let Some(known) = store.identity(&proven.identity).await? {
                return Ok(known.user);
            }
            let email = verified_email(proven)?;
            let user = match store.user_by_email(email).await? {
                // The account is not recorded either.
                Some(user) if user.is_disabled() => return Ok(user),
                Some(user) => {
                    self.check_only_account(proven, &user).await?;
                    user
                }
                None => match self.add_member(email, proven).await {
                    Ok(user) => user,
                    Err(error @ StoreError::Conflict) => {
                        failed = error;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                },
            };
            let (identity, now) = (&proven.identity, clock.now());
            match store.insert_identity(identity, user.id, false, now).await {
                Ok(()) => {
                    let issuer = proven.identity.issuer();
                    self.note(AuditEvent::IdentityLinked, &user, issuer).await;
                    return Ok(user);
                }
                // The account was assigned, or the user deleted, at this moment.
                Err(error @ (StoreError::Conflict | StoreError::NotFound)) => failed = error,
                Err(error) => return Err(error.into()),
            }
        }
        Err(failed.into())
    }

    /// Refuses a second account of a user at the same issuer.
    async fn check_only_account(
        &self,
        proven: &ProvenIdentity,
        user: &User,
    ) -> Result<(), IdentityError> {
        let issuer = proven.identity.issuer();
        let linked = self.0.parts.store.identities_of_user(user.id).await?;
        let is_other = |linked: &LinkedIdentity| {
            linked.identity.issuer() == issuer && linked.identity != proven.identity
        };
        if !linked.iter().any(is_other) {
            return Ok(());
        }
        warn!(
            user_id = %user.id,
            issuer,
            "a second account at the OpenID provider has the email address of a user; if the user \
             has a new account, unlink the old one; if the address belongs to another person now, \
             change it or delete the user"
        );
        Err(IdentityError::OtherAccount)
    }

    /// Returns the accounts of a user at identity providers, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn identities(&self, user: UserId) -> Result<Vec<LinkedIdentity>, StoreError> {
        self.0.parts.store.identities_of_user(user).await
    }

    /// Takes the account with this ID from a user, and ends the sessions of the user. The role of
    /// an admin that a group of the account gave ends, too. Returns `false` when the user has no
    /// such account.
    ///
    /// # Errors
    /// [`AccountError::SessionRequired`] when the actor was authenticated by an API token.
    pub async fn unlink_identity(
        &self,
        actor: &Actor,
        user: UserId,
        id: &str,
    ) -> Result<bool, AccountError> {
        check_session(actor)?;
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let linked = store.identities_of_user(user).await?;
        let Some(found) = linked.iter().find(|linked| linked.identity.id() == id) else {
            return Ok(false);
        };
        let at = clock.now();
        let unlinked = store.delete_identity(user, &found.identity, at).await?;
        if unlinked {
            let issuer = found.identity.issuer();
            self.note_by_id(AuditEvent::IdentityUnlinked, user, issuer)
                .await;
        }
        Ok(unlinked)
    }

    /// Records that a sign-in with this state, as a hash, was answered. Returns `false` when it was
    /// answered before, on whatever node.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn use_sign_in(
        &self,
        state: &[u8; 32],
        expires_at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        store.use_sign_in(state, expires_at, clock.now()).await
    }

    async fn add_member(&self, email: &Email, proven: &ProvenIdentity) -> Result<User, StoreError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let created_at = clock.now();
        let user = User {
            id: UserId::new(created_at, &**random),
            email: email.clone(),
            display_name: proven.display_name.clone(),
            role: Role::Member,
            disabled_at: None,
            created_at,
        };
        store.insert_user(&user, None).await?;
        let how = "at the first sign-in with the OpenID provider";
        self.note(AuditEvent::UserAdded, &user, how).await;
        Ok(user)
    }
}

fn verified_email(proven: &ProvenIdentity) -> Result<&Email, IdentityError> {
    let email = proven.email.as_ref().ok_or(IdentityError::NoEmail)?;
    let email = email.as_ref();
    let email = email.map_err(|error| IdentityError::InvalidEmail(*error))?;
    match proven.email_verified {
        Some(true) => Ok(email),
        Some(false) => Err(IdentityError::EmailNotVerified),
        None => Err(IdentityError::EmailVerificationUnknown),
    }
}

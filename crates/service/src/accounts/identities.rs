//! Signing in with an account at an identity provider, which has proved who somebody is.
//!
//! The account is what a user is known again by (issuer and subject, OpenID Connect Core 1.0 §5.7), not
//! the address, which may come to belong to somebody else. The first time, an address that the provider
//! has verified gives the account to the user who has it here, or makes a new one.

use std::fmt;
use std::str::FromStr;

use waypost_core::{DisplayName, Email, ExternalIdentity, Role, User, UserId};
use waypost_store::StoreError;

use super::{Accounts, AccountsParts};

/// So often it is looked again, when somebody else did something about the same account just now.
const TRIES: usize = 5;

/// What a provider says about whoever signs in.
#[derive(Debug, Clone)]
pub struct ProvenIdentity {
    /// Which account.
    pub identity: ExternalIdentity,
    /// Its address, where there is one.
    pub email: Option<Email>,
    /// The provider has made sure that the address is theirs.
    pub email_verified: bool,
    /// Its name, which may be empty.
    pub display_name: DisplayName,
    /// Whether the account is in the group of admins; `None` where there is no such group.
    pub is_in_admin_group: Option<bool>,
}

/// The domains of the addresses with which people may sign in; without one, all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedDomains(Vec<Box<str>>);

impl AllowedDomains {
    /// Whether addresses of every domain are allowed.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in one of the domains. A domain is not in the one above it.
    #[must_use]
    pub fn contains(&self, email: &Email) -> bool {
        let domain = email.as_str().rsplit_once('@').map(|(_, domain)| domain);
        self.is_any() || self.0.iter().any(|allowed| Some(&**allowed) == domain)
    }
}

/// Domains separated by commas, in any case.
impl FromStr for AllowedDomains {
    type Err = AllowedDomainsError;

    fn from_str(text: &str) -> Result<Self, AllowedDomainsError> {
        let domain = |part: &str| {
            let domain = part.trim().to_lowercase();
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

/// A text is not a list of domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a list of domains such as example.com,example.org")]
pub struct AllowedDomainsError;

/// Why somebody whom a provider knows may not sign in here.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The provider tells no address, or none that can be one.
    #[error("the sign-in provider does not disclose your email address")]
    NoEmail,
    /// The provider has not made sure that the address is theirs.
    #[error("the sign-in provider has not verified your email address")]
    EmailNotVerified,
    /// The address is in none of the domains.
    #[error("email addresses of your domain are not allowed to sign in")]
    DomainNotAllowed,
    /// An admin has disabled them.
    #[error("your account is disabled")]
    Disabled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// The user to whom an account at a provider belongs, with the role that its groups give them. One
    /// whom nobody knows yet is given to the user with its address, or to a new one, a member without a
    /// password.
    ///
    /// # Errors
    /// [`IdentityError`] when they may not sign in. Then nothing has been changed.
    pub async fn user_of_identity(
        &self,
        proven: &ProvenIdentity,
        domains: &AllowedDomains,
    ) -> Result<User, IdentityError> {
        // Whoever is known stays so without an address, unless addresses are what decides.
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
        // They were deleted just now: opening a session will say so.
        Ok(followed.unwrap_or(user))
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
                // Not even the account is noted.
                Some(user) if user.is_disabled() => return Ok(user),
                Some(user) => user,
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
                Ok(()) => return Ok(user),
                // Given away, or the user deleted, in this moment.
                Err(error @ (StoreError::Conflict | StoreError::NotFound)) => failed = error,
                Err(error) => return Err(error.into()),
            }
        }
        Err(failed.into())
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
        Ok(user)
    }
}

fn verified_email(proven: &ProvenIdentity) -> Result<&Email, IdentityError> {
    let email = proven.email.as_ref().ok_or(IdentityError::NoEmail)?;
    if !proven.email_verified {
        return Err(IdentityError::EmailNotVerified);
    }
    Ok(email)
}

//! Changes of users by admins.

use waypost_core::{
    Action, Actor, AuditEvent, Decision, DisplayName, Email, Role, User, UserId, decide,
};
use waypost_store::{StoreError, UserChange};

use super::{AccountError, Accounts, AccountsParts};

/// What to change of a user; fields that are `None` stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserEdit {
    /// The email address.
    pub email: Option<Email>,
    /// The name, which may be empty.
    pub display_name: Option<DisplayName>,
    /// The role.
    pub role: Option<Role>,
    /// Whether the user is disabled from now on. A user who is already disabled keeps the time
    /// since when.
    pub disabled: Option<bool>,
}

impl UserEdit {
    /// Returns whether the change takes rights away.
    fn takes_rights(&self) -> bool {
        self.role == Some(Role::Member) || self.disabled == Some(true)
    }

    /// Returns whether the change decides who can sign in as whom, or gives rights that would outlive
    /// an API token: those of an admin, or of a user who was disabled.
    const fn changes_credentials(&self) -> bool {
        self.email.is_some()
            || matches!(self.role, Some(Role::Admin))
            || matches!(self.disabled, Some(false))
    }
}

impl Accounts {
    /// Changes a user. Returns the user afterwards; `None` when the user does not exist.
    ///
    /// # Errors
    /// [`AccountError::Oneself`] when it would take rights from the actor,
    /// [`AccountError::AddressInUse`] when another user has the email address,
    /// [`AccountError::SessionRequired`] when an API token would change an email address, make a
    /// user an admin or enable a user.
    pub async fn change_user(
        &self,
        actor: &Actor,
        id: UserId,
        edit: UserEdit,
    ) -> Result<Option<User>, AccountError> {
        if edit.takes_rights() {
            check_other(actor, id)?;
        }
        if edit.changes_credentials() {
            check_session(actor)?;
        }
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let mut change = UserChange {
            email: edit.email,
            display_name: edit.display_name,
            role: edit.role,
            disabled_at: None,
        };
        if let Some(disabled) = edit.disabled {
            let Some(user) = store.user(id).await? else {
                return Ok(None);
            };
            if user.is_disabled() != disabled {
                change.disabled_at = Some(disabled.then(|| clock.now()));
            }
        }
        let before = store.user(id).await?;
        match store.change_user(id, &change).await {
            Err(StoreError::Conflict) => Err(AccountError::AddressInUse),
            Err(error) => Err(error.into()),
            Ok(changed) => {
                if let (Some(before), Some(changed)) = (before, &changed) {
                    self.note_changes(&before, changed).await;
                }
                Ok(changed)
            }
        }
    }

    /// Records what an admin, or a group at the provider, changed of a user.
    pub(super) async fn note_changes(&self, before: &User, after: &User) {
        if before.email != after.email {
            let from = format!("email address was {}", before.email);
            self.note(AuditEvent::UserChanged, after, from).await;
        }
        if before.display_name != after.display_name {
            // The new name first: a long text is cut.
            let (from, to) = (before.display_name.as_str(), after.display_name.as_str());
            let names = format!("name is {to:?}, was {from:?}");
            self.note(AuditEvent::UserChanged, after, names).await;
        }
        if before.role != after.role {
            let (from, to) = (before.role.as_str(), after.role.as_str());
            let roles = format!("{from} to {to}");
            self.note(AuditEvent::RoleChanged, after, roles).await;
        }
        match (before.is_disabled(), after.is_disabled()) {
            (false, true) => self.note(AuditEvent::UserDisabled, after, "").await,
            (true, false) => self.note(AuditEvent::UserEnabled, after, "").await,
            _ => {}
        }
    }

    /// Returns the user with this email address, to whom links of another user are to be
    /// transferred.
    ///
    /// # Errors
    /// [`AccountError::NoHeir`] when no user other than `of` has the email address.
    pub async fn heir(&self, of: UserId, email: &Email) -> Result<User, AccountError> {
        let found = self.0.parts.store.user_by_email(email).await?;
        let found = found.filter(|heir| heir.id != of);
        found.ok_or(AccountError::NoHeir)
    }
}

/// Refuses changes of what users sign in with by an API token.
pub(super) fn check_session(actor: &Actor) -> Result<(), AccountError> {
    match decide(actor, Action::ManageCredentials, None) {
        Decision::SessionRequired => Err(AccountError::SessionRequired),
        _ => Ok(()),
    }
}

/// Refuses to take rights from the actor.
pub(super) fn check_other(actor: &Actor, id: UserId) -> Result<(), AccountError> {
    if actor.user_id() == Some(id) {
        return Err(AccountError::Oneself);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use waypost_core::Credential;
    use waypost_store::Heir;

    use super::super::tests::{Rig, new_user, rig};
    use super::*;

    async fn add(accounts: &Accounts, name: &str) -> User {
        let new = new_user(&format!("{name}@example.com"), Role::Admin);
        accounts.add_user(new).await.unwrap()
    }

    fn admin(user: &User) -> Actor {
        by(user, Credential::Session)
    }

    fn by(user: &User, credential: Credential) -> Actor {
        Actor::User {
            id: user.id,
            role: Role::Admin,
            scopes: "read,write,admin".parse().unwrap(),
            credential,
        }
    }

    #[tokio::test]
    async fn a_token_of_an_admin_changes_no_email_address_makes_nobody_an_admin_and_enables_nobody()
    {
        let Rig { accounts, .. } = rig();
        let (ada, bob) = (add(&accounts, "ada").await, add(&accounts, "bob").await);
        let nothing = UserEdit::default;
        let address = UserEdit {
            email: Some(Email::parse("eve@example.com").unwrap()),
            ..nothing()
        };
        let [promoted, demoted] = [Role::Admin, Role::Member].map(|role| UserEdit {
            role: Some(role),
            ..nothing()
        });
        let [disabled, enabled] = [true, false].map(|disabled| UserEdit {
            disabled: Some(disabled),
            ..nothing()
        });
        for (edit, needs_session) in [
            (demoted, false),
            (disabled, false),
            (enabled, true),
            (promoted, true),
            (address, true),
        ] {
            let token = by(&ada, Credential::Token);
            let changed = accounts.change_user(&token, bob.id, edit.clone()).await;
            let is_refused = matches!(changed, Err(AccountError::SessionRequired));
            assert_eq!(is_refused, needs_session, "{edit:?}: {changed:?}");
            for actor in [admin(&ada), Actor::Operator] {
                let changed = accounts.change_user(&actor, bob.id, edit.clone()).await;
                assert!(changed.unwrap().is_some());
            }
        }
    }

    #[tokio::test]
    async fn nobody_takes_rights_from_themselves() {
        let Rig { accounts, .. } = rig();
        let ada = add(&accounts, "ada").await;
        let disabled = UserEdit {
            disabled: Some(true),
            ..UserEdit::default()
        };
        let demoted = UserEdit {
            role: Some(Role::Member),
            ..UserEdit::default()
        };
        for edit in [disabled, demoted] {
            let changed = accounts
                .change_user(&admin(&ada), ada.id, edit.clone())
                .await;
            assert!(matches!(changed, Err(AccountError::Oneself)), "{changed:?}");
            let changed = accounts.change_user(&Actor::Operator, ada.id, edit).await;
            assert!(changed.unwrap().is_some());
        }
        let deleted = accounts
            .delete_user(&admin(&ada), ada.id, Heir::Nobody, |_| {})
            .await;
        assert!(matches!(deleted, Err(AccountError::Oneself)), "{deleted:?}");
    }

    #[tokio::test]
    async fn who_is_disabled_again_stays_disabled_since_then() {
        let Rig {
            accounts, clock, ..
        } = rig();
        let ada = add(&accounts, "ada").await;
        let set = async |disabled| {
            let edit = UserEdit {
                disabled: Some(disabled),
                ..UserEdit::default()
            };
            let changed = accounts.change_user(&Actor::Operator, ada.id, edit).await;
            changed.unwrap().unwrap().disabled_at
        };
        let since = set(true).await;
        assert!(since.is_some());
        clock.advance(time::Duration::HOUR);
        assert_eq!(set(true).await, since);
        assert_eq!(set(false).await, None);
        assert_ne!(set(true).await, since);
    }

    #[tokio::test]
    async fn an_heir_is_another_user() {
        let Rig { accounts, .. } = rig();
        let (ada, bob) = (add(&accounts, "ada").await, add(&accounts, "bob").await);
        let heir = accounts.heir(ada.id, &bob.email).await.unwrap();
        assert_eq!(heir.id, bob.id);
        let nobody = Email::parse("nobody@example.com").unwrap();
        for email in [&ada.email, &nobody] {
            let heir = accounts.heir(ada.id, email).await;
            assert!(matches!(heir, Err(AccountError::NoHeir)), "{heir:?}");
        }
    }
}

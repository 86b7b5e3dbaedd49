//! Known browsers: a browser with which a user has signed in before keeps a proof of it, and may try
//! passwords of this user when strangers have used up their attempts.
//!
//! The key of the proofs is random, the same on all nodes, and stored in the database by the first
//! node that needs it.

use waypost_core::{BrowserId, BrowserProof, Email, ServerKey, User};
use waypost_store::StoreError;

use super::{Accounts, AccountsParts};

/// A browser with a valid proof for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownBrowser(pub BrowserId);

impl Accounts {
    /// Issues a new proof to a browser with which a user has just signed in. Returns `None` for a
    /// user without a password.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    pub async fn remember_browser(&self, user: &User) -> Result<Option<BrowserProof>, StoreError> {
        let AccountsParts {
            store,
            clock,
            random,
            ..
        } = &self.0.parts;
        let Some(password) = store.password(user.id).await? else {
            return Ok(None);
        };
        let key = self.browser_key().await?;
        let now = clock.now();
        let proof = BrowserProof::issue(key, &user.email, &password, now, &**random);
        Ok(Some(proof))
    }

    /// Returns the browser that presents a proof for the user with an email address, as typed.
    /// Reads users from the store only for a proof that was issued for this email address.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    pub async fn recognise_browser(
        &self,
        email: &str,
        presented: &str,
    ) -> Result<Option<KnownBrowser>, StoreError> {
        let AccountsParts { store, clock, .. } = &self.0.parts;
        let (Ok(email), Ok(proof)) = (Email::parse(email), presented.parse::<BrowserProof>())
        else {
            return Ok(None);
        };
        let key = self.browser_key().await?;
        if !proof.is_of(key, &email, clock.now()) {
            return Ok(None);
        }
        let Some(user) = store.user_by_email(&email).await? else {
            return Ok(None);
        };
        let password = store.password(user.id).await?;
        let is_same = password.is_some_and(|password| proof.is_of_password(key, &password));
        Ok(is_same.then(|| KnownBrowser(proof.id())))
    }

    async fn browser_key(&self) -> Result<&ServerKey, StoreError> {
        let AccountsParts { store, random, .. } = &self.0.parts;
        let read = || async {
            let candidate = ServerKey::generate(&**random);
            store.browser_key(&candidate).await
        };
        self.0.browser_key.get_or_try_init(read).await
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use waypost_core::{Password, Role};
    use waypost_store_testkit::failing::Operation;

    use super::super::tests::{Rig, new_user, rig};
    use super::super::{NewUser, UserEdit};
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_browser_is_known_until_the_password_or_the_email_address_changes() {
        let Rig {
            accounts,
            store,
            clock,
        } = rig();
        let add = async |email: &str| {
            let new = NewUser {
                password: Some(password("correct horse")),
                ..new_user(email, Role::Member)
            };
            accounts.add_user(new).await.unwrap()
        };
        let (ada, eve) = (add("ada@example.com").await, add("eve@example.com").await);
        let remember = async |user| accounts.remember_browser(user).await.unwrap().unwrap();
        let proof = remember(&ada).await;
        let is_known = async |email: &str, proof: BrowserProof| {
            let known = accounts.recognise_browser(email, &proof.to_string()).await;
            known.unwrap() == Some(KnownBrowser(proof.id()))
        };
        assert!(is_known("Ada@example.com", proof).await);
        let read = store.calls(Operation::UserByEmail);
        assert!(!is_known("eve@example.com", proof).await);
        assert!(!is_known("nobody@example.com", proof).await);
        assert_eq!(store.calls(Operation::UserByEmail), read);
        assert_eq!(store.calls(Operation::BrowserKey), 1);
        assert_ne!(remember(&ada).await.id(), proof.id());
        assert!(is_known("eve@example.com", remember(&eve).await).await);

        clock.advance(Duration::days(90) - Duration::SECOND);
        assert!(is_known("ada@example.com", proof).await);
        clock.advance(Duration::SECOND);
        assert!(!is_known("ada@example.com", proof).await);
        let proof = remember(&ada).await;
        let set = accounts.set_password(
            &waypost_core::Actor::Operator,
            ada.id,
            Password::parse("correct horse").unwrap(),
            false,
        );
        set.await.unwrap();
        assert!(!is_known("ada@example.com", proof).await);
        let proof = remember(&ada).await;
        let moved = UserEdit {
            email: Some(Email::parse("countess@example.com").unwrap()),
            ..UserEdit::default()
        };
        let operator = waypost_core::Actor::Operator;
        let moved = accounts.change_user(&operator, ada.id, moved).await;
        assert!(!is_known("ada@example.com", proof).await);
        assert!(!is_known("countess@example.com", proof).await);
        assert!(
            is_known(
                "countess@example.com",
                remember(&moved.unwrap().unwrap()).await
            )
            .await
        );
    }

    #[tokio::test]
    async fn a_user_without_a_password_has_no_known_browser() {
        let Rig { accounts, .. } = rig();
        let user = accounts.add_user(new_user("ada@example.com", Role::Member));
        let remembered = accounts.remember_browser(&user.await.unwrap()).await;
        assert_eq!(remembered.unwrap(), None);
    }
}

//! Deleting users and transferring or deleting their links.

use waypost_core::{Actor, AuditEvent, UserId};
use waypost_store::{Heir, StoreError, Transfer, UserChange};

use super::changes::check_other;
use super::{AccountError, Accounts, AccountsParts};

/// Number of links taken from a user at a time.
const TAKE_BATCH: u32 = 100;
/// Maximum number of attempts to delete a user who becomes an owner of a link at the last moment.
const DELETE_TRIES: usize = 5;

impl Accounts {
    /// Deletes a user and transfers or deletes their links as `links` says; returns `false` when
    /// the user did not exist. The user is disabled first so that they create no more links.
    /// `taken` is called with the number of links so far.
    ///
    /// After a failure half-way, calling it again completes it.
    ///
    /// # Errors
    /// [`AccountError::Oneself`] when the actor is the user, [`AccountError::NoUser`] when the user
    /// to transfer the links to does not exist.
    pub async fn delete_user(
        &self,
        actor: &Actor,
        id: UserId,
        links: Heir,
        mut taken: impl FnMut(u64),
    ) -> Result<bool, AccountError> {
        check_other(actor, id)?;
        let user = self.0.parts.store.user(id).await?;
        let deleted = self.delete(actor.user_id(), id, links, &mut taken).await?;
        if let (true, Some(user)) = (deleted, user) {
            let detail = match links {
                Heir::Nobody => "links deleted".to_owned(),
                Heir::User(heir) => self.links_to(heir).await,
            };
            self.note(AuditEvent::UserDeleted, &user, detail).await;
        }
        if deleted && let Some(resolver) = &self.0.parts.resolver {
            // Lets this process drop their deleted links from the cache now, not with the next poll
            // of the feed. A failure is logged, and the next poll makes up for it.
            let _ = resolver.poll_once().await;
        }
        Ok(deleted)
    }

    async fn links_to(&self, heir: UserId) -> String {
        let heir = self.0.parts.store.user(heir).await.ok().flatten();
        let email = heir.map_or_else(
            || "a deleted user".to_owned(),
            |heir| heir.email.to_string(),
        );
        format!("links to {email}")
    }

    async fn delete(
        &self,
        by: Option<UserId>,
        id: UserId,
        links: Heir,
        taken: &mut impl FnMut(u64),
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
                let transfer = Transfer { by, at };
                let now_taken = store.take_links(id, links, TAKE_BATCH, transfer).await;
                match now_taken {
                    Ok(0) => break,
                    Ok(now_taken) => total += now_taken,
                    Err(StoreError::NotFound) => return Err(AccountError::NoUser),
                    Err(error) => return Err(error.into()),
                }
                taken(total);
            }
            match store.delete_user(id).await {
                // The user became an owner just now.
                Err(StoreError::Conflict) => {}
                deleted => return Ok(deleted?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

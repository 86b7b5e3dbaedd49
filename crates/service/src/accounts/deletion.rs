//! Deleting users, and what becomes of their links.

use waypost_core::{Actor, UserId};
use waypost_store::{Heir, StoreError, Transfer, UserChange};

use super::changes::check_other;
use super::{AccountError, Accounts, AccountsParts};

/// Links that are taken from a user at a time.
const TAKE_BATCH: u32 = 100;
/// So often a user is deleted who owns links again in the last moment.
const DELETE_TRIES: usize = 5;

impl Accounts {
    /// Deletes a user, and does with their links what `links` says; `false` when there was none. They
    /// are disabled first, so that they make no more. `taken` is told the number of links so far.
    ///
    /// What fails half-way is done by doing it again.
    ///
    /// # Errors
    /// [`AccountError::Oneself`] when the actor is the user, [`AccountError::NoUser`] when the user to give the links
    /// to does not exist.
    pub async fn delete_user(
        &self,
        actor: &Actor,
        id: UserId,
        links: Heir,
        mut taken: impl FnMut(u64),
    ) -> Result<bool, AccountError> {
        check_other(actor, id)?;
        let deleted = self.delete(actor.user_id(), id, links, &mut taken).await?;
        if deleted && let Some(resolver) = &self.0.parts.resolver {
            // So that this process forgets their deleted links now, and not with the next reading of the feed. A
            // failure is told in the log, and the next reading makes up for it.
            let _ = resolver.poll_once().await;
        }
        Ok(deleted)
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
                // Somebody made them an owner just now.
                Err(StoreError::Conflict) => {}
                deleted => return Ok(deleted?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

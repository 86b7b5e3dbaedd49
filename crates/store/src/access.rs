//! The port for the owners of links and the users they are shared with. A change of them is a
//! change of the link: [`LinkStore::update_link`](crate::LinkStore::update_link).

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{Invitation, LinkId, LinkOwner, Person, Standing, UserId};

use crate::StoreError;

/// Reads the standing of users to links.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Returns the standing of a user to a link; [`Standing::Stranger`] if one of the two does not
    /// exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn standing(&self, link: LinkId, user: UserId) -> Result<Standing, StoreError>;

    /// Returns the owners of links: for each link the primary owner first, then the others in the
    /// order in which they were added. Links without owners are left out.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn owners_of_links(
        &self,
        links: &[LinkId],
    ) -> Result<BTreeMap<LinkId, Vec<LinkOwner>>, StoreError>;

    /// Returns the users a link is shared with, in the order of their IDs.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn shares_of_link(&self, link: LinkId) -> Result<Vec<Person>, StoreError>;

    /// Returns the invitations to a link, sorted by what they are for, then by email address.
    ///
    /// An invitation waits for a user with its email address: one who is inserted, who gets the
    /// address, or who signs in. From then on it is the invitation of that user, whatever their
    /// address.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn invitations_of_link(&self, link: LinkId) -> Result<Vec<Invitation>, StoreError>;

    /// Returns at most `limit` invitations that a user can accept, newest first (by time, then by
    /// link), with their links. Sharing needs no acceptance and is left out.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn invitations_to(
        &self,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<(LinkId, Invitation)>, StoreError>;

    /// Takes at most `limit` links from an owner, deleted ones included, and returns their number;
    /// 0 when the user no longer owns any. A link with other owners stays with them; if the user
    /// was its primary owner, the next owner becomes the primary one. `to` decides what happens to
    /// links that only this user owns. Each step is a change named by [`LinkEdit`](crate::LinkEdit)
    /// and has its own version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the user to transfer them to does not exist.
    async fn take_links(
        &self,
        from: UserId,
        to: Heir,
        limit: u32,
        transfer: Transfer,
    ) -> Result<u64, StoreError>;
}

/// Who gets the links that are taken from their owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heir {
    /// This user gets them, and also those with other owners of which the former owner was the
    /// primary one.
    User(UserId),
    /// Nobody: they are deleted, have no owner, and can be restored.
    Nobody,
}

/// Who takes links from their owner, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The user who does it; `None` for the operator.
    pub by: Option<UserId>,
    /// The time of the transfer.
    pub at: OffsetDateTime,
}

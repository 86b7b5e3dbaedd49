//! The port for whom links belong to and whom they are shared with. Changes of it are changes of a link:
//! [`LinkStore::update_link`](crate::LinkStore::update_link).

use std::collections::BTreeMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{LinkId, LinkOwner, Person, Standing, UserId};

use crate::StoreError;

/// Knows how users stand to links.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// How a user stands to a link; [`Standing::Stranger`] where one of the two does not exist.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn standing(&self, link: LinkId, user: UserId) -> Result<Standing, StoreError>;

    /// The owners of links: of each the primary one first, then in the order in which they came.
    /// Links without owners are not among them.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn owners_of_links(
        &self,
        links: &[LinkId],
    ) -> Result<BTreeMap<LinkId, Vec<LinkOwner>>, StoreError>;

    /// Whom a link is shared with, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn shares_of_link(&self, link: LinkId) -> Result<Vec<Person>, StoreError>;

    /// Takes at most `limit` links from an owner, deleted ones included, and gives back their number;
    /// 0 when they own none any more. A link that they own together with others stays the others', and
    /// where they were its primary owner the next one becomes it. What becomes of those that are theirs
    /// alone is said by `to`. It is made of changes as [`LinkEdit`](crate::LinkEdit) names them, each of
    /// which has its version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the user to give them to does not exist.
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
    /// They are given to this user; so are those that others own together with the one they are taken
    /// from, where that was the primary owner.
    User(UserId),
    /// They are deleted, can be restored, and have no owner then.
    Nobody,
}

/// Who takes links from their owner, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Who; `None` for the operator.
    pub by: Option<UserId>,
    /// When.
    pub at: OffsetDateTime,
}

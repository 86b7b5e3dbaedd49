//! The port for links.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    Email, InvitedAs, Link, LinkContent, LinkCursor, LinkId, LinkVersion, Page, PageRequest,
    ShortCode, UserId,
};

use crate::StoreError;

/// Keeps links: their short codes and destinations, their other settings, and their history. Each
/// change of a link adds to its history, and to the change feed
/// ([`ChangeStore`](crate::ChangeStore)) for each of its codes, in its own transaction.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Inserts the first version of a link, with its primary owner or without one. The owner is
    /// also recorded as its creator. Its clicks start at 0; `link.clicks`, `link.version`,
    /// `link.updated_at` and `link.deleted_at` are ignored.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its code (in any spelling) or ID is in use, or when a keyword
    /// is in the way: its code continues that of a keyword, or it is a keyword whose code longer
    /// codes continue. [`StoreError::NotFound`] when the user does not exist.
    async fn insert_link(&self, link: &Link, owner: Option<UserId>) -> Result<(), StoreError>;

    /// Finds a link, deleted or not.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError>;

    /// Finds the link that has a code, or had it before, in any spelling. A deleted link is not
    /// found.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn link_by_code(&self, code: &ShortCode) -> Result<Option<Link>, StoreError>;

    /// Returns the link that keeps others from having a code: it has or had the code, deleted or
    /// not, or it is a keyword that the code continues.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn holder_of_code(&self, code: &ShortCode) -> Result<Option<LinkId>, StoreError>;

    /// Finds the link that has a code, as [`LinkStore::link_by_code`] does, and whether longer
    /// codes continue it.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn code_route(&self, code: &ShortCode) -> Result<CodeRoute, StoreError>;

    /// Returns the code of a link and its former codes, in alphabetical order whatever their
    /// spelling. Returns no codes if the link does not exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn codes_of_link(&self, id: LinkId) -> Result<Vec<ShortCode>, StoreError>;

    /// Changes a link whose newest version is `update.version`, and returns it as changed.
    ///
    /// A code that is given up stays with the link. A no-op update still creates a version. Of old
    /// versions, only some are kept: see [`superseded`](crate::superseded). A change ends the
    /// invitations that no longer hold: see [`Invitations::settle`](crate::Invitations::settle).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the new code belongs to another link, or a keyword is in the
    /// way as in [`LinkStore::insert_link`]; [`StoreError::NotFound`] when the user who becomes an
    /// owner or with whom it is shared does not exist.
    async fn update_link(&self, update: &LinkUpdate) -> Result<Updated, StoreError>;

    /// Returns at most `limit` versions of a link below number `before` (`None`: from the newest
    /// one), newest first. Links that are older than the history lack their first version.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn link_versions(
        &self,
        id: LinkId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<LinkVersion>, StoreError>;

    /// Returns a page of links that are not deleted, newest first (by `created_at`, then `id`),
    /// with their total number.
    ///
    /// # Errors
    /// [`StoreError`] as for any read; a page after the last one is empty, not an error.
    async fn links_page(&self, of: PageOf, page: PageRequest) -> Result<Page<Link>, StoreError>;

    /// Returns at most `limit` links that are not deleted after a cursor (`None`: from the newest
    /// one), newest first.
    ///
    /// While links are inserted and deleted, no link appears twice and none that stays is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn links_after(
        &self,
        cursor: Option<LinkCursor>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// Permanently deletes a link, with its codes, history, clicks and rollups. Returns `false`
    /// when it did not exist.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn delete_link(&self, id: LinkId) -> Result<bool, StoreError>;

    /// Counts the links that were deleted before `before` and can still be restored.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn deleted_links_before(&self, before: OffsetDateTime) -> Result<u64, StoreError>;

    /// Returns the first link in the order of IDs that was deleted before `before`: the one that
    /// [`purge_deleted_links`](Self::purge_deleted_links) deletes next.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn first_deleted_link(
        &self,
        before: OffsetDateTime,
    ) -> Result<Option<LinkId>, StoreError>;

    /// Permanently deletes at most `limit` links that were deleted before `before`, in the order of
    /// their IDs, and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn purge_deleted_links(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

/// The link of a code, and what routing needs to know of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeRoute {
    /// The link that has the code.
    pub link: Option<Link>,
    /// Whether the destination of the link is on the blocklist.
    pub is_blocked: bool,
    /// Whether links, deleted ones included, have longer codes that continue the segments of this
    /// one.
    pub has_longer: bool,
}

/// Which links [`LinkStore::links_page`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOf {
    /// All links.
    All,
    /// The links that this user owns, alone or with others.
    Owner(UserId),
    /// The links without an owner.
    Nobody,
}

/// A change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUpdate {
    /// The link to change.
    pub link: LinkId,
    /// The version it must have; if it has another one by now, nothing is changed.
    pub version: u32,
    /// Who changes it; `None` for the operator and for anonymous callers.
    pub by: Option<UserId>,
    /// The time of the change.
    pub at: OffsetDateTime,
    /// The change.
    pub edit: LinkEdit,
}

/// The kind of change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEdit {
    /// Sets everything that its owners decide.
    Content(LinkContent),
    /// Deletes it so that it can be restored.
    Delete,
    /// Restores it, with this content.
    Restore(LinkContent),
    /// Makes this user an owner, the primary one if there is none. It is then no longer shared with
    /// them.
    AddOwner(UserId),
    /// Makes this user the primary owner, whether they are an owner or not. The former primary
    /// owner stays an owner. It is then no longer shared with this user.
    MakePrimary(UserId),
    /// Removes this user from the owners. If they were the primary owner, the owner who was added
    /// first becomes the primary one.
    RemoveOwner(UserId),
    /// Shares it with this user, unless they own it.
    Share(UserId),
    /// Stops sharing it with this user, and ends their invitations to see it.
    Unshare(UserId),
    /// Invites an email address, unless it is already invited for the same. If a user has the
    /// address, an invitation to see the link shares it with them at once, unless they own it.
    Invite(InvitedAs, Email),
    /// Ends an invitation, and the sharing that came from it.
    Uninvite(InvitedAs, Email),
}

/// The result of a change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "callers match on it at once")]
pub enum Updated {
    /// It was changed; this is the link afterwards.
    Done(Link),
    /// It has another version: another change came first.
    Stale,
    /// The link does not exist.
    Missing,
}

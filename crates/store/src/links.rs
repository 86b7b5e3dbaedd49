//! The port for links.

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{
    Link, LinkContent, LinkCursor, LinkId, LinkVersion, Page, PageRequest, ShortCode, UserId,
};

use crate::StoreError;

/// Keeps links: the mapping of short codes to target URLs, what else is decided about a link, and its
/// history. Each change of a link adds to its history, and for each of its codes to the change feed
/// ([`ChangeStore`](crate::ChangeStore)), in its own transaction.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Inserts the first version of a link, whose clicks start at 0 (whatever `link.clicks`,
    /// `link.version`, `link.updated_at` and `link.deleted_at` say), with its primary owner or without
    /// one, who is also the one that made it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its code (in any spelling) or id is taken, and when a keyword would
    /// stand in the way: one that its code goes on from, or this one in that of longer codes.
    /// [`StoreError::NotFound`] when there is no such user.
    async fn insert_link(&self, link: &Link, owner: Option<UserId>) -> Result<(), StoreError>;

    /// Finds a link, deleted or not.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError>;

    /// Finds the link that has a code, or had it before, whatever its spelling. One that is deleted is
    /// not found.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn link_by_code(&self, code: &ShortCode) -> Result<Option<Link>, StoreError>;

    /// The link because of which no other one can have a code: it has the code or had it, deleted or not, or
    /// it is a keyword that the code goes on from.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn holder_of_code(&self, code: &ShortCode) -> Result<Option<LinkId>, StoreError>;

    /// Finds the link that has a code, as [`LinkStore::link_by_code`], and whether there are codes that go
    /// on from it.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn code_route(&self, code: &ShortCode) -> Result<CodeRoute, StoreError>;

    /// The code of a link and those that it had before, in the order of the alphabet, however they are
    /// spelled. None when there is no such link.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn codes_of_link(&self, id: LinkId) -> Result<Vec<ShortCode>, StoreError>;

    /// Changes a link of which version `update.version` is the newest, and gives back what it is then.
    ///
    /// A code that is given up stays with the link. A change after which nothing is different is one
    /// nevertheless: it has its version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the new code is another link's, or a keyword stands in the way as with
    /// [`LinkStore::insert_link`]; [`StoreError::NotFound`] when the
    /// user whom it is given to or shared with does not exist.
    async fn update_link(&self, update: &LinkUpdate) -> Result<Updated, StoreError>;

    /// At most `limit` versions of a link below number `before` (from the newest on without one), newest
    /// first. Links that are older than their history have none of their first one.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn link_versions(
        &self,
        id: LinkId,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<LinkVersion>, StoreError>;

    /// A page of links that are not deleted, newest first (by `created_at`, then `id`), with their
    /// number.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up; a page behind the last one is empty, not an error.
    async fn links_page(&self, of: PageOf, page: PageRequest) -> Result<Page<Link>, StoreError>;

    /// At most `limit` links that are not deleted behind a cursor (from the newest on without one),
    /// newest first.
    ///
    /// While links are inserted and deleted, none is shown twice and none that stayed is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn links_after(
        &self,
        cursor: Option<LinkCursor>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// Deletes a link for good, with its codes, its history, its clicks and rollups. `false` when there
    /// was none.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn delete_link(&self, id: LinkId) -> Result<bool, StoreError>;

    /// How many links have been deleted before `before`, and can still be restored.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn deleted_links_before(&self, before: OffsetDateTime) -> Result<u64, StoreError>;

    /// Deletes for good at most `limit` links that have been deleted before `before`, and gives back
    /// their number.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn purge_deleted_links(
        &self,
        before: OffsetDateTime,
        limit: u32,
    ) -> Result<u64, StoreError>;
}

/// What a code leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeRoute {
    /// The link that has the code.
    pub link: Option<Link>,
    /// Whether the blocklist has the host that the link leads to.
    pub is_blocked: bool,
    /// Whether links, deleted ones included, have codes of more segments that begin with those of this one.
    pub has_longer: bool,
}

/// Which links [`LinkStore::links_page`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOf {
    /// All.
    All,
    /// Those that this user owns, alone or with others.
    Owner(UserId),
    /// Those that nobody owns.
    Nobody,
}

/// A change of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUpdate {
    /// Which one.
    pub link: LinkId,
    /// The version that it has; where it has another one by now, nothing is changed.
    pub version: u32,
    /// Who changes it; `None` for the operator and for nobody in particular.
    pub by: Option<UserId>,
    /// When.
    pub at: OffsetDateTime,
    /// What is changed.
    pub edit: LinkEdit,
}

/// What is changed of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEdit {
    /// All that its owners decide.
    Content(LinkContent),
    /// It is deleted, and can be restored.
    Delete,
    /// It is not deleted any more, and has this content.
    Restore(LinkContent),
    /// This user becomes an owner: the primary one where there is none. It is not shared with them any
    /// more.
    AddOwner(UserId),
    /// This user becomes the primary owner, whether they were an owner or not; who was it stays an
    /// owner. It is not shared with them any more.
    MakePrimary(UserId),
    /// This user is no owner any more. Who has been an owner for longest after them becomes the primary
    /// one where it was them.
    RemoveOwner(UserId),
    /// It is shared with this user, unless they own it.
    Share(UserId),
    /// It is not shared with this user any more.
    Unshare(UserId),
}

/// How a change of a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it arrives"
)]
pub enum Updated {
    /// It was changed, and is like this now.
    Done(Link),
    /// It has another version: somebody else was quicker.
    Stale,
    /// There is no such link.
    Missing,
}

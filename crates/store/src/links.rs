//! The port for links.

use async_trait::async_trait;
use waypost_core::{Link, LinkCursor, LinkId, Page, PageRequest, ShortCode};

use crate::StoreError;

/// Keeps links: the mapping of short codes to target URLs. Each change of a link adds to the change
/// feed ([`ChangeStore`](crate::ChangeStore)) in its own transaction.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Inserts a link whose clicks start at 0 (whatever `link.clicks` says).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its code (in any spelling) or id is taken.
    async fn insert_link(&self, link: &Link) -> Result<(), StoreError>;

    /// Finds the link of a code, whatever its spelling.
    ///
    /// # Errors
    /// [`StoreError`] other than `NotFound`, which is `Ok(None)`.
    async fn link_by_code(&self, code: &ShortCode) -> Result<Option<Link>, StoreError>;

    /// A page of all links, newest first (by `created_at`, then `id`), with their number.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up; a page behind the last one is empty, not an error.
    async fn links_page(&self, page: PageRequest) -> Result<Page<Link>, StoreError>;

    /// At most `limit` links behind a cursor (from the newest on without one), newest first.
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

    /// Deletes a link with its clicks and rollups. `false` when there was none.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn delete_link(&self, id: LinkId) -> Result<bool, StoreError>;

    /// How much the store holds.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn counts(&self) -> Result<Counts, StoreError>;
}

/// How much a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Links.
    pub links: u64,
    /// Users.
    pub users: u64,
}

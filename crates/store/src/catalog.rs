//! The port for finding links: lists with filters, search, and tags.

use async_trait::async_trait;
use waypost_core::{
    Link, LinkOrder, LinkPlace, NearCodes, SearchWord, ShortCode, Tag, TargetUrl, UserId,
    Visibility,
};

use crate::StoreError;

/// Finds links.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// Returns at most `query.limit` links that match a query, in its order.
    ///
    /// While links are inserted and deleted, no link appears twice and none that stays is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn list_links(&self, query: &LinkQuery) -> Result<Vec<Link>, StoreError>;

    /// Returns at most `limit` tags after `after` (`None`: from the first one), in order: the tags
    /// of links that are not deleted and that `reader` can see.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn tags(
        &self,
        reader: LinkReader,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<Tag>, StoreError>;

    /// Returns at most `limit` keywords after `after` (`None`: from the first one) that are not
    /// deleted, in the order of their codes.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn keywords(
        &self,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// Returns the links whose code is one of [`NearCodes::exact`], and the first `limit` of those
    /// whose code begins with [`NearCodes::beginning`]. The links are not deleted, visible to
    /// `reader`, each listed once, in the order of their codes.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn near_links(
        &self,
        reader: LinkReader,
        near: &NearCodes,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// Indexes for search at most `limit` links that an earlier release stored or changed, whose
    /// words followed other rules. Returns their number; 0 when all links are indexed. Several
    /// processes may do this at once, and each goes on where another stopped.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn index_links(&self, limit: u32) -> Result<u64, StoreError>;

    /// Returns the number of links that [`index_links`](Self::index_links) has yet to index.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn links_to_index(&self) -> Result<u64, StoreError>;
}

/// The reader for whom a list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkReader {
    /// An admin, who sees all links.
    All,
    /// A user, who sees public links, their own, and those shared with them.
    User(UserId),
    /// A user who looks for their own links and those shared with them only.
    Involved(UserId),
}

/// Which links to list. Fields that are `None` or empty do not restrict the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkQuery {
    /// The reader of the list.
    pub reader: LinkReader,
    /// Each of these words must match.
    pub words: Vec<SearchWord>,
    /// The links have this tag.
    pub tag: Option<Tag>,
    /// This user owns the links, alone or with others.
    pub owner: Option<UserId>,
    /// The links have exactly this destination.
    pub target: Option<TargetUrl>,
    /// The links have this visibility.
    pub visibility: Option<Visibility>,
    /// `true`: deleted links; `false`: links that are not deleted.
    pub deleted: bool,
    /// The order of the list.
    pub order: LinkOrder,
    /// The links come after this place, which must be of the same order.
    pub after: Option<LinkPlace>,
    /// Maximum number of links.
    pub limit: u32,
}

impl LinkQuery {
    /// Returns a query for the newest links that a reader can see.
    #[must_use]
    pub const fn newest(reader: LinkReader, limit: u32) -> Self {
        Self {
            reader,
            words: Vec::new(),
            tag: None,
            owner: None,
            target: None,
            visibility: None,
            deleted: false,
            order: LinkOrder::NewestFirst,
            after: None,
            limit,
        }
    }
}

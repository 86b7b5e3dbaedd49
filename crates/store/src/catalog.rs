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
    /// At most `query.limit` links that a query finds, in its order.
    ///
    /// While links are inserted and deleted, none is shown twice and none that stayed is skipped.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn list_links(&self, query: &LinkQuery) -> Result<Vec<Link>, StoreError>;

    /// At most `limit` tags behind `after` (from the first on without one), in order: those of links
    /// that are not deleted and that `reader` may see.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn tags(
        &self,
        reader: LinkReader,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<Tag>, StoreError>;

    /// At most `limit` keywords that are not deleted behind `after` (from the first on without one), in the
    /// order of their codes.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn keywords(
        &self,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// The links whose code is one of [`NearCodes::exact`], and the first `limit` of those whose code begins with
    /// [`NearCodes::beginning`]: what is not deleted and `reader` may see, each once, in the order of their codes.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn near_links(
        &self,
        reader: LinkReader,
        near: &NearCodes,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;

    /// Makes at most `limit` links findable that were stored before there was a search, and gives back
    /// their number; 0 when all are.
    ///
    /// # Errors
    /// [`StoreError`] as any change.
    async fn index_links(&self, limit: u32) -> Result<u64, StoreError>;
}

/// Whose eyes a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkReader {
    /// Those of an admin, who sees all links.
    All,
    /// Those of a user, who sees the public ones, their own, and those that are shared with them.
    User(UserId),
    /// Those of a user who looks for what they have a part in: their own, and what is shared with them.
    Involved(UserId),
}

/// Which links to list. What is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkQuery {
    /// Whose eyes it is for.
    pub reader: LinkReader,
    /// They are found by each of these words.
    pub words: Vec<SearchWord>,
    /// They have this tag.
    pub tag: Option<Tag>,
    /// This user owns them, alone or with others.
    pub owner: Option<UserId>,
    /// They lead to exactly this target.
    pub target: Option<TargetUrl>,
    /// This is whom they are for.
    pub visibility: Option<Visibility>,
    /// `true`: those that are deleted; `false`: those that are not.
    pub deleted: bool,
    /// The order of the list.
    pub order: LinkOrder,
    /// They stand behind this place, which is one of the same order.
    pub after: Option<LinkPlace>,
    /// So many at the most.
    pub limit: u32,
}

impl LinkQuery {
    /// The newest links that a reader may see.
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

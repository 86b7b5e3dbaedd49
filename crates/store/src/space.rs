//! The port for the disk space of the database.

use async_trait::async_trait;

use crate::StoreError;

/// Releases the disk space of deleted rows.
///
/// Only an embedded database needs this: a database server releases or reuses space itself.
#[async_trait]
pub trait SpaceStore: Send + Sync {
    /// Returns the size of the database's file, and how much of it is unused. Returns `None` if the
    /// database releases space itself.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn space(&self) -> Result<Option<Space>, StoreError>;

    /// Releases at most `pages` unused pages at the end of the file to the file system, in one
    /// transaction that moves used pages from there. Returns the number of released pages: 0 when
    /// none is left, or when the file cannot be made smaller this way ([`Space::shrinks`]). The
    /// file becomes smaller once no reader needs an older state of it, at the latest after the call
    /// that returns 0.
    ///
    /// # Errors
    /// [`StoreError`] as for any write.
    async fn release_space(&self, pages: u32) -> Result<u64, StoreError>;
}

/// The size of a database's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Size of a page in bytes.
    pub page_bytes: u64,
    /// Number of pages, the unused ones included.
    pub pages: u64,
    /// Number of pages that deleted rows left, and that new rows will use.
    pub unused: u64,
    /// Whether unused pages can be released in steps. A file of an older version must be rewritten
    /// once.
    pub shrinks: bool,
}

impl Space {
    /// Returns the size of the file in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.pages.saturating_mul(self.page_bytes)
    }

    /// Returns the size of the unused pages in bytes.
    #[must_use]
    pub const fn unused_bytes(self) -> u64 {
        self.unused.saturating_mul(self.page_bytes)
    }
}

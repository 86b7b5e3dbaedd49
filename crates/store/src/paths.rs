//! The port for codes that continue the code of another link, as `jira/abc` continues `jira`.

use async_trait::async_trait;
use waypost_core::{LinkId, ShortCode};

use crate::StoreError;

/// Finds the links above and below codes. Former codes and those of deleted links and of keywords
/// count like present ones.
#[async_trait]
pub trait PathStore: Send + Sync {
    /// Returns the code that is the longest beginning of a code, before one of its slashes. Reads
    /// nothing for a code without a slash.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn code_above(&self, code: &ShortCode) -> Result<Option<LinkedCode>, StoreError>;

    /// Returns at most `limit` codes of other links after `after` (`None`: from the first one) that
    /// continue one of the codes of a link, in alphabetical order.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn codes_below(
        &self,
        link: LinkId,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<LinkedCode>, StoreError>;

    /// Returns at most `limit` codes after `after` (`None`: from the first one) that continue a
    /// code of another link, in alphabetical order, each with the longest such code.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn nested_codes(
        &self,
        after: Option<&ShortCode>,
        limit: u32,
    ) -> Result<Vec<NestedCode>, StoreError>;
}

/// A code and its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedCode {
    /// The code.
    pub code: ShortCode,
    /// The link that has the code, or had it.
    pub link: LinkId,
    /// Whether the link is a keyword.
    pub is_keyword: bool,
}

/// A code below the code of another link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedCode {
    /// The code, and its link.
    pub below: LinkedCode,
    /// The longest code that it continues, and its link.
    pub above: LinkedCode,
}

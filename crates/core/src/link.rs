//! Links: a short code and where it leads.

use time::OffsetDateTime;

use crate::{LinkId, ShortCode, TargetUrl};

/// A short link as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its identity; the code may change, this does not.
    pub id: LinkId,
    /// What visitors type.
    pub code: ShortCode,
    /// Where it leads.
    pub target: TargetUrl,
    /// All clicks ever counted, purged ones included.
    pub clicks: u64,
    /// When it was made, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
}

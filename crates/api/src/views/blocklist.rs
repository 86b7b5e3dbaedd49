//! The blocklist, as the API and pages show it.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_store::BlockedHost;

/// An entry of the blocklist; `linkctl --json` prints the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BlockedHost)]
pub struct BlockedRecord {
    /// A host, or with `*.` before it, all its subdomains without the host itself.
    #[schema(example = "*.example.com", min_length = 1, max_length = 255)]
    pub(crate) pattern: String,
    /// The reason; may be empty.
    #[schema(max_length = 200)]
    pub(crate) reason: String,
    /// The ID of the user who added the entry; `null` for the operator and for deleted users.
    #[schema(format = "uuid")]
    pub(crate) created_by: Option<String>,
    /// When the entry was added (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

impl From<&BlockedHost> for BlockedRecord {
    fn from(blocked: &BlockedHost) -> Self {
        Self {
            pattern: blocked.pattern.as_str().to_owned(),
            reason: blocked.reason.as_str().to_owned(),
            created_by: blocked.created_by.map(|user| user.to_string()),
            created_at: blocked.created_at,
        }
    }
}

/// A page of the blocklist, in the order of the patterns.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Blocklist {
    pub(crate) blocklist: Vec<BlockedRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

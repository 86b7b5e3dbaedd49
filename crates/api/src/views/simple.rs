//! A link, as the simple API shows it; `linkctl --json` adds fields.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::Link;
use waypost_service::Shortener;

/// A link and its clicks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Link)]
pub struct LinkRecord {
    /// The code, in the spelling of its owner; upper and lower case mean the same link.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    short_code: String,
    /// The destination: a URL, in which `$name` and `{slug}` are filled with parts of the visitor's
    /// path.
    #[schema(example = "https://example.com/", max_length = 2048)]
    original_url: String,
    /// Number of all clicks.
    #[schema(example = 5)]
    clicks: u64,
    /// When the link was created, in UTC (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// The short link.
    #[schema(example = "http://localhost:8080/Team-Wiki", format = "uri")]
    short_url: String,
}

impl LinkRecord {
    /// Creates the record of a link of this shortener.
    #[must_use]
    pub fn new(link: &Link, shortener: &Shortener) -> Self {
        Self {
            short_code: link.code.spelling().to_owned(),
            original_url: link.target.as_str().to_owned(),
            clicks: link.clicks,
            created_at: link.created_at,
            short_url: shortener.short_url(link),
        }
    }
}

//! Keywords, as the API and pages show them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::Link;
use waypost_service::Shortener;

/// A keyword; `linkctl --json` prints the same. It is a link, too, with the same ID.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keyword)]
pub struct KeywordRecord {
    /// The ID of the keyword, also as a link: see `/api/v1/links/{id}`.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// The word.
    #[schema(example = "gh", min_length = 1, max_length = 64)]
    pub(crate) keyword: String,
    /// The destination; `{slug}` is filled with the rest of the path.
    #[schema(example = "https://github.com/{slug}", max_length = 2048)]
    pub(crate) url: String,
    /// The short link, without the rest of the path.
    #[schema(example = "http://localhost:8080/gh", format = "uri")]
    pub(crate) short_url: String,
    /// The title; may be empty.
    #[schema(max_length = 200)]
    pub(crate) title: String,
    /// The description; may be empty.
    #[schema(max_length = 2000)]
    pub(crate) description: String,
    /// Whether the query of the visitor is added to that of the destination.
    pub(crate) forward_query: bool,
    /// Number of all clicks.
    pub(crate) clicks: u64,
    /// When the keyword was created (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
    /// When the keyword was last changed (RFC 3339). A click is not a change.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
}

impl KeywordRecord {
    /// Creates the record of a keyword of this shortener.
    #[must_use]
    pub fn new(keyword: &Link, shortener: &Shortener) -> Self {
        let details = &keyword.details;
        Self {
            id: keyword.id.to_string(),
            keyword: keyword.code.spelling().to_owned(),
            url: keyword.target.as_str().to_owned(),
            short_url: shortener.short_url(keyword),
            title: details.title.as_str().to_owned(),
            description: details.description.as_str().to_owned(),
            forward_query: details.forward_query,
            clicks: keyword.clicks,
            created_at: keyword.created_at,
            updated_at: keyword.updated_at,
        }
    }
}

/// A page of keywords, in alphabetical order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeywordList {
    pub(crate) keywords: Vec<KeywordRecord>,
    /// Cursor of the next page; `null` on the last page.
    pub(crate) next_cursor: Option<String>,
}

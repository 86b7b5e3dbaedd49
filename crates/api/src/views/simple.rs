//! A link, as the simple API shows it; `linkctl --json` adds fields.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use waypost_core::Link;
use waypost_service::Shortener;

use super::links::placeholders;

/// A link and its clicks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Link)]
pub struct LinkRecord {
    /// The code, in the spelling of its owner; upper and lower case mean the same link.
    #[schema(example = "Team-Wiki", min_length = 1, max_length = 64)]
    short_code: String,
    /// The destination: a URL. If the link is a template, each `$name` in it is filled with a part of
    /// the visitor's path; if it is a keyword, `{slug}` is filled with the rest of the path.
    #[schema(example = "https://example.com/", max_length = 2048)]
    original_url: String,
    /// Whether the link is a template, in whose URL each `$name` is filled.
    template: bool,
    /// The names that were found in the URL, each after a `$`, in the order in which the segments of
    /// a visitor's path fill them if `template` is `true`; empty for a keyword.
    #[schema(example = json!(["ticket"]))]
    placeholders: Vec<String>,
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
            template: link.details.template,
            placeholders: placeholders(link),
            clicks: link.clicks,
            created_at: link.created_at,
            short_url: shortener.short_url(link),
        }
    }
}

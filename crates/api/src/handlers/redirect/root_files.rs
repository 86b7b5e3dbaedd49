//! Files at well-known paths, which crawlers and browsers request at the root of a server.

use std::fmt::Write as _;
use std::time::Instant;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::json;

use crate::assets;
use crate::request::access::{self, LogLevel, RequestId};
use crate::state::State;

/// Browsers and crawlers may cache the files for a day.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootFile {
    /// The paths that crawlers should leave out (RFC 9309).
    Robots,
    /// How to search from the address bar (`OpenSearch` 1.1).
    OpenSearch,
    /// How to install the dashboard as an application and share pages with it (W3C, Web Application
    /// Manifest).
    Manifest,
}

/// The `OpenSearch` description.
#[derive(Template)]
#[template(path = "opensearch.xml")]
struct OpenSearch {
    dashboard: String,
    this: String,
    icon: String,
}

impl RootFile {
    pub(crate) const ALL: [Self; 3] = [Self::Robots, Self::OpenSearch, Self::Manifest];

    /// Returns the path of the file.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Robots => "/robots.txt",
            Self::OpenSearch => "/opensearch.xml",
            Self::Manifest => "/manifest.webmanifest",
        }
    }

    /// Returns the file with this path.
    pub(crate) fn named(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.path() == path)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Robots => "text/plain; charset=utf-8",
            Self::OpenSearch => "application/opensearchdescription+xml",
            Self::Manifest => "application/manifest+json",
        }
    }

    fn content(self, state: &State) -> String {
        match self {
            Self::Robots => robots(state.site().base()),
            Self::OpenSearch => {
                let template = OpenSearch {
                    dashboard: state.absolute("/dashboard"),
                    this: state.absolute(self.path()),
                    icon: state.absolute(&assets::address("", "icon-192.png")),
                };
                template.render().unwrap_or_default()
            }
            Self::Manifest => manifest(state.site().base()).to_string(),
        }
    }

    /// Responds with the file.
    pub(crate) fn answer(
        self,
        request: &HttpRequest,
        state: &State,
        started: Instant,
    ) -> HttpResponse {
        let mut response = HttpResponse::Ok()
            .content_type(self.media_type())
            .insert_header((header::CACHE_CONTROL, CACHING))
            .body(self.content(state));
        let id = RequestId::of(request.headers(), state.random());
        id.span().in_scope(|| {
            access::write_line(request, response.status(), None, started, LogLevel::Debug);
        });
        id.complete(&mut response);
        response
    }
}

/// Allows crawlers to follow short links, including those that begin like a path of the server, and
/// excludes the pages, the API and previews.
fn robots(base: &str) -> String {
    let pages = [
        "admin",
        "api",
        "auth",
        "dashboard",
        "links",
        "settings",
        "setup",
        "urls",
    ];
    let mut text = String::from("User-agent: *\n");
    for page in pages {
        for end in ["$", "/", "?"] {
            let _ = writeln!(text, "Disallow: {base}/{page}{end}");
        }
    }
    let _ = writeln!(text, "Disallow: {base}/*+$");
    text
}

fn manifest(base: &str) -> serde_json::Value {
    let icon = |name: &str, sizes: &str, media_type: &str, purpose: &str| {
        json!({
            "src": assets::address(base, name),
            "sizes": sizes,
            "type": media_type,
            "purpose": purpose,
        })
    };
    json!({
        "id": format!("{base}/dashboard"),
        "name": "Waypost",
        "short_name": "Waypost",
        "description": "Short links",
        "lang": "en",
        "start_url": format!("{base}/dashboard"),
        "scope": format!("{base}/"),
        "display": "minimal-ui",
        "theme_color": "#ffce2e",
        "background_color": "#faf8f3",
        "icons": [
            icon("icon.svg", "any", "image/svg+xml", "any"),
            icon("icon-192.png", "192x192", "image/png", "any"),
            icon("icon-512.png", "512x512", "image/png", "any"),
            icon("icon-maskable.png", "512x512", "image/png", "maskable"),
        ],
        "share_target": {
            "action": format!("{base}/dashboard"),
            "method": "GET",
            "enctype": "application/x-www-form-urlencoded",
            "params": { "title": "title", "text": "text", "url": "target" },
        },
        "shortcuts": [
            { "name": "Public links", "url": format!("{base}/links") },
        ],
    })
}

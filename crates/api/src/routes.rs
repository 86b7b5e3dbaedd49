//! The routes: one table, from which everything else about them follows.
//!
//! From [`ROUTES`] come the configuration of actix, the words that cannot be short codes
//! ([`reserved_words`]) and the `Allow` header of the answer to a method that is not allowed. To add
//! a route, write its handler (a file in `handlers`), add its row here and its path to
//! [`crate::openapi`]; tests hold the table, the document and the reserved words together.
//!
//! - A `GET` route answers `HEAD` too, with the same headers (RFC 9110 §9.3.2).
//! - A slash at the end of a path changes nothing: `/{code}/` is what some programs make of
//!   `/{code}`, and both mean the same link.
//! - Paths are matched as they are written; only codes are matched without regard to case.
//! - The first row that matches answers. The one-word paths come first, because `/{code}` would
//!   match them; the longer ones come after `/{code}`, which cannot match them, so that a redirect
//!   is not compared with them.

use std::collections::BTreeSet;
use std::time::Instant;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, Resource, Route, guard, web};
use waypost_core::ReservedWords;

use crate::access::{observe, observe_quietly};
use crate::error_page;
use crate::errors::ApiError;
use crate::handlers::{delete, docs, health, list, metrics, redirect, shorten, stats};
use crate::state::State;

/// One operation under one path.
struct Row {
    method: Method,
    path: &'static str,
    kind: Kind,
    handler: fn() -> Route,
    purpose: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// `GET` and `HEAD`.
    Get,
    Post,
    Delete,
}

impl Method {
    /// The methods of HTTP that the row answers, as in an `Allow` header.
    const fn names(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    fn route(self, route: Route) -> Route {
        match self {
            Self::Get => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => route.guard(guard::Post()),
            Self::Delete => route.guard(guard::Delete()),
        }
    }
}

/// What stands around a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: it is what the server does all day. It takes care of its own errors.
    Redirect,
    /// A request id and a line in the log.
    Operation,
    /// The same, with a line only at level `debug`: machines ask every few seconds.
    Probe,
    /// As [`Kind::Probe`], for the pages that describe the others and are not in the description.
    Documentation,
}

const METRICS: &str = "/metrics";

#[rustfmt::skip]
const ROUTES: &[Row] = &[
    Row { method: Method::Post,   path: "/shorten",           kind: Kind::Operation,     handler: || web::to(shorten::answer),  purpose: "Makes a short link" },
    Row { method: Method::Get,    path: "/urls",              kind: Kind::Operation,     handler: || web::to(list::answer),     purpose: "Lists the links, newest first" },
    Row { method: Method::Get,    path: "/health",            kind: Kind::Probe,         handler: || web::to(health::alive),    purpose: "Says that the server runs" },
    Row { method: Method::Get,    path: METRICS,              kind: Kind::Probe,         handler: || web::to(metrics::answer),  purpose: "Shows the metrics in Prometheus' text format" },
    Row { method: Method::Get,    path: "/{code}",            kind: Kind::Redirect,      handler: || web::to(redirect::answer), purpose: "Leads to the target of a link, and counts the click" },
    Row { method: Method::Delete, path: "/urls/{code}",       kind: Kind::Operation,     handler: || web::to(delete::answer),   purpose: "Deletes a link with its clicks" },
    Row { method: Method::Get,    path: "/urls/{code}/stats", kind: Kind::Operation,     handler: || web::to(stats::answer),    purpose: "Shows a link and its clicks" },
    Row { method: Method::Get,    path: "/health/ready",      kind: Kind::Probe,         handler: || web::to(health::ready),    purpose: "Says whether the database answers" },
    Row { method: Method::Get,    path: "/api/openapi.json",  kind: Kind::Documentation, handler: || web::to(docs::document),   purpose: "Describes this API (OpenAPI)" },
    Row { method: Method::Get,    path: "/api/docs",          kind: Kind::Documentation, handler: || web::to(docs::entrance),   purpose: "Leads to the page below" },
    Row { method: Method::Get,    path: "/api/docs/{file:.*}", kind: Kind::Documentation, handler: || web::to(docs::page),      purpose: "A page to read about this API and to try it" },
];

/// Words under which nothing answers yet and pages are planned. A word that was claimed as a code
/// before its page came would make either the page or somebody's link unreachable.
const PLANNED: &[&str] = &[
    "admin",
    "assets",
    "auth",
    "dashboard",
    "keywords",
    "links",
    "oidc",
    "settings",
    "setup",
    "static",
    "tags",
    "tokens",
    "users",
];

/// A route as documentation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLine {
    /// The methods of HTTP that it answers, separated by commas.
    pub methods: &'static str,
    /// Its path, with `{…}` for what varies.
    pub path: &'static str,
    /// What it does, in one line.
    pub purpose: &'static str,
    /// Whether it is in the OpenAPI document: all but the document itself and its page.
    pub documented: bool,
}

/// All routes of the server, in the order in which they are matched.
pub fn routes() -> impl Iterator<Item = RouteLine> {
    ROUTES.iter().map(|row| RouteLine {
        methods: row.method.names(),
        path: row.path,
        purpose: row.purpose,
        documented: row.kind != Kind::Documentation,
    })
}

/// The words that cannot be claimed as short codes: the first word of every route, and those of
/// planned pages.
#[must_use]
pub fn reserved_words() -> ReservedWords {
    ROUTES
        .iter()
        .filter_map(|row| row.path.split('/').nth(1))
        .filter(|word| !word.starts_with('{'))
        .chain(PLANNED.iter().copied())
        .collect()
}

/// Which routes a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// All of them.
    Whole,
    /// All but the metrics, which have a listener of their own.
    WithoutMetrics,
    /// The metrics alone.
    MetricsOnly,
}

impl Listener {
    fn answers(self, row: &Row) -> bool {
        match self {
            Self::Whole => true,
            Self::WithoutMetrics => row.path != METRICS,
            Self::MetricsOnly => row.path == METRICS,
        }
    }
}

/// Adds the routes of a listener to an application. Its data must hold the [`State`].
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where routes are added: from the table"
)]
pub(crate) fn configure(config: &mut web::ServiceConfig, listener: Listener) {
    let mut seen = BTreeSet::new();
    for row in ROUTES.iter().filter(|row| listener.answers(row)) {
        if !seen.insert(row.path) {
            continue;
        }
        config.service(resource(row.path, row.path));
        // The page of the documentation is a directory: there the slash makes a difference.
        if row.kind != Kind::Documentation {
            config.service(resource(&format!("{}/", row.path), row.path));
        }
    }
    config.default_service(web::to(nothing_here));
}

/// Everything that answers under `path`, at the given spelling of it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where routes are added: from the table"
)]
fn resource(spelling: &str, path: &str) -> Resource {
    let rows = || ROUTES.iter().filter(|row| row.path == path);
    let methods: Vec<_> = rows().map(|row| row.method.names()).collect();
    let allow = methods.join(", ");
    let refuse = move |request: HttpRequest, state: web::Data<State>| {
        let error = ApiError::method_not_allowed(&allow);
        async move { error_page::answer(&request, &state, &error, Instant::now()) }
    };
    rows().fold(
        web::resource(spelling).default_service(web::to(refuse)),
        |resource, row| resource.route(row.method.route(around(row.kind, (row.handler)()))),
    )
}

fn around(kind: Kind, route: Route) -> Route {
    match kind {
        Kind::Redirect => route,
        Kind::Operation => route.wrap(from_fn(observe)),
        Kind::Probe | Kind::Documentation => route.wrap(from_fn(observe_quietly)),
    }
}

async fn nothing_here(request: HttpRequest, state: web::Data<State>) -> actix_web::HttpResponse {
    let error = ApiError::no_such_path();
    error_page::answer(&request, &state, &error, Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_every_route_is_reserved() {
        let reserved = reserved_words();
        let words: Vec<_> = reserved.iter().collect();
        for word in ["api", "health", "metrics", "shorten", "urls", "dashboard"] {
            assert!(words.contains(&word), "{word}");
        }
        assert!(words.iter().all(|word| !word.contains(['{', '/'])));
    }

    #[test]
    fn one_word_paths_come_before_the_code_and_longer_ones_after_it() {
        let place = ROUTES.iter().position(|row| row.path == "/{code}").unwrap();
        for (index, row) in ROUTES.iter().enumerate() {
            let words = row.path.split('/').count() - 1;
            assert_eq!(index > place, words > 1, "{}", row.path);
        }
    }

    #[test]
    fn no_operation_is_there_twice() {
        let all: BTreeSet<_> = ROUTES
            .iter()
            .map(|row| (row.method.names(), row.path))
            .collect();
        assert_eq!(all.len(), ROUTES.len());
    }
}

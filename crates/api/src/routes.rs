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
//! - The rows are grouped by the first word of their path, and a request is compared with the words
//!   alone. What begins with none of them is a redirect: no pattern is matched for it.
//! - Where the host is a keyword, all paths are redirects.

use std::collections::BTreeMap;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method as HttpMethod;
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpRequest, HttpResponse, Resource, Route, Scope, guard, web};
use waypost_core::{Action, ReservedWords};

use crate::error_page;
use crate::errors::ApiError;
use crate::handlers::operation::{docs, health, metrics};
use crate::handlers::redirect::root_files::RootFile;
use crate::handlers::simple::{delete, list, shorten, stats};
use crate::handlers::{admin, assets, auth, dashboard, public, redirect, settings, v1};
use crate::pages;
use crate::request::access::{observe, observe_quietly};
use crate::request::caller::{Access, authorise, authorise_page};
use crate::request::client::host_of;
use crate::request::route_names::{CODE, CODE_AND_REST, PREVIEW};
use crate::state::State;

/// One operation under one path.
struct Row {
    method: Method,
    path: &'static str,
    kind: Kind,
    access: Access,
    /// `None` for the redirect, which is not found by its path, and for what is looked for where there is no link.
    handler: Option<fn() -> Route>,
    purpose: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// `GET` and `HEAD`.
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The methods of HTTP that the row answers, as in an `Allow` header.
    const fn names(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn route(self, route: Route) -> Route {
        match self {
            Self::Get => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => route.guard(guard::Post()),
            Self::Put => route.guard(guard::Put()),
            Self::Patch => route.guard(guard::Patch()),
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
    /// As [`Kind::Operation`], for pages of people, which are not in the description: whoever is not signed in
    /// is sent to sign in, tokens count for nothing, and errors are pages.
    Page,
    /// As [`Kind::Probe`], for the pages that describe the others and are not in the description.
    Documentation,
}

const METRICS: &str = "/metrics";

#[rustfmt::skip]
const ROUTES: &[Row] = &[
    Row { method: Method::Post,   path: "/shorten",                            kind: Kind::Operation,     access: Access::OrAnonymous(Action::CreateLink),    handler: Some(|| web::to(shorten::answer)),         purpose: "Makes a short link" },
    Row { method: Method::Get,    path: "/urls",                               kind: Kind::Operation,     access: Access::OrAnonymous(Action::ListLinks),     handler: Some(|| web::to(list::answer)),            purpose: "Lists one's links, newest first" },
    Row { method: Method::Get,    path: "/health",                             kind: Kind::Probe,         access: Access::Open,                               handler: Some(|| web::to(health::alive)),           purpose: "Says that the server runs" },
    Row { method: Method::Get,    path: METRICS,                               kind: Kind::Probe,         access: Access::Open,                               handler: Some(|| web::to(metrics::answer)),         purpose: "Shows the metrics in Prometheus' text format" },
    Row { method: Method::Get,    path: CODE,                                  kind: Kind::Redirect,      access: Access::Open,                               handler: None,                                      purpose: "Leads to the target of a link, and counts the click" },
    Row { method: Method::Get,    path: CODE_AND_REST,                         kind: Kind::Redirect,      access: Access::Open,                               handler: None,                                      purpose: "Leads to the target of the longest code in the path" },
    Row { method: Method::Get,    path: PREVIEW,                               kind: Kind::Redirect,      access: Access::Open,                               handler: None,                                      purpose: "Shows where a link leads" },
    Row { method: Method::Get,    path: RootFile::Robots.path(),               kind: Kind::Documentation, access: Access::Open,                               handler: None,                                      purpose: "Tells crawlers what to leave alone" },
    Row { method: Method::Get,    path: RootFile::OpenSearch.path(),           kind: Kind::Documentation, access: Access::Open,                               handler: None,                                      purpose: "Tells browsers how to go to a link from the address bar" },
    Row { method: Method::Get,    path: RootFile::Manifest.path(),             kind: Kind::Documentation, access: Access::Open,                               handler: None,                                      purpose: "Tells browsers how to install it, and what to share with it" },
    Row { method: Method::Delete, path: "/urls/{code}",                        kind: Kind::Operation,     access: Access::OrAnonymous(Action::DeleteLink),    handler: Some(|| web::to(delete::answer)),          purpose: "Deletes a link" },
    Row { method: Method::Get,    path: "/urls/{code}/stats",                  kind: Kind::Operation,     access: Access::OrAnonymous(Action::ViewClicks),    handler: Some(|| web::to(stats::answer)),           purpose: "Shows a link and its clicks" },
    Row { method: Method::Get,    path: "/health/ready",                       kind: Kind::Probe,         access: Access::Open,                               handler: Some(|| web::to(health::ready)),           purpose: "Says whether the database answers" },
    Row { method: Method::Get,    path: "/api/v1/links",                       kind: Kind::Operation,     access: Access::For(Action::ListLinks),             handler: Some(|| web::to(v1::links::list)),         purpose: "Lists and searches links" },
    Row { method: Method::Post,   path: "/api/v1/links",                       kind: Kind::Operation,     access: Access::For(Action::CreateLink),            handler: Some(|| web::to(v1::links::create)),       purpose: "Makes a link" },
    Row { method: Method::Post,   path: "/api/v1/links/bulk",                  kind: Kind::Operation,     access: Access::For(Action::CreateLink),            handler: Some(|| web::to(v1::bulk::answer)),        purpose: "Makes up to 1,000 links" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}",                  kind: Kind::Operation,     access: Access::For(Action::ViewLink),              handler: Some(|| web::to(v1::link::show)),          purpose: "Shows a link" },
    Row { method: Method::Patch,  path: "/api/v1/links/{id}",                  kind: Kind::Operation,     access: Access::For(Action::EditLink),              handler: Some(|| web::to(v1::link::change)),        purpose: "Changes a link" },
    Row { method: Method::Put,    path: "/api/v1/links/{id}",                  kind: Kind::Operation,     access: Access::For(Action::EditLink),              handler: Some(|| web::to(v1::link::replace)),       purpose: "Replaces all that is said of a link" },
    Row { method: Method::Delete, path: "/api/v1/links/{id}",                  kind: Kind::Operation,     access: Access::For(Action::DeleteLink),            handler: Some(|| web::to(v1::link::delete)),        purpose: "Deletes a link" },
    Row { method: Method::Post,   path: "/api/v1/links/{id}/restore",          kind: Kind::Operation,     access: Access::For(Action::EditLink),              handler: Some(|| web::to(v1::history::restore)),    purpose: "Restores a link, or an earlier version of it" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/history",          kind: Kind::Operation,     access: Access::For(Action::ViewHistory),           handler: Some(|| web::to(v1::history::list)),       purpose: "Shows what became of a link" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/stats",             kind: Kind::Operation,     access: Access::For(Action::ViewClicks),                    handler: Some(|| web::to(v1::statistics::of_link)),     purpose: "Shows how often a link is clicked" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/breakdown",         kind: Kind::Operation,     access: Access::For(Action::ViewClicks),                    handler: Some(|| web::to(v1::statistics::breakdown)),   purpose: "Shows what the clicks of a link are counted by" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/clicks",            kind: Kind::Operation,     access: Access::For(Action::ViewClicks),                    handler: Some(|| web::to(v1::clicks::list)),            purpose: "Lists the clicks of a link" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/clicks.csv",        kind: Kind::Operation,     access: Access::For(Action::ViewClicks),                    handler: Some(|| web::to(v1::exports::csv)),            purpose: "Exports the clicks of a link as CSV" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/clicks.ndjson",     kind: Kind::Operation,     access: Access::For(Action::ViewClicks),                    handler: Some(|| web::to(v1::exports::ndjson)),         purpose: "Exports the clicks of a link as NDJSON" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/live",             kind: Kind::Operation,     access: Access::For(Action::ViewClicks),            handler: Some(|| web::to(v1::live::answer)),        purpose: "Tells of the clicks of a link as they come" },
    Row { method: Method::Get,    path: "/api/v1/stats",                        kind: Kind::Operation,     access: Access::For(Action::ListLinks),                     handler: Some(|| web::to(v1::statistics::own)),         purpose: "Shows how often one's links are clicked" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/owners",           kind: Kind::Operation,     access: Access::For(Action::ViewLink),              handler: Some(|| web::to(v1::people::owners)),      purpose: "Shows whom a link belongs to" },
    Row { method: Method::Post,   path: "/api/v1/links/{id}/owners",           kind: Kind::Operation,     access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(v1::people::add_owner)),   purpose: "Makes somebody an owner of a link" },
    Row { method: Method::Delete, path: "/api/v1/links/{id}/owners/{user}",    kind: Kind::Operation,     access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(v1::people::remove_owner)), purpose: "Takes a link from one of its owners" },
    Row { method: Method::Get,    path: "/api/v1/links/{id}/shares",           kind: Kind::Operation,     access: Access::For(Action::ViewHistory),           handler: Some(|| web::to(v1::people::shares)),      purpose: "Shows whom a link is shared with" },
    Row { method: Method::Post,   path: "/api/v1/links/{id}/shares",           kind: Kind::Operation,     access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(v1::people::add_share)),   purpose: "Shares a link with somebody" },
    Row { method: Method::Delete, path: "/api/v1/links/{id}/shares/{user}",    kind: Kind::Operation,     access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(v1::people::remove_share)), purpose: "Shares a link with somebody no more" },
    Row { method: Method::Get,    path: "/api/v1/tags",                        kind: Kind::Operation,     access: Access::For(Action::ListLinks),             handler: Some(|| web::to(v1::tags::list)),          purpose: "Lists the tags of links" },
    Row { method: Method::Get,    path: "/api/v1/tags/{name}/links",           kind: Kind::Operation,     access: Access::For(Action::ListLinks),             handler: Some(|| web::to(v1::links::tagged)),       purpose: "Lists the links with a tag" },
    Row { method: Method::Get,    path: "/api/v1/tokens",                      kind: Kind::Operation,     access: Access::For(Action::ViewAccount),           handler: Some(|| web::to(v1::tokens::list)),        purpose: "Lists one's API tokens" },
    Row { method: Method::Post,   path: "/api/v1/tokens",                      kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::tokens::create)),      purpose: "Makes an API token" },
    Row { method: Method::Delete, path: "/api/v1/tokens/{id}",                 kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::tokens::revoke)),      purpose: "Revokes an API token" },
    Row { method: Method::Get,    path: "/api/v1/users/me",                    kind: Kind::Operation,     access: Access::For(Action::ViewAccount),           handler: Some(|| web::to(v1::me::show)),            purpose: "Shows oneself" },
    Row { method: Method::Patch,  path: "/api/v1/users/me",                    kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::me::change)),          purpose: "Changes oneself" },
    Row { method: Method::Post,   path: "/api/v1/users/me/password",           kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::sessions::change_password)), purpose: "Changes one's password" },
    Row { method: Method::Get,    path: "/api/v1/sessions",                    kind: Kind::Operation,     access: Access::For(Action::ViewAccount),           handler: Some(|| web::to(v1::sessions::list)),      purpose: "Lists where one is signed in" },
    Row { method: Method::Delete, path: "/api/v1/sessions",                    kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::sessions::end_all)),   purpose: "Signs out everywhere" },
    Row { method: Method::Delete, path: "/api/v1/sessions/{id}",               kind: Kind::Operation,     access: Access::For(Action::EditAccount),           handler: Some(|| web::to(v1::sessions::end)),       purpose: "Ends a session" },
    Row { method: Method::Get,    path: "/auth/login",                         kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::login::show)),       purpose: "The page to sign in" },
    Row { method: Method::Post,   path: "/auth/login",                         kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::login::submit)),     purpose: "Signs in" },
    Row { method: Method::Get,    path: "/auth/logout",                        kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::logout::show)),      purpose: "The page to sign out" },
    Row { method: Method::Post,   path: "/auth/logout",                        kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::logout::submit)),    purpose: "Signs out" },
    Row { method: Method::Get,    path: "/auth/oidc/login",                    kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::oidc::begin)),       purpose: "Leads to the OpenID provider to sign in" },
    Row { method: Method::Get,    path: "/auth/oidc/callback",                 kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::oidc::finish)),      purpose: "Signs in whom the OpenID provider sends back" },
    Row { method: Method::Get,    path: "/setup",                              kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::setup::show)),       purpose: "The page to make the first admin" },
    Row { method: Method::Post,   path: "/setup",                              kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(auth::setup::submit)),     purpose: "Makes the first admin" },
    Row { method: Method::Get,    path: "/static/{name}",                      kind: Kind::Documentation, access: Access::Open,                               handler: Some(|| web::to(assets::answer)),          purpose: "A file that pages load" },
    Row { method: Method::Get,    path: "/dashboard",                          kind: Kind::Page,          access: Access::For(Action::ListLinks),             handler: Some(|| web::to(dashboard::home::show)),   purpose: "The page with one's links" },
    Row { method: Method::Post,   path: "/dashboard",                          kind: Kind::Page,          access: Access::For(Action::CreateLink),            handler: Some(|| web::to(dashboard::home::create)), purpose: "Makes a link from the form of that page" },
    Row { method: Method::Get,    path: "/dashboard/links/{id}/qr.svg",        kind: Kind::Page,          access: Access::For(Action::ViewLink),              handler: Some(|| web::to(dashboard::qr::svg)),      purpose: "The QR code of a link, as SVG" },
    Row { method: Method::Get,    path: "/dashboard/links/{id}/qr.png",        kind: Kind::Page,          access: Access::For(Action::ViewLink),              handler: Some(|| web::to(dashboard::qr::png)),      purpose: "The QR code of a link, as PNG" },
    Row { method: Method::Get,    path: "/dashboard/links/{id}",               kind: Kind::Page,          access: Access::For(Action::ViewLink),              handler: Some(|| web::to(dashboard::link::show)),   purpose: "The page of a link" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}",               kind: Kind::Page,          access: Access::For(Action::EditLink),              handler: Some(|| web::to(dashboard::link::save)),   purpose: "Changes a link from the form of its page" },
    Row { method: Method::Get,    path: "/dashboard/links/{id}/history",       kind: Kind::Page,          access: Access::For(Action::ViewHistory),           handler: Some(|| web::to(dashboard::link::history::show)), purpose: "The page with what became of a link" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}/restore",       kind: Kind::Page,          access: Access::For(Action::EditLink),              handler: Some(|| web::to(dashboard::link::history::restore)), purpose: "Restores a link, or an earlier version, from those pages" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}/people",        kind: Kind::Page,          access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(dashboard::link::people::add)), purpose: "Adds an owner, or shares a link, from its page" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}/people/change", kind: Kind::Page,          access: Access::For(Action::ManageAccess),          handler: Some(|| web::to(dashboard::link::people::change)), purpose: "Removes somebody, or makes an owner the primary one, from its page" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}/delete",        kind: Kind::Page,          access: Access::For(Action::DeleteLink),            handler: Some(|| web::to(dashboard::link::deletion::delete)), purpose: "Deletes a link from its page" },
    Row { method: Method::Post,   path: "/dashboard/links/{id}/destroy",       kind: Kind::Page,          access: Access::For(Action::DestroyLink),           handler: Some(|| web::to(dashboard::link::deletion::destroy)), purpose: "Deletes a link for good from its page" },
    Row { method: Method::Get,    path: "/dashboard/deleted",                  kind: Kind::Page,          access: Access::For(Action::ListLinks),             handler: Some(|| web::to(dashboard::link::deletion::list)), purpose: "The page with one's deleted links" },
    Row { method: Method::Get,    path: "/dashboard/codes/check",              kind: Kind::Page,          access: Access::For(Action::CreateLink),            handler: Some(|| web::to(dashboard::codes::check)), purpose: "Says whether a code is free" },
    Row { method: Method::Get,    path: "/dashboard/stats",                    kind: Kind::Page,          access: Access::For(Action::ListLinks),             handler: Some(|| web::to(dashboard::statistics::own::show)), purpose: "The page with the numbers of one's links" },
    Row { method: Method::Get,    path: "/dashboard/links/{id}/stats",         kind: Kind::Page,          access: Access::For(Action::ViewClicks),            handler: Some(|| web::to(dashboard::statistics::of_link::show)), purpose: "The page with the numbers of a link" },
    Row { method: Method::Get,    path: "/settings",                          kind: Kind::Page,          access: Access::For(Action::ViewAccount),                   handler: Some(|| web::to(settings::profile::show)), purpose: "The page with one's name and password" },
    Row { method: Method::Post,   path: "/settings",                          kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::profile::rename)), purpose: "Changes one's name" },
    Row { method: Method::Post,   path: "/settings/password",                 kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::profile::change_password)), purpose: "Changes one's password, for that page" },
    Row { method: Method::Get,    path: "/settings/sessions",                 kind: Kind::Page,          access: Access::For(Action::ViewAccount),                   handler: Some(|| web::to(settings::sessions::show)), purpose: "The page with where one is signed in" },
    Row { method: Method::Post,   path: "/settings/sessions/others",          kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::sessions::end_others)), purpose: "Signs out everywhere else" },
    Row { method: Method::Post,   path: "/settings/sessions/{id}",            kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::sessions::end)), purpose: "Ends a session, for that page" },
    Row { method: Method::Get,    path: "/settings/tokens",                   kind: Kind::Page,          access: Access::For(Action::ViewAccount),                   handler: Some(|| web::to(settings::tokens::show)), purpose: "The page with one's API tokens" },
    Row { method: Method::Post,   path: "/settings/tokens",                   kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::tokens::create)), purpose: "Makes an API token, and shows it once" },
    Row { method: Method::Post,   path: "/settings/tokens/{id}",              kind: Kind::Page,          access: Access::For(Action::EditAccount),                   handler: Some(|| web::to(settings::tokens::revoke)), purpose: "Revokes an API token, for that page" },
    Row { method: Method::Get,    path: "/admin",                             kind: Kind::Page,          access: Access::For(Action::ListUsers),                     handler: Some(|| web::to(admin::users::show)), purpose: "The page with all users" },
    Row { method: Method::Post,   path: "/admin",                             kind: Kind::Page,          access: Access::For(Action::ManageUsers),                   handler: Some(|| web::to(admin::users::create)), purpose: "Adds a user" },
    Row { method: Method::Get,    path: "/admin/users/{id}",                  kind: Kind::Page,          access: Access::For(Action::ListUsers),                     handler: Some(|| web::to(admin::user::show)), purpose: "The page of a user" },
    Row { method: Method::Post,   path: "/admin/users/{id}",                  kind: Kind::Page,          access: Access::For(Action::ManageUsers),                   handler: Some(|| web::to(admin::user::change)), purpose: "Changes a user, for that page" },
    Row { method: Method::Post,   path: "/admin/users/{id}/state",            kind: Kind::Page,          access: Access::For(Action::ManageUsers),                   handler: Some(|| web::to(admin::user::set_state)), purpose: "Disables a user, or lets them sign in again" },
    Row { method: Method::Get,    path: "/admin/users/{id}/delete",           kind: Kind::Page,          access: Access::For(Action::ManageUsers),                   handler: Some(|| web::to(admin::deletion::show)), purpose: "Asks what becomes of the links of a user" },
    Row { method: Method::Post,   path: "/admin/users/{id}/delete",           kind: Kind::Page,          access: Access::For(Action::ManageUsers),                   handler: Some(|| web::to(admin::deletion::delete)), purpose: "Deletes a user, for that page" },
    Row { method: Method::Get,    path: "/admin/links",                       kind: Kind::Page,          access: Access::For(Action::ListAllLinks),                  handler: Some(|| web::to(admin::links::show)), purpose: "The page with all links" },
    Row { method: Method::Get,    path: "/admin/keywords",                    kind: Kind::Page,          access: Access::For(Action::ListKeywords),                  handler: Some(|| web::to(admin::keywords::show)), purpose: "The page with the keywords" },
    Row { method: Method::Post,   path: "/admin/keywords",                    kind: Kind::Page,          access: Access::For(Action::ManageKeywords),                handler: Some(|| web::to(admin::keywords::create)), purpose: "Makes a keyword, for that page" },
    Row { method: Method::Get,    path: "/admin/keywords/{id}",               kind: Kind::Page,          access: Access::For(Action::ManageKeywords),                handler: Some(|| web::to(admin::keyword::show)), purpose: "The page of a keyword" },
    Row { method: Method::Post,   path: "/admin/keywords/{id}",               kind: Kind::Page,          access: Access::For(Action::ManageKeywords),                handler: Some(|| web::to(admin::keyword::change)), purpose: "Changes a keyword" },
    Row { method: Method::Post,   path: "/admin/keywords/{id}/remove",        kind: Kind::Page,          access: Access::For(Action::ManageKeywords),                handler: Some(|| web::to(admin::keyword::remove)), purpose: "Removes a keyword, for that page" },
    Row { method: Method::Get,    path: "/admin/orphans",                     kind: Kind::Page,          access: Access::For(Action::ListOrphans),                   handler: Some(|| web::to(admin::orphans::show)), purpose: "The page with the paths that lead nowhere" },
    Row { method: Method::Post,   path: "/admin/orphans",                     kind: Kind::Page,          access: Access::For(Action::ManageOrphans),                 handler: Some(|| web::to(admin::orphans::forget)), purpose: "Forgets such a path, for that page" },
    Row { method: Method::Get,    path: "/admin/blocklist",                   kind: Kind::Page,          access: Access::For(Action::ListBlocklist),                 handler: Some(|| web::to(admin::blocklist::show)), purpose: "The page with the hosts to which no link leads" },
    Row { method: Method::Post,   path: "/admin/blocklist",                   kind: Kind::Page,          access: Access::For(Action::ManageBlocklist),               handler: Some(|| web::to(admin::blocklist::block)), purpose: "Blocks a host, for that page" },
    Row { method: Method::Post,   path: "/admin/blocklist/remove",            kind: Kind::Page,          access: Access::For(Action::ManageBlocklist),               handler: Some(|| web::to(admin::blocklist::unblock)), purpose: "Lets links lead to a host again, for that page" },
    Row { method: Method::Get,    path: "/admin/system",                      kind: Kind::Page,          access: Access::For(Action::ListUsers),                     handler: Some(|| web::to(admin::system::show)), purpose: "The page with what the server knows of itself" },
    Row { method: Method::Get,    path: "/dashboard/tools",                    kind: Kind::Page,          access: Access::For(Action::CreateLink),            handler: Some(|| web::to(dashboard::tools::show)),  purpose: "The page with ways to make links from elsewhere" },
    Row { method: Method::Get,    path: "/dashboard/go",                       kind: Kind::Page,          access: Access::Open,                               handler: Some(|| web::to(dashboard::address_bar::go)), purpose: "Leads to what was typed into an address bar" },
    Row { method: Method::Get,    path: "/dashboard/suggest",                  kind: Kind::Page,          access: Access::For(Action::ListLinks),             handler: Some(|| web::to(dashboard::address_bar::suggest)), purpose: "Suggests links to an address bar" },
    Row { method: Method::Get,    path: "/links",                              kind: Kind::Page,          access: Access::OrAnonymous(Action::ListLinks),     handler: Some(|| web::to(public::show)),            purpose: "The page with the public links" },
    Row { method: Method::Get,    path: "/api/v1/admin/users",                 kind: Kind::Operation,     access: Access::For(Action::ListUsers),             handler: Some(|| web::to(v1::users::list)),         purpose: "Lists all users" },
    Row { method: Method::Patch,  path: "/api/v1/admin/users/{id}",            kind: Kind::Operation,     access: Access::For(Action::ManageUsers),           handler: Some(|| web::to(v1::users::change)),       purpose: "Changes a user" },
    Row { method: Method::Delete, path: "/api/v1/admin/users/{id}",            kind: Kind::Operation,     access: Access::For(Action::ManageUsers),           handler: Some(|| web::to(v1::users::delete)),       purpose: "Deletes a user" },
    Row { method: Method::Get,    path: "/api/v1/admin/links",                 kind: Kind::Operation,     access: Access::For(Action::ListAllLinks),          handler: Some(|| web::to(v1::links::list_all)),     purpose: "Lists and searches all links" },
    Row { method: Method::Get,    path: "/api/v1/keywords",                    kind: Kind::Operation,     access: Access::For(Action::ListKeywords),          handler: Some(|| web::to(v1::keywords::list)),      purpose: "Lists the keywords" },
    Row { method: Method::Post,   path: "/api/v1/keywords",                    kind: Kind::Operation,     access: Access::For(Action::ManageKeywords),        handler: Some(|| web::to(v1::keywords::create)),    purpose: "Makes a keyword" },
    Row { method: Method::Delete, path: "/api/v1/keywords/{keyword}",          kind: Kind::Operation,     access: Access::For(Action::ManageKeywords),        handler: Some(|| web::to(v1::keywords::remove)),    purpose: "Removes a keyword" },
    Row { method: Method::Get,    path: "/api/v1/explain",                     kind: Kind::Operation,     access: Access::For(Action::ListLinks),             handler: Some(|| web::to(v1::explain::answer)),     purpose: "Explains what becomes of a visit" },
    Row { method: Method::Get,    path: "/api/v1/admin/blocklist",             kind: Kind::Operation,     access: Access::For(Action::ListBlocklist),         handler: Some(|| web::to(v1::blocklist::list)),     purpose: "Lists the hosts to which no link leads" },
    Row { method: Method::Post,   path: "/api/v1/admin/blocklist",             kind: Kind::Operation,     access: Access::For(Action::ManageBlocklist),       handler: Some(|| web::to(v1::blocklist::block)),    purpose: "Blocks a host" },
    Row { method: Method::Delete, path: "/api/v1/admin/blocklist/{pattern}",   kind: Kind::Operation,     access: Access::For(Action::ManageBlocklist),       handler: Some(|| web::to(v1::blocklist::unblock)),  purpose: "Lets links lead to a host again" },
    Row { method: Method::Get,    path: "/api/v1/admin/orphans",               kind: Kind::Operation,     access: Access::For(Action::ListOrphans),           handler: Some(|| web::to(v1::orphans::list)),       purpose: "Lists the paths that people try and that lead nowhere" },
    Row { method: Method::Delete, path: "/api/v1/admin/orphans/{path}",        kind: Kind::Operation,     access: Access::For(Action::ManageOrphans),         handler: Some(|| web::to(v1::orphans::forget)),     purpose: "Forgets such a path" },
    Row { method: Method::Get,    path: "/api/openapi.json",                   kind: Kind::Documentation, access: Access::Open,                               handler: Some(|| web::to(docs::document)),          purpose: "Describes this API (OpenAPI)" },
    Row { method: Method::Get,    path: "/api/docs",                           kind: Kind::Documentation, access: Access::Open,                               handler: Some(|| web::to(docs::entrance)),          purpose: "Leads to the page below" },
    Row { method: Method::Get,    path: "/api/docs/{file:.*}",                 kind: Kind::Documentation, access: Access::Open,                               handler: Some(|| web::to(docs::page)),              purpose: "A page to read about this API and to try it" },
];

/// Words under which nothing answers yet and pages are planned. A word that was claimed as a code
/// before its page came would make either the page or somebody's link unreachable.
const PLANNED: &[&str] = &["assets", "keywords", "oidc", "tags", "tokens", "users"];

/// A route as documentation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLine {
    /// The methods of HTTP that it answers, separated by commas.
    pub methods: &'static str,
    /// Its path, with `{…}` for what varies.
    pub path: &'static str,
    /// What it does, in one line.
    pub purpose: &'static str,
    /// Whether it is in the OpenAPI document: all but the document itself and pages of people.
    pub documented: bool,
}

/// All routes of the server, in the order in which they are matched.
pub fn routes() -> impl Iterator<Item = RouteLine> {
    ROUTES.iter().map(|row| RouteLine {
        methods: row.method.names(),
        path: row.path,
        purpose: row.purpose,
        documented: !matches!(row.kind, Kind::Documentation | Kind::Page),
    })
}

/// The words that cannot be claimed as short codes: the first word of every route, and those of
/// planned pages.
#[must_use]
pub fn reserved_words() -> ReservedWords {
    ROUTES
        .iter()
        .filter_map(|row| row.path.split('/').nth(1))
        // What has a dot is no code anyway.
        .filter(|word| !word.starts_with('{') && !word.contains('.'))
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
    // The rows by the first word of their path, and by what follows it.
    let mut words: BTreeMap<&str, BTreeMap<&str, Vec<&Row>>> = BTreeMap::new();
    for row in ROUTES.iter().filter(|row| listener.answers(row)) {
        if row.handler.is_some() {
            let (word, rest) = first_word(row.path);
            let paths = words.entry(word).or_default();
            paths.entry(rest).or_default().push(row);
        }
    }
    for (word, paths) in words {
        let scope = paths
            .into_iter()
            .fold(scope_for(word), |scope, (rest, rows)| {
                let scope = scope.service(resource(rest, &rows));
                // The page of the documentation is a directory: there the slash makes a difference.
                if rows.iter().all(|row| row.kind == Kind::Documentation) {
                    scope
                } else {
                    scope.service(resource(&format!("{rest}/"), &rows))
                }
            });
        config.service(scope);
    }
    config.default_service(if listener == Listener::MetricsOnly {
        web::to(nothing_here)
    } else {
        web::to(redirect)
    });
}

/// The scope of a first word, without its resources.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where routes are added: from the table"
)]
fn scope_for(
    word: &str,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    >,
> {
    web::scope(word)
        .default_service(web::to(nothing_here))
        .wrap(from_fn(keyword_host_first))
}

/// Stands around the routes of the server: a host that is a keyword has none of them.
async fn keyword_host_first(
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = matches!(*request.method(), HttpMethod::GET | HttpMethod::HEAD);
    let host = host_of(request.request());
    // Where the database does not say whether it is one, the server goes on.
    if reads && let Ok(Some(_)) = state.router().keyword_of(host).await {
        let answer = redirect::answer(request.request(), &state).await;
        return Ok(request.into_response(answer));
    }
    next.call(request).await
}

/// Splits `/urls/{code}` into `/urls` and `/{code}`.
fn first_word(path: &str) -> (&str, &str) {
    let end = path.get(1..).and_then(|rest| rest.find('/'));
    path.split_at(end.map_or(path.len(), |end| end + 1))
}

/// Everything that answers under one path, of which `rest` follows the first word.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where routes are added: from the table"
)]
fn resource(rest: &str, rows: &[&Row]) -> Resource {
    let methods: Vec<_> = rows.iter().map(|row| row.method.names()).collect();
    let allow = methods.join(", ");
    let refuse = move |request: HttpRequest, state: web::Data<State>| {
        let error = ApiError::method_not_allowed(&allow);
        async move { error_page::answer(&request, &state, &error, Instant::now()) }
    };
    rows.iter()
        .filter_map(|row| Some((row, row.handler?)))
        .fold(
            web::resource(rest).default_service(web::to(refuse)),
            |resource, (row, handler)| resource.route(row.method.route(around(row, handler()))),
        )
}

fn around(row: &Row, route: Route) -> Route {
    let access = row.access;
    if row.kind == Kind::Page {
        return route
            .wrap(from_fn(move |state: web::Data<State>, request, next| {
                authorise_page(access, state, request, next)
            }))
            .wrap(from_fn(pages::complete))
            .wrap(from_fn(observe));
    }
    let authorised = route.wrap(from_fn(move |state: web::Data<State>, request, next| {
        authorise(access, state, request, next)
    }));
    match row.kind {
        Kind::Redirect => authorised,
        Kind::Operation | Kind::Page => authorised.wrap(from_fn(observe)),
        Kind::Probe | Kind::Documentation => authorised.wrap(from_fn(observe_quietly)),
    }
}

async fn redirect(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    match *request.method() {
        HttpMethod::GET | HttpMethod::HEAD => redirect::answer(&request, &state).await,
        _ => {
            let error = ApiError::method_not_allowed(Method::Get.names());
            error_page::answer(&request, &state, &error, Instant::now())
        }
    }
}

async fn nothing_here(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let error = ApiError::no_such_path();
    error_page::answer(&request, &state, &error, Instant::now())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn a_path_is_divided_behind_its_first_word() {
        assert_eq!(first_word("/urls"), ("/urls", ""));
        assert_eq!(first_word("/urls/{code}/stats"), ("/urls", "/{code}/stats"));
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

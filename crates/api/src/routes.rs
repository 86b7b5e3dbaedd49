//! The table of all routes.
//!
//! [`ROUTES`] is the source of the configuration of actix ([`crate::routing`]), the OpenAPI
//! document ([`crate::openapi`]), the words that cannot be short codes ([`reserved_words`]) and the
//! `Allow` header of 405 responses. To add an operation, write its handler in `handlers` with a
//! `#[utoipa::path]`, and add its row to `operations`. To add a page, write its handler and add its
//! row to `pages`.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::{Route, web};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDocument;
use waypost_core::Action::{
    AnswerOffers, CreateLink, DeleteLink, DestroyLink, EditAccount, EditCredentials, EditLink,
    ListAllLinks, ListBlocklist, ListKeywords, ListLinks, ListOrphans, ListUsers, ManageAccess,
    ManageBlocklist, ManageCredentials, ManageKeywords, ManageOrphans, ManageOwners, ManageUsers,
    ViewAccount, ViewAudit, ViewBelow, ViewClicks, ViewHistory, ViewLink, ViewMetrics,
};
use waypost_core::ReservedWords;

use self::Kind::{Documentation, Operation, Page, Probe, Redirect};
use crate::handlers::operation::{docs, health, metrics};
use crate::handlers::redirect::preview;
use crate::handlers::redirect::root_files::RootFile;
use crate::handlers::simple::{delete, list, shorten, stats};
use crate::handlers::{admin, assets, auth, dashboard, public, redirect, settings, v1};
use crate::request::caller::Access;
use crate::request::caller::Access::{For, Open, OrAnonymous};

/// One method of one path.
pub(crate) struct Row {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) access: Access,
    /// `None` for redirects, which are not matched by path, and for root files, which are served
    /// only if no link has their path.
    pub(crate) handler: Option<fn() -> Route>,
    purpose: String,
    /// The OpenAPI document of only this operation; `None` for pages.
    description: Option<Box<OpenApiDocument>>,
}

impl Row {
    /// Returns what the route does, in one line.
    pub(crate) fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Returns the status with which the route answers if nothing is in the way.
    pub(crate) fn success(&self) -> StatusCode {
        match self.path.as_str() {
            "/api/docs" => StatusCode::FOUND,
            "/auth/oidc/callback" | "/auth/oidc/login" | "/dashboard/go" => StatusCode::SEE_OTHER,
            _ => StatusCode::OK,
        }
    }

    /// Creates the row of a description, which has one path with one method.
    #[expect(
        clippy::expect_used,
        reason = "`#[utoipa::path]` describes one path and one method"
    )]
    fn operation(
        kind: Kind,
        access: Access,
        handler: Option<fn() -> Route>,
        description: OpenApiDocument,
    ) -> Self {
        let (path, item) = description
            .paths
            .paths
            .first_key_value()
            .expect("an operation has one path");
        let methods = [
            (Method::Get, &item.get),
            (Method::Post, &item.post),
            (Method::Put, &item.put),
            (Method::Patch, &item.patch),
            (Method::Delete, &item.delete),
        ];
        let (method, operation) = methods
            .iter()
            .find_map(|(method, operation)| Some((*method, operation.as_ref()?)))
            .expect("an operation has one method");
        let purpose = operation.summary.clone().unwrap_or_default();
        let path = path.clone();
        Self {
            method,
            path,
            kind,
            access,
            handler,
            purpose,
            description: Some(Box::new(description)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `GET` and `HEAD`.
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns the HTTP methods that the row answers, as in an `Allow` header.
    pub(crate) const fn names(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What wraps a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, because redirects are by far the most requests. The handler logs and renders its
    /// own errors.
    Redirect,
    /// A request ID and a line in the log.
    Operation,
    /// As [`Kind::Operation`], but logged only at level `debug`: machines send these requests every
    /// few seconds.
    Probe,
    /// As [`Kind::Operation`], for HTML pages, which are not in the OpenAPI document: visitors who
    /// are not signed in are redirected to sign in, tokens are ignored, and errors are pages.
    Page,
    /// As [`Kind::Probe`], for the API reference and static files, which are not in the OpenAPI
    /// document.
    Documentation,
}

pub(crate) const METRICS: &str = "/metrics";

/// Creates the rows of operations with the path, method and summary of their handlers'
/// `#[utoipa::path]`.
macro_rules! operations {
    ($($kind:ident, $access:expr, $($handler:ident)::+;)*) => {
        vec![$(Row::operation($kind, $access, Some(|| web::to($($handler)::+)), described!($($handler)::+))),*]
    };
}

/// Returns the OpenAPI document of a handler, from its `#[utoipa::path]`.
macro_rules! described {
    ($($handler:ident)::+) => {{
        #[derive(OpenApi)]
        #[openapi(paths($($handler)::+))]
        struct Operation;
        Operation::openapi()
    }};
}

macro_rules! pages {
    ($($kind:ident, $method:ident, $path:expr, $access:expr, $($handler:ident)::+, $purpose:literal;)*) => {
        vec![$(Row {
            method: Method::$method,
            path: $path.to_owned(),
            kind: $kind,
            access: $access,
            handler: Some(|| web::to($($handler)::+)),
            purpose: $purpose.to_owned(),
            description: None,
        }),*]
    };
}

/// The operations of the API, by path.
#[rustfmt::skip]
fn operations() -> impl Iterator<Item = Row> { operations! {
    Operation, For(ViewAudit),          v1::audit::list;
    Operation, For(ListBlocklist),      v1::blocklist::list;
    Operation, For(ManageBlocklist),    v1::blocklist::block;
    Operation, For(ManageBlocklist),    v1::blocklist::unblock;
    Operation, For(ListAllLinks),       v1::paths::foreign;
    Operation, For(ListAllLinks),       v1::links::list_all;
    Operation, For(ListOrphans),        v1::orphans::list;
    Operation, For(ManageOrphans),      v1::orphans::forget;
    Operation, For(ListUsers),          v1::users::list;
    Operation, For(ManageUsers),        v1::users::change;
    Operation, For(ManageUsers),        v1::users::delete;
    Operation, For(ListUsers),          v1::credentials::identities;
    Operation, For(ManageCredentials),  v1::credentials::unlink;
    Operation, For(ManageCredentials),  v1::credentials::set_password;
    Operation, For(ListLinks),          v1::explain::answer;
    Operation, For(ListKeywords),       v1::keywords::list;
    Operation, For(ManageKeywords),     v1::keywords::create;
    Operation, For(ManageKeywords),     v1::keywords::remove;
    Operation, For(ListLinks),          v1::links::list;
    Operation, For(CreateLink),         v1::links::create;
    Operation, For(CreateLink),         v1::bulk::answer;
    Operation, For(ViewLink),           v1::link::show;
    Operation, For(EditLink),           v1::link::replace;
    Operation, For(EditLink),           v1::link::change;
    Operation, For(DeleteLink),         v1::link::delete;
    Operation, For(ViewBelow),          v1::paths::below;
    Operation, For(ViewClicks),         v1::statistics::breakdown;
    Operation, For(ViewClicks),         v1::clicks::list;
    Operation, For(ViewClicks),         v1::exports::csv;
    Operation, For(ViewClicks),         v1::exports::ndjson;
    Operation, For(ViewHistory),        v1::history::list;
    Operation, For(ViewHistory),        v1::offers::invitations;
    Operation, For(ViewClicks),         v1::live::answer;
    Operation, For(ViewLink),           v1::people::owners;
    Operation, For(ManageAccess),       v1::people::add_owner;
    Operation, For(ManageAccess),       v1::people::remove_owner;
    Operation, For(EditLink),           v1::history::restore;
    Operation, For(ViewHistory),        v1::people::shares;
    Operation, For(ManageAccess),       v1::people::add_share;
    Operation, For(ManageAccess),       v1::people::remove_share;
    Operation, For(ViewClicks),         v1::statistics::of_link;
    Operation, For(ViewHistory),        v1::offers::transfer;
    Operation, For(ManageOwners),       v1::offers::hand_over;
    Operation, For(ManageOwners),       v1::offers::take_back;
    Operation, For(ListLinks),          v1::offers::offers;
    Operation, For(AnswerOffers),       v1::offers::accept;
    Operation, For(AnswerOffers),       v1::offers::decline;
    Operation, For(ViewAccount),        v1::sessions::list;
    Operation, For(EditCredentials),    v1::sessions::end_all;
    Operation, For(EditCredentials),    v1::sessions::end;
    Operation, For(ListLinks),          v1::statistics::own;
    Operation, For(ListLinks),          v1::tags::list;
    Operation, For(ListLinks),          v1::links::tagged;
    Operation, For(ViewAccount),        v1::tokens::list;
    Operation, For(EditCredentials),    v1::tokens::create;
    Operation, For(EditCredentials),    v1::tokens::revoke;
    Operation, For(ViewAccount),        v1::me::show;
    Operation, For(EditAccount),        v1::me::change;
    Operation, For(EditCredentials),    v1::sessions::change_password;
    Probe,     Open,                    health::alive;
    Probe,     Open,                    health::ready;
    Probe,     For(ViewMetrics),        metrics::answer;
    Operation, OrAnonymous(CreateLink), shorten::answer;
    Operation, OrAnonymous(ListLinks),  list::answer;
    Operation, OrAnonymous(DeleteLink), delete::answer;
    Operation, OrAnonymous(ViewClicks), stats::answer;
}.into_iter() }

/// The redirects, which are not matched by path.
fn redirects() -> impl Iterator<Item = Row> {
    [
        described!(redirect::answer),
        described!(redirect::with_rest),
        described!(preview::respond),
    ]
    .into_iter()
    .map(|description| Row::operation(Redirect, Open, None, description))
}

/// Files that programs expect at the root, unless a link has the same path.
fn root_files() -> impl Iterator<Item = Row> {
    let purpose = |file| match file {
        RootFile::Manifest => "Tell browsers how to install the dashboard and share with it",
        RootFile::OpenSearch => "Tell browsers how to go to a link from the address bar",
        RootFile::Robots => "Tell crawlers which paths to leave out",
    };
    let files = [RootFile::Manifest, RootFile::OpenSearch, RootFile::Robots];
    files.into_iter().map(move |file| Row {
        method: Method::Get,
        path: file.path().to_owned(),
        kind: Documentation,
        access: Open,
        handler: None,
        purpose: purpose(file).to_owned(),
        description: None,
    })
}

/// The pages, by path.
#[rustfmt::skip]
fn pages() -> impl Iterator<Item = Row> { pages! {
    Page,          Get,  "/admin",                              For(ListUsers),         admin::users::show,                   "Show all users";
    Page,          Post, "/admin",                              For(ManageUsers),       admin::users::create,                 "Add a user";
    Page,          Get,  "/admin/audit",                        For(ViewAudit),         admin::audit::show,                   "Show the audit trail";
    Page,          Get,  "/admin/blocklist",                    For(ListBlocklist),     admin::blocklist::show,               "Show the blocklist";
    Page,          Post, "/admin/blocklist",                    For(ManageBlocklist),   admin::blocklist::block,              "Block a host";
    Page,          Post, "/admin/blocklist/remove",             For(ManageBlocklist),   admin::blocklist::unblock,            "Unblock a host";
    Page,          Get,  "/admin/foreign-codes",                For(ListAllLinks),      admin::foreign_codes::show,           "Show codes below links of other owners";
    Page,          Get,  "/admin/keywords",                     For(ListKeywords),      admin::keywords::show,                "Show the keywords";
    Page,          Post, "/admin/keywords",                     For(ManageKeywords),    admin::keywords::create,              "Add a keyword";
    Page,          Get,  "/admin/keywords/{id}",                For(ManageKeywords),    admin::keyword::show,                 "Show a keyword";
    Page,          Post, "/admin/keywords/{id}",                For(ManageKeywords),    admin::keyword::change,               "Change a keyword";
    Page,          Post, "/admin/keywords/{id}/remove",         For(ManageKeywords),    admin::keyword::remove,               "Remove a keyword";
    Page,          Get,  "/admin/links",                        For(ListAllLinks),      admin::links::show,                   "Show all links";
    Page,          Get,  "/admin/orphans",                      For(ListOrphans),       admin::orphans::show,                 "Show the orphan paths";
    Page,          Post, "/admin/orphans",                      For(ManageOrphans),     admin::orphans::forget,               "Dismiss an orphan path";
    Page,          Get,  "/admin/system",                       For(ListUsers),         admin::system::show,                  "Show the state of the server";
    Page,          Get,  "/admin/users/{id}",                   For(ListUsers),         admin::user::show,                    "Show a user";
    Page,          Post, "/admin/users/{id}",                   For(ManageUsers),       admin::user::change,                  "Change a user";
    Page,          Get,  "/admin/users/{id}/delete",            For(ManageUsers),       admin::deletion::show,                "Ask what to do with the links of a user";
    Page,          Post, "/admin/users/{id}/delete",            For(ManageUsers),       admin::deletion::delete,              "Delete a user";
    Page,          Post, "/admin/users/{id}/identities",        For(ManageCredentials), admin::credentials::unlink,           "Unlink an OpenID account from a user";
    Page,          Post, "/admin/users/{id}/password",          For(ManageCredentials), admin::credentials::set_password,     "Set the password of a user";
    Page,          Post, "/admin/users/{id}/state",             For(ManageUsers),       admin::user::set_state,               "Disable or enable a user";
    Documentation, Get,  "/api/docs",                           Open,                   docs::entrance,                       "Redirect to the API reference";
    Documentation, Get,  "/api/docs/{file:.*}",                 Open,                   docs::page,                           "Show the API reference";
    Documentation, Get,  "/api/openapi.json",                   Open,                   docs::document,                       "Return the OpenAPI document";
    Page,          Get,  "/auth/login",                         Open,                   auth::login::show,                    "Show the sign-in page";
    Page,          Post, "/auth/login",                         Open,                   auth::login::submit,                  "Sign in";
    Page,          Get,  "/auth/logout",                        Open,                   auth::logout::show,                   "Show the sign-out page";
    Page,          Post, "/auth/logout",                        Open,                   auth::logout::submit,                 "Sign out";
    Page,          Get,  "/auth/oidc/callback",                 Open,                   auth::oidc::finish,                   "Complete the sign-in with the OpenID provider";
    Page,          Get,  "/auth/oidc/login",                    Open,                   auth::oidc::begin,                    "Redirect to the OpenID provider to sign in";
    Page,          Get,  "/dashboard",                          For(ListLinks),         dashboard::home::show,                "Show your links";
    Page,          Post, "/dashboard",                          For(CreateLink),        dashboard::home::create,              "Create a link";
    Page,          Get,  "/dashboard/codes/check",              For(CreateLink),        dashboard::codes::check,              "Check whether a code is available";
    Page,          Get,  "/dashboard/deleted",                  For(ListLinks),         dashboard::link::deletion::list,      "Show your deleted links";
    Page,          Get,  "/dashboard/go",                       Open,                   dashboard::address_bar::go,           "Go to what was entered in the address bar";
    Page,          Get,  "/dashboard/links/{id}",               For(ViewLink),          dashboard::link::show,                "Show a link";
    Page,          Post, "/dashboard/links/{id}",               For(EditLink),          dashboard::link::save,                "Change a link";
    Page,          Get,  "/dashboard/links/{id}/below",         For(ViewBelow),         dashboard::link::below::show,         "Show the codes below a link";
    Page,          Post, "/dashboard/links/{id}/delete",        For(DeleteLink),        dashboard::link::deletion::delete,    "Delete a link";
    Page,          Post, "/dashboard/links/{id}/destroy",       For(DestroyLink),       dashboard::link::deletion::destroy,   "Permanently delete a link";
    Page,          Get,  "/dashboard/links/{id}/history",       For(ViewHistory),       dashboard::link::history::show,       "Show the history of a link";
    Page,          Post, "/dashboard/links/{id}/people",        For(ManageAccess),      dashboard::link::people::add,         "Add an owner, or share a link";
    Page,          Post, "/dashboard/links/{id}/people/change", For(ManageAccess),      dashboard::link::people::change,      "Remove a person, or set the primary owner";
    Page,          Get,  "/dashboard/links/{id}/qr.png",        For(ViewLink),          dashboard::qr::png,                   "Return the QR code of a link as PNG";
    Page,          Get,  "/dashboard/links/{id}/qr.svg",        For(ViewLink),          dashboard::qr::svg,                   "Return the QR code of a link as SVG";
    Page,          Post, "/dashboard/links/{id}/restore",       For(EditLink),          dashboard::link::history::restore,    "Restore a link, or an earlier version of it";
    Page,          Get,  "/dashboard/links/{id}/stats",         For(ViewClicks),        dashboard::statistics::of_link::show, "Show the statistics of a link";
    Page,          Post, "/dashboard/links/{id}/transfer",      For(ManageOwners),      dashboard::link::people::hand_over,   "Hand over a link";
    Page,          Post, "/dashboard/offers",                   For(AnswerOffers),      dashboard::offers::answer,            "Accept or decline a link";
    Page,          Get,  "/dashboard/placeholders",             For(CreateLink),        dashboard::placeholders::show,        "Show the placeholders of a destination";
    Page,          Get,  "/dashboard/stats",                    For(ListLinks),         dashboard::statistics::own::show,     "Show the statistics of your links";
    Page,          Get,  "/dashboard/suggest",                  For(ListLinks),         dashboard::address_bar::suggest,      "Suggest links in the address bar";
    Page,          Get,  "/dashboard/tools",                    For(CreateLink),        dashboard::tools::show,               "Show tools that create links";
    Page,          Get,  "/links",                              OrAnonymous(ListLinks), public::show,                         "Show the public links";
    Page,          Get,  "/settings",                           For(ViewAccount),       settings::profile::show,              "Show your profile";
    Page,          Post, "/settings",                           For(EditAccount),       settings::profile::rename,            "Change your name";
    Page,          Post, "/settings/password",                  For(EditCredentials),   settings::profile::change_password,   "Change your password";
    Page,          Get,  "/settings/sessions",                  For(ViewAccount),       settings::sessions::show,             "Show your sessions";
    Page,          Post, "/settings/sessions/others",           For(EditCredentials),   settings::sessions::end_others,       "Sign out everywhere else";
    Page,          Post, "/settings/sessions/{id}",             For(EditCredentials),   settings::sessions::end,              "Sign out a session";
    Page,          Get,  "/settings/tokens",                    For(ViewAccount),       settings::tokens::show,               "Show your API tokens";
    Page,          Post, "/settings/tokens",                    For(EditCredentials),   settings::tokens::create,             "Create an API token";
    Page,          Post, "/settings/tokens/{id}",               For(EditCredentials),   settings::tokens::revoke,             "Revoke an API token";
    Page,          Get,  "/setup",                              Open,                   auth::setup::show,                    "Show the page that creates the first admin";
    Page,          Post, "/setup",                              Open,                   auth::setup::submit,                  "Create the first admin";
    Documentation, Get,  "/static/{name}",                      Open,                   assets::answer,                       "Return a file that pages load";
}.into_iter() }

pub(crate) static ROUTES: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = redirects().chain(root_files()).chain(operations());
    rows.chain(pages()).collect()
});

/// Returns the OpenAPI document of each operation.
pub(crate) fn descriptions() -> impl Iterator<Item = &'static OpenApiDocument> {
    ROUTES.iter().filter_map(|row| row.description.as_deref())
}

/// First words of planned pages, reserved before the pages exist. Otherwise a link could claim the
/// word as its code, and the page would later make that link unreachable.
const PLANNED: &[&str] = &["assets", "keywords", "oidc", "tags", "tokens", "users"];

/// Words that visitors take for a part of the server, or that programs request from every server.
/// A link with such a code could imitate the sign-in page.
const DECEPTIVE: &[&str] = &[
    "2fa",
    "account",
    "accounts",
    "administrator",
    "css",
    "favicon",
    "fonts",
    "graphql",
    "healthz",
    "js",
    "livez",
    "log-in",
    "log-out",
    "log_in",
    "log_out",
    "login",
    "logoff",
    "logon",
    "logout",
    "manifest",
    "mfa",
    "oauth",
    "oauth2",
    "openapi",
    "opensearch",
    "passkey",
    "passkeys",
    "password",
    "passwords",
    "readyz",
    "register",
    "reset-password",
    "robots",
    "saml",
    "saml2",
    "sign-in",
    "sign-out",
    "sign-up",
    "sign_in",
    "sign_out",
    "sign_up",
    "signin",
    "signout",
    "signup",
    "sitemap",
    "sso",
    "swagger",
    "webauthn",
    "well-known",
];

/// A route, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLine {
    /// The HTTP methods, separated by commas.
    pub methods: &'static str,
    /// The path, with `{…}` for variable parts.
    pub path: &'static str,
    /// What the route does, in one line.
    pub purpose: &'static str,
    /// Whether the route is in the OpenAPI document: all except pages, static files and the
    /// document itself.
    pub documented: bool,
}

/// Returns all routes of the server, by kind: redirects, root files, operations, pages.
pub fn routes() -> impl Iterator<Item = RouteLine> {
    ROUTES.iter().map(|row| RouteLine {
        methods: row.method.names(),
        path: &row.path,
        purpose: &row.purpose,
        documented: row.description.is_some(),
    })
}

/// Returns the words that cannot be claimed as short codes: the first word of every route, those of
/// planned pages, and those that imitate a part of the server. A word that is not a route still
/// redirects if an older link has it.
#[must_use]
pub fn reserved_words() -> ReservedWords {
    let routes: ReservedWords = ROUTES
        .iter()
        .filter_map(|row| row.path.split('/').nth(1))
        // A word with a dot cannot be a code.
        .filter(|word| !word.starts_with('{') && !word.contains('.'))
        .collect();
    routes.and(PLANNED.iter().chain(DECEPTIVE).copied())
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
    fn every_route_is_listed_once() {
        let all: BTreeSet<_> = ROUTES
            .iter()
            .map(|row| (row.method.names(), &row.path))
            .collect();
        assert_eq!(all.len(), ROUTES.len());
    }
}

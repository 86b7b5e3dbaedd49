//! The walk: every route × every kind of caller × every visibility of a link, with the status of
//! the response.
//!
//! The expected statuses are written down here a second time on purpose: a wrong row in
//! `waypost_core::permission`, or a route without a check, disagrees with them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Method, StatusCode};
use time::Duration;
use waypost_api::routes;
use waypost_core::{
    Clock as _, Email, ExternalIdentity, InvitedAs, Link, LinkDetails, LinkId, Role, SessionId,
    SessionSecret, Title, TokenName, UserId, Visibility,
};
use waypost_service::NewToken;
use waypost_store::{
    BlockedHost, BlocklistStore as _, IdentityStore as _, LinkEdit, LinkStore as _, LinkUpdate,
    OrphanStore as _, OrphanTries, SessionStore as _, TokenStore as _, Updated, UserChange,
    UserStore as _,
};
use waypost_store_testkit::samples::Samples;

use crate::people::Somebody;
use crate::setup::{Answer, OPERATOR, TestServer, send};

/// The callers, in the order of the columns below.
const CALLERS: [&str; 18] = [
    "anonymous",
    "a stranger",
    "a viewer",
    "a co-owner",
    "the owner",
    "an admin",
    "an admin, with a token without `admin`",
    "a disabled owner",
    "the owner, with an expired token",
    "the owner, with a revoked token",
    "the owner, with a token with the scope `read`",
    "the owner, with a token with the scope `write`",
    "the operator",
    "a stranger, by session",
    "the owner, by session",
    "an admin, by session",
    "the owner, by a session that was signed out",
    "a disabled owner, by session",
];

/// Placeholders for the secret of a new session and of one that was signed out.
const SESSION: &str = "a session";
const ENDED_SESSION: &str = "an ended session";

/// The CSRF token of all callers with a session.
const CSRF: &str = "5d7c5b1c6f4a4bb0a1f0a4a1f2b3c4d5";

/// The status of success of the entry.
const OK: u16 = 0;

/// The statuses for each caller.
type Answers = [u16; CALLERS.len()];

/// The statuses for each caller, by the visibility of the link.
struct Row {
    public: Answers,
    private: Answers,
    secure: Answers,
}

impl Row {
    const fn same(answers: Answers) -> Self {
        Self {
            public: answers,
            private: answers,
            secure: answers,
        }
    }

    const fn hidden(public: Answers, other: Answers) -> Self {
        Self {
            public,
            private: other,
            secure: other,
        }
    }
}

#[rustfmt::skip]
mod rows {
    use super::{OK, Row};

    // anon stra shar co-o ownr admn lack disa expi revo read writ oper s:st s:ow s:ad s:en s:di
    pub(super) const OPEN: &Row = &Row::same([OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK ]);
    /// Signed-in users are redirected at once.
    pub(super) const PAGE: &Row = &Row::same([OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  303, 303, 303, OK,  OK ]);
    pub(super) const LIST: &Row = &Row::same([401, OK,  OK,  OK,  OK,  OK,  OK,  401, 401, 401, OK,  403, OK,  OK,  OK,  OK,  401, 401]);
    pub(super) const MAKE: &Row = &Row::same([401, OK,  OK,  OK,  OK,  OK,  OK,  401, 401, 401, 403, OK,  OK,  OK,  OK,  OK,  401, 401]);
    /// Requires a user, which the operator is not.
    pub(super) const SELF: &Row = &Row::same([401, OK,  OK,  OK,  OK,  OK,  OK,  401, 401, 401, OK,  403, 403, OK,  OK,  OK,  401, 401]);
    pub(super) const EDIT_SELF: &Row
                                = &Row::same([401, OK,  OK,  OK,  OK,  OK,  OK,  401, 401, 401, 403, OK,  403, OK,  OK,  OK,  401, 401]);
    /// Requires a session.
    pub(super) const SIGN_IN: &Row
                                = &Row::same([401, 403, 403, 403, 403, 403, 403, 401, 401, 401, 403, 403, 403, OK,  OK,  OK,  401, 401]);
    /// Requires a session of an admin, or the operator.
    pub(super) const ADMIN_SIGN_IN: &Row
                                = &Row::same([401, 403, 403, 403, 403, 403, 403, 401, 401, 401, 403, 403, OK,  403, 403, OK,  401, 401]);
    pub(super) const ADMIN: &Row
                                = &Row::same([401, 403, 403, 403, 403, OK,  403, 401, 401, 401, 403, 403, OK,  403, 403, OK,  401, 401]);
    /// Anyone can follow it with any token, unless it is secure.
    pub(super) const FOLLOW: &Row = &Row {
        public:                              [OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK ],
        private:                             [OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK,  OK ],
        secure:                              [401, 403, OK,  OK,  OK,  OK,  403, 401, 401, 401, OK,  403, OK,  403, OK,  OK,  401, 401],
    };
    /// Seeing the link.
    pub(super) const VIEW: &Row = &Row::hidden(
                                             [401, OK,  OK,  OK,  OK,  OK,  OK,  401, 401, 401, OK,  403, OK,  OK,  OK,  OK,  401, 401],
                                             [401, 404, OK,  OK,  OK,  OK,  404, 401, 401, 401, OK,  403, OK,  404, OK,  OK,  401, 401],
    );
    /// A page for signed-in users. Others are redirected to sign in, with any token.
    pub(super) const MEMBERS: &Row
                                = &Row::same([303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, OK,  OK,  OK,  303, 303]);
    /// A page about a link, for users who can see it.
    pub(super) const VIEW_PAGE: &Row = &Row::hidden(
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, OK,  OK,  OK,  303, 303],
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 404, OK,  OK,  303, 303],
    );
    /// The page of an own link, and of one that an admin permanently deletes.
    pub(super) const OWN_LINK: &Row = &Row::hidden(
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 403, OK,  OK,  303, 303],
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 404, OK,  OK,  303, 303],
    );
    pub(super) const DESTROY_LINK: &Row = &Row::hidden(
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 403, 403, OK,  303, 303],
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 404, 403, OK,  303, 303],
    );
    /// An admin page.
    pub(super) const ADMINS: &Row
                                = &Row::same([303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 403, 403, OK,  303, 303]);
    /// Seeing details for owners only.
    pub(super) const INSPECT: &Row = &Row::hidden(
                                             [401, 403, 403, OK,  OK,  OK,  403, 401, 401, 401, OK,  403, OK,  403, OK,  OK,  401, 401],
                                             [401, 404, 403, OK,  OK,  OK,  404, 401, 401, 401, OK,  403, OK,  404, OK,  OK,  401, 401],
    );
    /// A page with details for owners only.
    pub(super) const INSPECT_PAGE: &Row = &Row::hidden(
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 403, OK,  OK,  303, 303],
                                             [303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 303, 404, OK,  OK,  303, 303],
    );
    /// Changing the link.
    pub(super) const CHANGE: &Row = &Row::hidden(
                                             [401, 403, 403, OK,  OK,  OK,  403, 401, 401, 401, 403, OK,  OK,  403, OK,  OK,  401, 401],
                                             [401, 404, 403, OK,  OK,  OK,  404, 401, 401, 401, 403, OK,  OK,  404, OK,  OK,  401, 401],
    );
    /// Handing over the link and removing other owners.
    pub(super) const OWN: &Row = &Row::hidden(
                                             [401, 403, 403, 403, OK,  OK,  403, 401, 401, 401, 403, OK,  OK,  403, OK,  OK,  401, 401],
                                             [401, 404, 403, 403, OK,  OK,  404, 401, 401, 401, 403, OK,  OK,  404, OK,  OK,  401, 401],
    );
    /// Permanently deleting the link.
    pub(super) const DESTROY: &Row = &Row::hidden(
                                             [401, 403, 403, 403, 403, OK,  403, 401, 401, 401, 403, 403, OK,  403, 403, OK,  401, 401],
                                             [401, 404, 403, 403, 403, OK,  404, 401, 401, 401, 403, 403, OK,  404, 403, OK,  401, 401],
    );
}
use rows::{
    ADMIN, ADMIN_SIGN_IN, ADMINS, CHANGE, DESTROY, DESTROY_LINK, EDIT_SELF, FOLLOW, INSPECT,
    INSPECT_PAGE, LIST, MAKE, MEMBERS, OPEN, OWN, OWN_LINK, PAGE, SELF, SIGN_IN, VIEW, VIEW_PAGE,
};

/// A route as `routes()` returns it, the request (words in braces are filled in, see
/// [`Stage::fill`]), the status of success, and the expected statuses.
struct Entry(&'static str, &'static str, &'static str, u16, &'static Row);

const LINK: &str = r#"{"url":"https://example.com/made"}"#;
const WHO: &str = r#"{"email":"somebody@example.com"}"#;
const WHO_ADDRESS: &str = "somebody@example.com";

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    Entry("POST /shorten",                              "/shorten",                                 LINK, 201, MAKE),
    Entry("GET, HEAD /urls",                            "/urls",                                    "",   200, LIST),
    Entry("GET, HEAD /health",                          "/health",                                  "",   200, OPEN),
    Entry("GET, HEAD /metrics",                         "/metrics",                                 "",   200, ADMIN),
    Entry("GET, HEAD /{code}",                          "/{code}",                                  "",   302, FOLLOW),
    Entry("GET, HEAD /{code}/{rest}",                   "/{code}/rest",                             "",   302, FOLLOW),
    Entry("GET, HEAD /{code}+",                         "/{code}+",                                 "",   200, FOLLOW),
    Entry("GET, HEAD /robots.txt",                      "/robots.txt",                              "",   200, OPEN),
    Entry("GET, HEAD /opensearch.xml",                  "/opensearch.xml",                          "",   200, OPEN),
    Entry("GET, HEAD /manifest.webmanifest",            "/manifest.webmanifest",                    "",   200, OPEN),
    Entry("DELETE /urls/{code}",                        "/urls/{code}",                             "",   204, CHANGE),
    Entry("GET, HEAD /urls/{code}/stats",               "/urls/{code}/stats",                       "",   200, INSPECT),
    Entry("GET, HEAD /health/ready",                    "/health/ready",                            "",   200, OPEN),
    Entry("GET, HEAD /api/v1/links",                    "/api/v1/links",                            "",   200, LIST),
    Entry("POST /api/v1/links",                         "/api/v1/links",                            LINK, 201, MAKE),
    Entry("POST /api/v1/links/bulk",                    "/api/v1/links/bulk",   r#"{"links":[{"url":"https://example.com/"}]}"#, 200, MAKE),
    Entry("GET, HEAD /api/v1/links/{id}",               "/api/v1/links/{link}",                     "",   200, VIEW),
    Entry("PATCH /api/v1/links/{id}",                   "/api/v1/links/{link}",     r#"{"title":"New"}"#, 200, CHANGE),
    Entry("PUT /api/v1/links/{id}",                     "/api/v1/links/{link}",     r#"{"url":"https://example.com/","code":"{code}-new"}"#, 200, CHANGE),
    Entry("DELETE /api/v1/links/{id}",                  "/api/v1/links/{link}",                     "",   204, CHANGE),
    Entry("DELETE /api/v1/links/{id}",                  "/api/v1/links/{link}?permanent=true",      "",   204, DESTROY),
    Entry("POST /api/v1/links/{id}/restore",            "/api/v1/links/{link}/restore",             "",   200, CHANGE),
    Entry("POST /api/v1/links/{id}/restore",            "/api/v1/links/{link}/restore",   r#"{"version":1}"#, 200, CHANGE),
    Entry("GET, HEAD /api/v1/links/{id}/history",       "/api/v1/links/{link}/history",             "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/below",         "/api/v1/links/{link}/below",               "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/stats",               "/api/v1/links/{link}/stats",               "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/breakdown",           "/api/v1/links/{link}/breakdown?by=os",     "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/clicks",              "/api/v1/links/{link}/clicks",              "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/clicks.csv",          "/api/v1/links/{link}/clicks.csv",          "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/clicks.ndjson",       "/api/v1/links/{link}/clicks.ndjson",       "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/live",          "/api/v1/links/{link}/live",                "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/stats",                          "/api/v1/stats",                            "",   200, LIST),
    Entry("GET, HEAD /api/v1/links/{id}/owners",        "/api/v1/links/{link}/owners",              "",   200, VIEW),
    Entry("POST /api/v1/links/{id}/owners",             "/api/v1/links/{link}/owners",              WHO,  201, CHANGE),
    Entry("DELETE /api/v1/links/{id}/owners/{user}",    "/api/v1/links/{link}/owners/{co-owner}",   "",   204, CHANGE),
    Entry("DELETE /api/v1/links/{id}/owners/{user}",    "/api/v1/links/{link}/owners/{disabled}",   "",   204, OWN),
    Entry("GET, HEAD /api/v1/links/{id}/invitations",   "/api/v1/links/{link}/invitations",         "",   200, INSPECT),
    Entry("GET, HEAD /api/v1/links/{id}/transfer",      "/api/v1/links/{link}/transfer{offer}",     "",   200, INSPECT),
    Entry("POST /api/v1/links/{id}/transfer",           "/api/v1/links/{link}/transfer",            WHO,  201, OWN),
    Entry("DELETE /api/v1/links/{id}/transfer",         "/api/v1/links/{link}/transfer{offer}",     "",   204, OWN),
    Entry("GET, HEAD /api/v1/offers",                   "/api/v1/offers",                           "",   200, LIST),
    Entry("POST /api/v1/offers/{id}/accept",            "/api/v1/offers/{offered}/accept",          "",   200, EDIT_SELF),
    Entry("POST /api/v1/offers/{id}/decline",           "/api/v1/offers/{offered}/decline",         "",   204, EDIT_SELF),
    Entry("GET, HEAD /api/v1/links/{id}/shares",        "/api/v1/links/{link}/shares",              "",   200, INSPECT),
    Entry("POST /api/v1/links/{id}/shares",             "/api/v1/links/{link}/shares",              WHO,  201, CHANGE),
    Entry("DELETE /api/v1/links/{id}/shares/{user}",    "/api/v1/links/{link}/shares/{recipient}",  "",   204, CHANGE),
    Entry("GET, HEAD /api/v1/tags",                     "/api/v1/tags",                             "",   200, LIST),
    Entry("GET, HEAD /api/v1/tags/{name}/links",        "/api/v1/tags/docs/links",                  "",   200, LIST),
    Entry("GET, HEAD /api/v1/tokens",                   "/api/v1/tokens",                           "",   200, SELF),
    Entry("POST /api/v1/tokens",                        "/api/v1/tokens",       r#"{"name":"new"}"#,      201, SIGN_IN),
    Entry("DELETE /api/v1/tokens/{id}",                 "/api/v1/tokens/{token}",                   "",   204, SIGN_IN),
    Entry("GET, HEAD /api/v1/users/me",                 "/api/v1/users/me",                         "",   200, SELF),
    Entry("PATCH /api/v1/users/me",                     "/api/v1/users/me",  r#"{"display_name":"New"}"#, 200, EDIT_SELF),
    Entry("POST /api/v1/users/me/password",             "/api/v1/users/me/password", r#"{"current_password":"","new_password":"too short"}"#, 400, SIGN_IN),
    Entry("GET, HEAD /api/v1/sessions",                 "/api/v1/sessions",                         "",   200, SELF),
    Entry("DELETE /api/v1/sessions",                    "/api/v1/sessions",                         "",   204, SIGN_IN),
    Entry("DELETE /api/v1/sessions/{id}",               "/api/v1/sessions/{session}",               "",   204, SIGN_IN),
    Entry("GET, HEAD /api/v1/admin/users",              "/api/v1/admin/users",                      "",   200, ADMIN),
    Entry("PATCH /api/v1/admin/users/{id}",             "/api/v1/admin/users/{victim}",  r#"{"disabled":true}"#, 200, ADMIN),
    Entry("PATCH /api/v1/admin/users/{id}",             "/api/v1/admin/users/{victim}",  r#"{"role":"admin"}"#, 200, ADMIN_SIGN_IN),
    Entry("PATCH /api/v1/admin/users/{id}",             "/api/v1/admin/users/{victim}",  r#"{"email":"{code}@changed.example"}"#, 200, ADMIN_SIGN_IN),
    Entry("GET, HEAD /api/v1/admin/users/{id}/identities", "/api/v1/admin/users/{victim}/identities", "", 200, ADMIN),
    Entry("DELETE /api/v1/admin/users/{id}/identities/{identity}", "/api/v1/admin/users/{victim}/identities/{identity}", "", 204, ADMIN_SIGN_IN),
    Entry("POST /api/v1/admin/users/{id}/password",     "/api/v1/admin/users/{victim}/password", r#"{"new_password":"correct horse"}"#, 200, ADMIN_SIGN_IN),
    Entry("DELETE /api/v1/admin/users/{id}",            "/api/v1/admin/users/{victim}?links=delete", "",  204, ADMIN),
    Entry("GET, HEAD /api/v1/admin/links",              "/api/v1/admin/links",                      "",   200, ADMIN),
    Entry("GET, HEAD /api/v1/admin/audit",              "/api/v1/admin/audit",                      "",   200, ADMIN),
    Entry("GET, HEAD /api/v1/admin/foreign-codes",      "/api/v1/admin/foreign-codes",              "",   200, ADMIN),
    Entry("GET, HEAD /api/v1/keywords",                 "/api/v1/keywords",                         "",   200, ADMIN),
    Entry("POST /api/v1/keywords",                      "/api/v1/keywords", r#"{"keyword":"{code}-keyword","url":"https://example.com/{slug}"}"#, 201, ADMIN),
    Entry("DELETE /api/v1/keywords/{keyword}",          "/api/v1/keywords/{keyword}",               "",   204, ADMIN),
    Entry("GET, HEAD /api/v1/explain",                  "/api/v1/explain?url=/{code}",              "",   200, LIST),
    Entry("GET, HEAD /auth/login",                      "/auth/login?redirect=/wiki",               "",   200, PAGE),
    Entry("POST /auth/login",                           "/auth/login",                              "",   415, OPEN),
    Entry("GET, HEAD /auth/logout",                     "/auth/logout",                             "",   200, OPEN),
    Entry("POST /auth/logout",                          "/auth/logout",                             "",   415, OPEN),
    Entry("GET, HEAD /auth/oidc/login",                 "/auth/oidc/login?redirect=/wiki",          "",   404, OPEN),
    Entry("GET, HEAD /auth/oidc/callback",              "/auth/oidc/callback?code=a&state=b",       "",   404, OPEN),
    Entry("GET, HEAD /setup",                           "/setup?token=guessed",                     "",   410, OPEN),
    Entry("POST /setup",                                "/setup",                                   "",   415, OPEN),
    Entry("GET, HEAD /static/{name}",                   "/static/app.css",                          "",   200, OPEN),
    Entry("GET, HEAD /dashboard",                       "/dashboard",                               "",   200, MEMBERS),
    Entry("POST /dashboard",                            "/dashboard",           "csrf={csrf}&target=https://example.com/made", 303, MEMBERS),
    Entry("GET, HEAD /dashboard/links/{id}/qr.svg",     "/dashboard/links/{link}/qr.svg",           "",   200, VIEW_PAGE),
    Entry("GET, HEAD /dashboard/links/{id}/qr.png",     "/dashboard/links/{link}/qr.png?size=100",  "",   200, VIEW_PAGE),
    Entry("GET, HEAD /dashboard/links/{id}",            "/dashboard/links/{link}",                  "",   200, VIEW_PAGE),
    Entry("POST /dashboard/links/{id}",                 "/dashboard/links/{link}",                  "csrf={csrf}&version=4&target=https://example.com/new&code={code}-new&visibility=public", 303, OWN_LINK),
    Entry("GET, HEAD /dashboard/links/{id}/history",    "/dashboard/links/{link}/history",          "",   200, OWN_LINK),
    Entry("GET, HEAD /dashboard/links/{id}/below",      "/dashboard/links/{link}/below",            "",   200, OWN_LINK),
    Entry("POST /dashboard/links/{id}/restore",         "/dashboard/links/{link}/restore",          "csrf={csrf}", 303, OWN_LINK),
    Entry("POST /dashboard/links/{id}/restore",         "/dashboard/links/{link}/restore",          "csrf={csrf}&version=4&to=1", 303, OWN_LINK),
    Entry("POST /dashboard/links/{id}/people",          "/dashboard/links/{link}/people",           "csrf={csrf}&email=somebody@example.com&role=viewer", 303, OWN_LINK),
    Entry("POST /dashboard/links/{id}/people/change",   "/dashboard/links/{link}/people/change",    "csrf={csrf}&remove_owner={co-owner}", 303, OWN_LINK),
    Entry("POST /dashboard/links/{id}/transfer",        "/dashboard/links/{link}/transfer",         "csrf={csrf}&email=somebody@example.com", 303, OWN_LINK),
    Entry("POST /dashboard/offers",                     "/dashboard/offers",                        "csrf={csrf}&link={offered}&answer=accept", 303, MEMBERS),
    Entry("POST /dashboard/links/{id}/delete",          "/dashboard/links/{link}/delete",           "csrf={csrf}&version=4", 303, OWN_LINK),
    Entry("POST /dashboard/links/{id}/destroy",         "/dashboard/links/{link}/destroy",          "csrf={csrf}&version=4", 303, DESTROY_LINK),
    Entry("GET, HEAD /dashboard/deleted",               "/dashboard/deleted",                       "",   200, MEMBERS),
    Entry("GET, HEAD /dashboard/codes/check",           "/dashboard/codes/check?code=free",         "",   200, MEMBERS),
    Entry("GET, HEAD /dashboard/placeholders",          "/dashboard/placeholders?target=x",         "",   200, MEMBERS),
    Entry("GET, HEAD /dashboard/stats",                 "/dashboard/stats",                         "",   200, MEMBERS),
    Entry("GET, HEAD /dashboard/links/{id}/stats",      "/dashboard/links/{link}/stats",            "",   200, INSPECT_PAGE),
    Entry("GET, HEAD /settings",                            "/settings",                               "",   200, MEMBERS),
    Entry("POST /settings",                                 "/settings",                               "csrf={csrf}&display_name=New", 303, MEMBERS),
    Entry("POST /settings/password",                        "/settings/password",                      "csrf={csrf}&current_password=&new_password=short", 422, MEMBERS),
    Entry("GET, HEAD /settings/sessions",                   "/settings/sessions",                      "",   200, MEMBERS),
    Entry("POST /settings/sessions/others",                 "/settings/sessions/others",               "csrf={csrf}", 303, MEMBERS),
    Entry("POST /settings/sessions/{id}",                   "/settings/sessions/{session}",            "csrf={csrf}", 303, MEMBERS),
    Entry("GET, HEAD /settings/tokens",                     "/settings/tokens",                        "",   200, MEMBERS),
    Entry("POST /settings/tokens",                          "/settings/tokens",                        "csrf={csrf}&name=new&read=on", 201, MEMBERS),
    Entry("POST /settings/tokens/{id}",                     "/settings/tokens/{token}",                "csrf={csrf}", 303, MEMBERS),
    Entry("GET, HEAD /admin",                               "/admin?q=a",                              "",   200, ADMINS),
    Entry("POST /admin",                                    "/admin",                                  "csrf={csrf}&email={code}@example.com&role=member&password=correct-horse", 303, ADMINS),
    Entry("GET, HEAD /admin/users/{id}",                    "/admin/users/{victim}",                   "",   200, ADMINS),
    Entry("POST /admin/users/{id}",                         "/admin/users/{victim}",                   "csrf={csrf}&email={code}@changed.example&role=admin", 303, ADMINS),
    Entry("POST /admin/users/{id}/identities",              "/admin/users/{victim}/identities",        "csrf={csrf}&identity={identity}", 303, ADMINS),
    Entry("POST /admin/users/{id}/password",                "/admin/users/{victim}/password",          "csrf={csrf}&new_password=correct-horse", 303, ADMINS),
    Entry("POST /admin/users/{id}/state",                   "/admin/users/{victim}/state",             "csrf={csrf}&disabled=true", 303, ADMINS),
    Entry("GET, HEAD /admin/users/{id}/delete",             "/admin/users/{victim}/delete",            "",   200, ADMINS),
    Entry("POST /admin/users/{id}/delete",                  "/admin/users/{victim}/delete",            "csrf={csrf}&links=delete", 303, ADMINS),
    Entry("GET, HEAD /admin/links",                         "/admin/links?q=&owner=",                  "",   200, ADMINS),
    Entry("GET, HEAD /admin/audit",                         "/admin/audit",                            "",   200, ADMINS),
    Entry("GET, HEAD /admin/foreign-codes",                 "/admin/foreign-codes",                    "",   200, ADMINS),
    Entry("GET, HEAD /admin/keywords",                      "/admin/keywords",                         "",   200, ADMINS),
    Entry("POST /admin/keywords",                           "/admin/keywords",                         "csrf={csrf}&code={code}-keyword&target=https://example.com/{slug}", 303, ADMINS),
    Entry("GET, HEAD /admin/keywords/{id}",                 "/admin/keywords/{keyword-id}",            "",   200, ADMINS),
    Entry("POST /admin/keywords/{id}",                      "/admin/keywords/{keyword-id}",            "csrf={csrf}&code={code}-keyword&target=https://example.com/{slug}", 303, ADMINS),
    Entry("POST /admin/keywords/{id}/remove",               "/admin/keywords/{keyword-id}/remove",     "csrf={csrf}", 303, ADMINS),
    Entry("GET, HEAD /admin/orphans",                       "/admin/orphans",                          "",   200, ADMINS),
    Entry("POST /admin/orphans",                            "/admin/orphans",                          "csrf={csrf}&path={orphan}", 303, ADMINS),
    Entry("GET, HEAD /admin/blocklist",                     "/admin/blocklist",                        "",   200, ADMINS),
    Entry("POST /admin/blocklist",                          "/admin/blocklist",                        "csrf={csrf}&pattern={code}.example", 303, ADMINS),
    Entry("POST /admin/blocklist/remove",                   "/admin/blocklist/remove",                 "csrf={csrf}&pattern={blocked}", 303, ADMINS),
    Entry("GET, HEAD /admin/system",                        "/admin/system",                           "",   200, ADMINS),
    Entry("GET, HEAD /dashboard/tools",                 "/dashboard/tools",                         "",   200, MEMBERS),
    Entry("GET, HEAD /dashboard/go",                    "/dashboard/go?q={code}",                   "",   303, OPEN),
    Entry("GET, HEAD /dashboard/suggest",               "/dashboard/suggest?q={code}",              "",   200, MEMBERS),
    Entry("GET, HEAD /links",                           "/links",                                   "",   200, MEMBERS),
    Entry("GET, HEAD /api/v1/admin/blocklist",          "/api/v1/admin/blocklist",                  "",   200, ADMIN),
    Entry("POST /api/v1/admin/blocklist",               "/api/v1/admin/blocklist", r#"{"pattern":"{code}.example"}"#, 201, ADMIN),
    Entry("DELETE /api/v1/admin/blocklist/{pattern}",   "/api/v1/admin/blocklist/{blocked}",        "",   204, ADMIN),
    Entry("GET, HEAD /api/v1/admin/orphans",            "/api/v1/admin/orphans",                    "",   200, ADMIN),
    Entry("DELETE /api/v1/admin/orphans/{path}",        "/api/v1/admin/orphans/{orphan}",           "",   204, ADMIN),
    Entry("GET, HEAD /api/openapi.json",                "/api/openapi.json",                        "",   200, OPEN),
    Entry("GET, HEAD /api/docs",                        "/api/docs",                                "",   302, OPEN),
    Entry("GET, HEAD /api/docs/{file:.*}",              "/api/docs/index.html",                     "",   200, OPEN),
];

/// A server with all callers.
struct Stage {
    server: TestServer,
    samples: Samples,
    named: AtomicU64,
    owner: Somebody,
    co_owner: Somebody,
    recipient: Somebody,
    disabled: Somebody,
    identity: Mutex<String>,
    /// The token of each caller and its user.
    callers: Vec<(String, Option<UserId>)>,
}

impl Stage {
    async fn set() -> Self {
        let server = TestServer::closed().await;
        let [owner, co_owner, recipient, stranger, disabled, _] = [
            server.member("owner").await,
            server.member("co-owner").await,
            server.member("recipient").await,
            server.member("stranger").await,
            server.member("disabled").await,
            server.member("somebody").await,
        ];
        let admin = server.admin("admin").await;
        let (store, now) = (server.store.memory(), server.clock.now());
        let disable = UserChange {
            disabled_at: Some(Some(now)),
            ..UserChange::default()
        };
        store.change_user(disabled.id, &disable).await.unwrap();
        let user = store.user(owner.id).await.unwrap().unwrap();
        assert_eq!(user.role, Role::Member);
        let new = |expires_at| NewToken {
            name: TokenName::parse("walk").unwrap(),
            scopes: "read,write".parse().unwrap(),
            expires_at,
        };
        let expiring = server
            .accounts
            .create_token(&user, new(Some(now + Duration::HOUR)));
        let (_, expired) = expiring.await.unwrap();
        let (token, revoked) = server
            .accounts
            .create_token(&user, new(None))
            .await
            .unwrap();
        assert!(store.revoke_token(owner.id, token.id, now).await.unwrap());
        server.clock.advance(Duration::HOUR);
        let lacking = server.token(admin.id, "read,write").await;
        let reading = server.token(owner.id, "read").await;
        let writing = server.token(owner.id, "write").await;
        let callers = vec![
            (String::new(), None),
            (stranger.token.clone(), Some(stranger.id)),
            (recipient.token.clone(), Some(recipient.id)),
            (co_owner.token.clone(), Some(co_owner.id)),
            (owner.token.clone(), Some(owner.id)),
            (admin.token, Some(admin.id)),
            (lacking, Some(admin.id)),
            (disabled.token.clone(), Some(disabled.id)),
            (expired.reveal().to_owned(), Some(owner.id)),
            (revoked.reveal().to_owned(), Some(owner.id)),
            (reading, Some(owner.id)),
            (writing, Some(owner.id)),
            (OPERATOR.to_owned(), None),
            (SESSION.to_owned(), Some(stranger.id)),
            (SESSION.to_owned(), Some(owner.id)),
            (SESSION.to_owned(), Some(admin.id)),
            (ENDED_SESSION.to_owned(), Some(owner.id)),
            (SESSION.to_owned(), Some(disabled.id)),
        ];
        Self {
            server,
            samples: Samples::new(1),
            named: AtomicU64::new(0),
            owner,
            co_owner,
            recipient,
            disabled,
            identity: Mutex::default(),
            callers,
        }
    }

    /// Returns an unused name.
    fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    async fn update(&self, link: Link, edit: LinkEdit) -> Link {
        let update = LinkUpdate {
            link: link.id,
            version: link.version,
            by: Some(self.owner.id),
            at: self.server.clock.now(),
            edit,
        };
        match self.server.store.memory().update_link(&update).await {
            Ok(Updated::Done(link)) => link,
            other => panic!("{other:?}"),
        }
    }

    /// Creates a link with owners and shares.
    async fn link(&self, visibility: Visibility) -> Link {
        let code = self.name("walk");
        let mut link = self.samples.link(&code);
        link.details = LinkDetails {
            visibility,
            ..LinkDetails::default()
        };
        let store = self.server.store.memory();
        store.insert_link(&link, Some(self.owner.id)).await.unwrap();
        for edit in [
            LinkEdit::AddOwner(self.co_owner.id),
            LinkEdit::AddOwner(self.disabled.id),
            LinkEdit::Share(self.recipient.id),
        ] {
            link = self.update(link, edit).await;
        }
        link
    }

    /// Creates a secure link without an owner.
    async fn hidden_link(&self) -> Link {
        let mut link = self.samples.link(&self.name("offered"));
        link.details.visibility = Visibility::Secure;
        let store = self.server.store.memory();
        store.insert_link(&link, None).await.unwrap();
        link
    }

    /// Offers a link to somebody, if it exists.
    async fn offer(&self, link: &str, email: &str) {
        let id = LinkId::from_uuid(link.parse().unwrap());
        if let Some(link) = self.server.store.memory().link(id).await.unwrap() {
            let email = Email::parse(email).unwrap();
            self.update(link, LinkEdit::Invite(InvitedAs::PrimaryOwner, email))
                .await;
        }
    }

    /// Fills in a text. `{offer}` is empty and offers the link to somebody, `{offered}` is a link
    /// that is offered to the caller. `{victim}` is a new user,
    /// `{identity}` the OpenID account of the last one, `{token}` a new token and `{session}` a new
    /// session of the caller.
    async fn fill(&self, text: &str, link: &str, code: &str, caller: Option<UserId>) -> String {
        let mut text = text
            .replace("{link}", link)
            .replace("{code}", code)
            .replace("{co-owner}", &self.co_owner.id.to_string())
            .replace("{csrf}", CSRF)
            .replace("{recipient}", &self.recipient.id.to_string());
        text = text.replace("{disabled}", &self.disabled.id.to_string());
        if text.contains("{offer}") {
            self.offer(link, WHO_ADDRESS).await;
            text = text.replace("{offer}", "");
        }
        if text.contains("{offered}") {
            let email = match caller {
                Some(user) => {
                    let user = self.server.store.memory().user(user).await.unwrap();
                    user.unwrap().email.as_str().to_owned()
                }
                None => WHO_ADDRESS.to_owned(),
            };
            let id = self.hidden_link().await.id.to_string();
            self.offer(&id, &email).await;
            text = text.replace("{offered}", &id);
        }
        if text.contains("{victim}") {
            let name = self.name("victim");
            let victim = self.server.member(&name).await.id;
            text = text.replace("{victim}", &victim.to_string());
            let identity = ExternalIdentity::parse("https://id.example", &name).unwrap();
            let (store, now) = (self.server.store.memory(), self.server.clock.now());
            let inserted = store.insert_identity(&identity, victim, false, now);
            inserted.await.unwrap();
            *self.identity.lock().unwrap() = identity.id();
        }
        text = text.replace("{identity}", &self.identity.lock().unwrap());
        if text.contains("{keyword") {
            let keyword = Link {
                is_keyword: true,
                ..self.samples.link(&self.name("keyword"))
            };
            let store = self.server.store.memory();
            store.insert_link(&keyword, None).await.unwrap();
            text = text.replace("{keyword}", keyword.code.as_str());
            text = text.replace("{keyword-id}", &keyword.id.to_string());
        }
        if text.contains("{blocked}") {
            let blocked = BlockedHost {
                pattern: format!("{}.example", self.name("blocked")).parse().unwrap(),
                reason: Title::default(),
                created_by: None,
                created_at: self.server.clock.now(),
            };
            self.server
                .store
                .memory()
                .block_host(&blocked)
                .await
                .unwrap();
            text = text.replace("{blocked}", blocked.pattern.as_str());
        }
        if text.contains("{orphan}") {
            let now = self.server.clock.now();
            let tries = OrphanTries {
                day: now.date(),
                path: self.name("orphan").parse().unwrap(),
                hits: 1,
                first_at: now,
                last_at: now,
            };
            let store = self.server.store.memory();
            let path = tries.path.clone();
            store.add_orphans(&[tries], u32::MAX).await.unwrap();
            text = text.replace("{orphan}", path.as_str());
        }
        if text.contains("{token}") {
            let mut token = self.owner.id.to_string();
            if let Some(user) = caller {
                token = self.server.token_with_id(user, "read").await.0.to_string();
            }
            text = text.replace("{token}", &token);
        }
        if text.contains("{session}") {
            let (session, _) = self.session(caller.unwrap_or(self.owner.id), false).await;
            text = text.replace("{session}", &session.to_string());
        }
        text
    }

    /// Opens a session, even for a user who may not have one.
    async fn session(&self, user: UserId, ended: bool) -> (SessionId, String) {
        let store = self.server.store.memory();
        let user = store.user(user).await.unwrap().unwrap();
        let (mut session, secret) = self.samples.session(&user);
        // Recent enough not to be renewed, which would set a cookie.
        session.last_used_at = self.server.clock.now();
        session.ended_at = ended.then_some(session.created_at);
        let inserted = store.insert_session(&session, &secret.hash()).await;
        inserted.unwrap();
        (session.id, secret.reveal().to_owned())
    }

    /// Returns the credentials of a caller: a new session for callers with a session.
    async fn credential(&self, token: &str, user: Option<UserId>) -> String {
        match (token, user) {
            (SESSION | ENDED_SESSION, Some(user)) => {
                self.session(user, token == ENDED_SESSION).await.1
            }
            _ => token.to_owned(),
        }
    }

    async fn send(&self, token: &str, mut method: Method, path: &str, body: &str) -> Answer {
        // A live stream has no end; its headers are enough.
        if path.ends_with("/live") {
            method = Method::HEAD;
        }
        let mut request = if token.starts_with(SessionSecret::PREFIX) {
            let cookie = format!("__Host-waypost_session={token}; __Host-waypost_csrf={CSRF}");
            let request = self.server.request(method, path).header(COOKIE, cookie);
            request.header("Sec-Fetch-Site", "same-origin")
        } else {
            self.server.by(token, method, path)
        };
        if !body.is_empty() {
            let media_type = if body.starts_with('{') {
                "application/json"
            } else {
                "application/x-www-form-urlencoded"
            };
            request = request
                .header(CONTENT_TYPE, media_type)
                .body(body.to_owned());
        }
        send(request).await
    }

    /// Sends an entry as each caller for links of this visibility, and collects unexpected
    /// responses.
    async fn walk(&self, entry: &Entry, visibility: Visibility, wrong: &mut String) {
        let Entry(route, path, body, success, row) = entry;
        let (methods, _) = route.split_once(" /").unwrap();
        let answers = match visibility {
            Visibility::Public => row.public,
            Visibility::Private => row.private,
            Visibility::Secure => row.secure,
        };
        for method in methods.split(", ") {
            for (number, (token, user)) in self.callers.iter().enumerate() {
                let link = self.link(visibility).await;
                let (id, code) = (link.id.to_string(), link.code.as_str());
                let path = self.fill(path, &id, code, *user).await;
                let body = self.fill(body, &id, code, *user).await;
                let method = method.parse().unwrap();
                let token = self.credential(token, *user).await;
                let answer = self.send(&token, method, &path, &body).await;
                let expected = match answers[number] {
                    OK => *success,
                    status => status,
                };
                let status = answer.status.as_u16();
                if status != expected {
                    let caller = CALLERS[number];
                    let line = format!("{route} ({path}), {visibility}, {caller}");
                    writeln!(wrong, "{line}: {status}, not {expected}: {}", answer.body).unwrap();
                }
                let challenge = answer.header("www-authenticate");
                assert_eq!(
                    challenge.starts_with("Bearer"),
                    status == 401 || challenge.contains("insufficient_scope"),
                    "{answer:?}"
                );
            }
        }
    }
}

#[test]
fn the_walk_covers_every_route_and_no_other() {
    let walked: BTreeSet<String> = ENTRIES.iter().map(|entry| entry.0.to_owned()).collect();
    let served: BTreeSet<String> = routes()
        .map(|route| format!("{} {}", route.methods, route.path))
        .collect();
    let missing: Vec<_> = served.difference(&walked).collect();
    assert!(
        missing.is_empty(),
        "add an entry to ENTRIES in walk.rs that lists the statuses of {missing:?}"
    );
    let stale: Vec<_> = walked.difference(&served).collect();
    assert!(
        stale.is_empty(),
        "remove the entries of ENTRIES in walk.rs that have no route: {stale:?}"
    );
}

/// Sends forms without their CSRF token as a signed-in admin.
#[tokio::test]
async fn no_form_of_a_page_is_accepted_without_its_token() {
    let stage = Stage::set().await;
    let forms = ENTRIES.iter().filter(|entry| entry.2.contains("{csrf}"));
    let mut refused = 0;
    for Entry(_, path, body, ..) in forms {
        let link = stage.link(Visibility::Public).await;
        let (id, code) = (link.id.to_string(), link.code.as_str());
        let admin = stage.callers[15].1;
        let path = stage.fill(path, &id, code, admin).await;
        let body = body.replace("{csrf}", "5d7c5b1c6f4a4bb0a1f0a4a1f2b3c4d6");
        let body = stage.fill(&body, &id, code, admin).await;
        let token = stage.credential(SESSION, admin).await;
        let answer = stage.send(&token, Method::POST, &path, &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {answer:?}");
        assert!(answer.body.contains("CSRF"), "{path}: {answer:?}");
        refused += 1;
    }
    assert!(refused >= 1);
}

#[test]
fn every_form_of_a_page_is_walked_with_its_token() {
    let by_json = |route: &str| {
        ["/api/", "/shorten", "/auth/", "/setup"]
            .iter()
            .any(|path| route.starts_with(&format!("POST {path}")))
    };
    let forms = ENTRIES
        .iter()
        .filter(|entry| entry.0.starts_with("POST ") && !by_json(entry.0));
    for Entry(route, _, body, ..) in forms {
        assert!(body.contains("{csrf}"), "{route}: {body}");
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_with_the_expected_status() {
    let stage = Stage::set().await;
    let mut wrong = String::new();
    for entry in ENTRIES {
        for visibility in Visibility::ALL {
            stage.walk(entry, visibility, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{wrong}");
}

/// Returns the parts of a response that a client could distinguish.
fn seen(answer: Answer) -> (StatusCode, Vec<(String, Vec<u8>)>, String) {
    let headers = answer.headers.iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"))
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    // Headers are in the order of a map.
    headers.sort();
    (answer.status, headers, answer.body)
}

#[tokio::test]
async fn a_hidden_link_is_answered_like_a_missing_one() {
    let stage = Stage::set().await;
    let about_links = ENTRIES
        .iter()
        .filter(|entry| entry.1.starts_with("/api/v1/links/{link}"));
    let mut compared = 0;
    for Entry(route, path, body, ..) in about_links {
        let (methods, _) = route.split_once(" /").unwrap();
        // The stranger, the admin without the scope, callers whose tokens have only one of the
        // scopes, and the stranger with a session.
        for caller in [1, 6, 10, 11, 13] {
            let (token, user) = &stage.callers[caller];
            let token = match caller {
                10 => {
                    &stage
                        .server
                        .token(stage.callers[1].1.unwrap(), "read")
                        .await
                }
                11 => {
                    &stage
                        .server
                        .token(stage.callers[1].1.unwrap(), "write")
                        .await
                }
                _ => &stage.credential(token, *user).await,
            };
            for method in methods.split(", ") {
                let deleted = stage.link(Visibility::Public).await;
                let deleted = stage.update(deleted, LinkEdit::Delete).await;
                let private = stage.link(Visibility::Private).await;
                let secure = stage.link(Visibility::Secure).await;
                let nothing = stage.samples.link("nothing");
                let mut answers = Vec::new();
                for link in [&nothing, &private, &secure, &deleted] {
                    let path = stage.fill(path, &link.id.to_string(), "x", *user).await;
                    let body = stage.fill(body, "", "same-code", *user).await;
                    let method = method.parse().unwrap();
                    let answer = stage.send(token, method, &path, &body).await;
                    assert!(matches!(answer.status.as_u16(), 403 | 404), "{answer:?}");
                    answers.push(seen(answer));
                }
                for answer in &answers {
                    assert_eq!(answer, &answers[0], "{method} {path}, {}", CALLERS[caller]);
                }
                if matches!(caller, 1 | 6 | 13) {
                    assert_eq!(answers[0].0, StatusCode::NOT_FOUND, "{method} {path}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 60, "{compared}");
}

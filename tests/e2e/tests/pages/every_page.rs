//! Checks every page for each kind of visitor who sees it differently: valid HTML, no barriers
//! according to axe-core, no complaints of the browser, small size, and a layout that fits every
//! screen in light and dark mode. Screenshots are in `target/screenshots`.

use std::collections::BTreeMap;

use waypost_e2e::chromium::{Chromium, HtmlCheck, LOOKS, Load, NARROW, Tab};

use crate::site::{Site, Who};

/// A page: name, path, visitor and status.
struct Page(&'static str, &'static str, Who, u16);

/// All pages. The [`Site`] fills in placeholders in braces.
const PAGES: [Page; 71] = [
    Page("set-up", "{set-up}", Who::FirstVisitor, 200),
    Page("set-up-refused", "/setup?token=x", Who::FirstVisitor, 410),
    Page("sign-in", "/auth/login", Who::Nobody, 200),
    Page("signed-out", "/auth/logout", Who::Nobody, 200),
    Page("not-found", "/no/such-link", Who::Nobody, 404),
    Page("near", "/quarterly-repor", Who::Nobody, 404),
    Page("expired-visit", "/old-offer", Who::Nobody, 410),
    Page("secure-visit", "/vault", Who::Nobody, 200),
    Page("set-up-gone", "{set-up}", Who::Nobody, 410),
    Page("public-links", "/links", Who::Nobody, 200),
    Page("preview", "/quarterly-report+", Who::Nobody, 200),
    Page("preview-missing", "/nothing-here+", Who::Nobody, 404),
    Page("sign-out", "/auth/logout", Who::Member, 200),
    Page("home", "/dashboard", Who::Member, 200),
    Page("home-made", "/dashboard?created={link}", Who::Member, 200),
    Page(
        "home-found",
        "/dashboard?q=chapter&sort=code",
        Who::Member,
        200,
    ),
    Page(
        "home-nothing",
        "/dashboard?q=nothing-of-this-kind",
        Who::Member,
        200,
    ),
    Page("home-tag", "/dashboard?tag=handbook", Who::Member, 200),
    Page("link", "/dashboard/links/{link}", Who::Member, 200),
    Page("link-wide", "/dashboard/links/{wide}", Who::Member, 200),
    Page(
        "history-wide",
        "/dashboard/links/{wide}/history",
        Who::Member,
        200,
    ),
    Page(
        "stats-wide",
        "/dashboard/links/{wide}/stats",
        Who::Member,
        200,
    ),
    Page(
        "home-wide",
        "/dashboard?created={wide}&q=team_onboarding",
        Who::Member,
        200,
    ),
    Page(
        "home-tag-wide",
        "/dashboard?tag={wide-tag}",
        Who::Member,
        200,
    ),
    Page("preview-wide", "/{wide-code}+", Who::Member, 200),
    Page("near-wide", "/{wide-code}x", Who::Member, 404),
    Page("link-quiet", "/dashboard/links/{quiet}", Who::Member, 200),
    Page("link-shared", "/dashboard/links/{shared}", Who::Member, 200),
    Page(
        "link-expired",
        "/dashboard/links/{expired}",
        Who::Member,
        200,
    ),
    Page(
        "link-deleted",
        "/dashboard/links/{deleted}",
        Who::Member,
        200,
    ),
    Page(
        "history",
        "/dashboard/links/{link}/history",
        Who::Member,
        200,
    ),
    Page("below", "/dashboard/links/{link}/below", Who::Member, 200),
    Page("stats", "/dashboard/links/{link}/stats", Who::Member, 200),
    Page(
        "stats-year",
        "/dashboard/links/{link}/stats?from=2026-01-01&to=2026-11-30",
        Who::Member,
        200,
    ),
    Page(
        "stats-wrong",
        "/dashboard/links/{link}/stats?from=2026-02-01&to=2026-01-30",
        Who::Member,
        422,
    ),
    Page(
        "stats-quiet",
        "/dashboard/links/{quiet}/stats",
        Who::Member,
        200,
    ),
    Page(
        "stats-refused",
        "/dashboard/links/{shared}/stats",
        Who::Member,
        403,
    ),
    Page("own-stats", "/dashboard/stats", Who::Member, 200),
    Page("deleted", "/dashboard/deleted", Who::Member, 200),
    Page("tools", "/dashboard/tools", Who::Member, 200),
    Page("settings", "/settings", Who::Member, 200),
    Page("sessions", "/settings/sessions", Who::Member, 200),
    Page("tokens", "/settings/tokens", Who::Member, 200),
    Page("public-links-member", "/links", Who::Member, 200),
    Page("preview-member", "/quarterly-report+", Who::Member, 200),
    Page("not-found-member", "/no/such-link", Who::Member, 404),
    Page("near-member", "/quarterly-repor", Who::Member, 404),
    Page("secure-refused", "/vault", Who::Member, 403),
    Page("admin-refused", "/admin", Who::Member, 403),
    Page("sign-out-admin", "/auth/logout", Who::Admin, 200),
    Page("home-empty", "/dashboard?q=zzz", Who::Admin, 200),
    Page("home-admin", "/dashboard", Who::Admin, 200),
    Page("link-admin", "/dashboard/links/{link}", Who::Admin, 200),
    Page("users", "/admin", Who::Admin, 200),
    Page("user", "/admin/users/{user}", Who::Admin, 200),
    Page("user-delete", "/admin/users/{user}/delete", Who::Admin, 200),
    Page("all-links", "/admin/links", Who::Admin, 200),
    Page("keywords", "/admin/keywords", Who::Admin, 200),
    Page("keyword", "/admin/keywords/{keyword}", Who::Admin, 200),
    Page("audit", "/admin/audit", Who::Admin, 200),
    Page(
        "link-wide-admin",
        "/dashboard/links/{wide}",
        Who::Admin,
        200,
    ),
    Page("user-wide", "/admin/users/{wide-user}", Who::Admin, 200),
    Page(
        "user-delete-wide",
        "/admin/users/{wide-user}/delete",
        Who::Admin,
        200,
    ),
    Page(
        "keyword-wide",
        "/admin/keywords/{wide-keyword}",
        Who::Admin,
        200,
    ),
    Page(
        "all-links-wide",
        "/admin/links?q=team_onboarding",
        Who::Admin,
        200,
    ),
    Page("foreign-codes", "/admin/foreign-codes", Who::Admin, 200),
    Page("orphans", "/admin/orphans", Who::Admin, 200),
    Page("blocklist", "/admin/blocklist", Who::Admin, 200),
    Page("system", "/admin/system", Who::Admin, 200),
    Page("tokens-admin", "/settings/tokens", Who::Admin, 200),
    Page("not-found-admin", "/quarterly-repor", Who::Admin, 404),
];

/// Maximum size of a page in bytes when it is opened for the first time, including all its files.
const MAX_WEIGHT: u64 = 100 * 1_024;
/// Maximum number of requests for it.
const MAX_REQUESTS: usize = 10;

/// Opens all collapsed parts.
const UNFOLD: &str =
    "document.querySelectorAll('details:not(.menu)').forEach(folded => { folded.open = true })";

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_first_visitor() {
    look_at_all(&Site::empty(), Who::FirstVisitor).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_visitor_without_a_session() {
    look_at_all(&Site::with_data().await, Who::Nobody).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_member() {
    look_at_all(&Site::with_data().await, Who::Member).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_an_admin() {
    look_at_all(&Site::with_data().await, Who::Admin).await;
}

async fn look_at_all(site: &Site, who: Who) {
    let chromium = Chromium::start().await;
    let tab = site.tab(&chromium, who).await;
    let mut html = HtmlCheck::new();
    let mut problems = Problems::default();
    for page in PAGES.iter().filter(|page| page.2 == who) {
        let Page(name, path, ..) = page;
        let path = site.path(path);
        for (screen, scheme) in LOOKS {
            tab.resize(screen).await;
            tab.prefer(scheme).await;
            let load = tab.open_anew(&path).await;
            html.add(name, &load.html);
            let look = format!("{screen}-{scheme}");
            tab.picture(&format!("{name}-{look}")).await;
            // Collapsed parts are checked as well, except the menu, which would cover the content
            // below it.
            tab.run(UNFOLD).await;
            for problem in problems_of(&tab, page, &load).await {
                problems.add(format!("{name}: {problem}"), &look);
            }
            if (screen, scheme) == LOOKS[0] {
                for screen in NARROW {
                    tab.resize(screen).await;
                    if let Some(problem) = width_problems(&tab).await {
                        problems.add(format!("{name}: {problem}"), &screen.to_string());
                    }
                }
            }
        }
    }
    for problem in html.problems().await {
        problems.add(problem, "HTML");
    }
    problems.assert_none();
    tab.close().await;
}

/// The problems, and the layouts in which they occur.
#[derive(Default)]
struct Problems(BTreeMap<String, Vec<String>>);

impl Problems {
    fn add(&mut self, problem: String, look: &str) {
        self.0.entry(problem).or_default().push(look.to_owned());
    }

    fn assert_none(&self) {
        let lines = self.0.iter();
        let lines = lines.map(|(problem, looks)| format!("{problem} ({})", looks.join(", ")));
        let lines: Vec<_> = lines.collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}

async fn problems_of(tab: &Tab, page: &Page, load: &Load) -> Vec<String> {
    let mut problems = tab.barriers().await;
    problems.extend(header_problems(load));
    if load.status != page.3 {
        problems.push(format!("status {}, not {}", load.status, page.3));
    }
    let (weight, count) = (load.transferred(), load.requests.len());
    if weight > MAX_WEIGHT || count > MAX_REQUESTS {
        let requests = load.requests.iter();
        let urls: Vec<_> = requests.map(|request| request.url.as_str()).collect();
        problems.push(format!(
            "{weight} bytes in {count} requests: {}",
            urls.join(", ")
        ));
    }
    problems.extend(width_problems(tab).await);
    problems
}

/// Returns a problem if the page must be scrolled sideways.
async fn width_problems(tab: &Tab) -> Option<String> {
    let sideways = tab.sideways().await;
    (sideways > 0).then(|| format!("{sideways} pixels wider than the screen"))
}

/// Returns the problems of the headers of a page, which must have a strict policy and must not be
/// cached or leaked.
fn header_problems(load: &Load) -> Vec<String> {
    let wanted: [(&str, &[&str]); 5] = [
        ("content-type", &["text/html", "charset=utf-8"]),
        (
            "content-security-policy",
            &[
                "default-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ],
        ),
        ("x-content-type-options", &["nosniff"]),
        ("referrer-policy", &["same-origin"]),
        ("cache-control", &["no-store"]),
    ];
    let value = |name| load.headers.get(name).map_or("", String::as_str);
    let mut problems = Vec::new();
    for (name, parts) in wanted {
        for part in parts.iter().filter(|part| !value(name).contains(**part)) {
            problems.push(format!("{name} has no `{part}`: {}", value(name)));
        }
    }
    if value("content-security-policy").contains("unsafe-") {
        problems.push("the policy allows what is unsafe".to_owned());
    }
    problems
}

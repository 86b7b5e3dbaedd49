//! Requests and their results: one table for the router as a unit and for a server.

use waypost_core::RoutingRule;
use waypost_core::RoutingRule::{Code, KeywordByHost, KeywordByPath, Prefix};

/// The URL of the server of [`CASES`].
pub const BASE_URL: &str = "https://go.example";

/// An existing link.
#[derive(Debug, Clone, Copy)]
pub struct RoutingLink {
    /// Its code.
    pub code: &'static str,
    /// Its destination.
    pub target: &'static str,
    /// Whether it is a keyword.
    pub is_keyword: bool,
    /// Whether the query of a visitor is forwarded.
    pub forward_query: bool,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct RoutingCase {
    /// The value of the header `Host`.
    pub host: &'static str,
    /// Path and query as they are sent.
    pub request: &'static str,
    /// The expected result.
    pub expected: Expected,
}

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A redirect to this URL, found by this rule.
    To(&'static str, RoutingRule),
    /// 404: no link matches.
    Nothing,
    /// 404, because the path does not fill the placeholders; the message contains this.
    Unfilled(&'static str),
    /// A route of the server answers, whatever the codes.
    Reserved,
    /// A preview, which is not a click.
    Preview,
}

const fn link(code: &'static str, target: &'static str) -> RoutingLink {
    RoutingLink {
        code,
        target,
        is_keyword: false,
        forward_query: false,
    }
}

const fn keyword(code: &'static str, target: &'static str) -> RoutingLink {
    RoutingLink {
        is_keyword: true,
        ..link(code, target)
    }
}

const fn forwarding(link: RoutingLink) -> RoutingLink {
    RoutingLink {
        forward_query: true,
        ..link
    }
}

const fn at(host: &'static str, request: &'static str, expected: Expected) -> RoutingCase {
    RoutingCase {
        host,
        request,
        expected,
    }
}

const fn to(request: &'static str, target: &'static str, rule: RoutingRule) -> RoutingCase {
    at("go.example", request, Expected::To(target, rule))
}

const fn nothing(request: &'static str) -> RoutingCase {
    at("go.example", request, Expected::Nothing)
}

const fn unfilled(request: &'static str, message: &'static str) -> RoutingCase {
    at("go.example", request, Expected::Unfilled(message))
}

const fn reserved(request: &'static str) -> RoutingCase {
    at("go.example", request, Expected::Reserved)
}

/// The links that exist in all cases.
pub const LINKS: &[RoutingLink] = &[
    link("Wiki", "https://wiki.example/start"),
    link("x", "https://x.example"),
    link("team_a-1", "https://team.example/?a=b"),
    link("docs", "https://docs.example/"),
    link("docs/api", "https://docs.example/api"),
    link("docs/api/v2/auth", "https://docs.example/api/v2/auth"),
    link("a/b/c", "https://abc.example/"),
    link("jira", "https://jira.example/browse/$ticket"),
    link("jira/board", "https://jira.example/board"),
    link("deploy", "https://ci.example/$env/$app?env=$env#$app"),
    link("env", "https://env.example/$env/$env_id"),
    link("search-q", "https://q.example/search?q=$term"),
    link("part", "https://part.example/page#$part"),
    link("dollar", "https://dollar.example/%24name/$5/$"),
    forwarding(link("fq", "https://fq.example/?a=1#top")),
    forwarding(link("fqp", "https://fqp.example/$x?y=$x#z")),
    forwarding(keyword("gh", "https://github.example/{slug}")),
    keyword("find", "https://find.example/?q={slug}"),
    keyword("mid", "https://mid.example/a/{slug}/z#{slug}"),
];

/// The cases, independent of each other.
pub const CASES: &[RoutingCase] = &[
    // Codes.
    to("/wiki", "https://wiki.example/start", Code),
    to("/Wiki", "https://wiki.example/start", Code),
    to("/WIKI", "https://wiki.example/start", Code),
    to("/wiki/", "https://wiki.example/start", Code),
    to("/wiki?q=1", "https://wiki.example/start", Code),
    to("/wiki/?q=1", "https://wiki.example/start", Code),
    to("/wiki?", "https://wiki.example/start", Code),
    to("/x", "https://x.example", Code),
    to("/team_a-1", "https://team.example/?a=b", Code),
    nothing("/unknown"),
    nothing("/"),
    nothing("/?q=wiki"),
    nothing("/wik"),
    nothing("/wikis"),
    nothing("/wiki.html"),
    nothing("/-wiki"),
    nothing("/wiki-"),
    at("go.example", "/wiki+", Expected::Preview),
    nothing("/wiki;v=1"),
    nothing("/favicon.ico"),
    nothing("/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    // Codes that are percent-encoded.
    to("/w%69ki", "https://wiki.example/start", Code),
    to("/%57%49%4b%49", "https://wiki.example/start", Code),
    to("/team%5Fa%2D1", "https://team.example/?a=b", Code),
    nothing("/wiki%20"),
    nothing("/%20wiki"),
    nothing("/wiki%00"),
    nothing("/wiki%0a"),
    nothing("/%ff"),
    nothing("/%c3%28"),
    nothing("/w%c4%b1ki"),
    nothing("/%"),
    nothing("/wiki%"),
    nothing("/wiki%6"),
    nothing("/wiki%zz"),
    nothing("/%2577iki"),
    nothing("/wiki%2F"),
    nothing("/%2Fwiki"),
    nothing("/wiki%3Fq=1"),
    nothing("/wiki%23top"),
    nothing("/docs%2Fapi"),
    nothing("/docs%5Capi"),
    // Extra segments are dropped where there are no placeholders.
    to("/wiki/a", "https://wiki.example/start", Prefix),
    to("/wiki/a/b/c?d=e", "https://wiki.example/start", Prefix),
    to("/wiki/wiki", "https://wiki.example/start", Prefix),
    to("/wiki/%2e%2e", "https://wiki.example/start", Prefix),
    to("/wiki/%ff", "https://wiki.example/start", Prefix),
    to("/wiki//", "https://wiki.example/start", Prefix),
    to("/wiki//a", "https://wiki.example/start", Prefix),
    to(
        "/wiki/https://evil.example/",
        "https://wiki.example/start",
        Prefix,
    ),
    // The longest code wins.
    to("/docs", "https://docs.example/", Code),
    to("/docs/", "https://docs.example/", Code),
    to("/docs/guide", "https://docs.example/", Prefix),
    to("/docs/api", "https://docs.example/api", Code),
    to("/Docs/API/", "https://docs.example/api", Code),
    to("/docs/a%70i", "https://docs.example/api", Code),
    to("/docs/api/v1", "https://docs.example/api", Prefix),
    to("/docs/api/v2", "https://docs.example/api", Prefix),
    to(
        "/docs/api/v2/auth",
        "https://docs.example/api/v2/auth",
        Code,
    ),
    to(
        "/docs/api/v2/auth/x/y",
        "https://docs.example/api/v2/auth",
        Prefix,
    ),
    to("/docs/api/v2/author", "https://docs.example/api", Prefix),
    to("/docs/api/v2%2Fauth", "https://docs.example/api", Prefix),
    to("/docs/apis", "https://docs.example/", Prefix),
    to("/docs//api", "https://docs.example/", Prefix),
    to("/docs/./api", "https://docs.example/", Prefix),
    to("/docs/../wiki", "https://docs.example/", Prefix),
    to("/a/b/c", "https://abc.example/", Code),
    to("/a/b/c/d", "https://abc.example/", Prefix),
    nothing("/a"),
    nothing("/a/b"),
    nothing("/a/b/"),
    nothing("/a/b/d"),
    nothing("/a//b/c"),
    nothing("/b/c"),
    nothing("/a%2Fb%2Fc"),
    // Dot segments and doubled slashes before a code: no server removes them for a visitor.
    nothing("/./wiki"),
    nothing("/../wiki"),
    nothing("/%2e/wiki"),
    nothing("//wiki"),
    nothing("//"),
    nothing("///"),
    nothing("//evil.example/wiki"),
    nothing("/\\wiki"),
    // One placeholder.
    to("/jira/ABC-12", "https://jira.example/browse/ABC-12", Prefix),
    to(
        "/jira/ABC-12/",
        "https://jira.example/browse/ABC-12",
        Prefix,
    ),
    to("/JIRA/abc", "https://jira.example/browse/abc", Prefix),
    to("/jira/board", "https://jira.example/board", Code),
    to("/jira/board/7", "https://jira.example/board", Prefix),
    to("/jira/boards", "https://jira.example/browse/boards", Prefix),
    to("/jira/a?b=c", "https://jira.example/browse/a", Prefix),
    unfilled("/jira", "`ticket` missing"),
    unfilled("/jira/", "`ticket` missing"),
    unfilled("/jira//", "`ticket` missing"),
    unfilled("/jira//a", "`ticket` missing"),
    unfilled("/jira/a/b", "/ticket after the code, got 2 parts"),
    unfilled("/jira?ticket=1", "`ticket` missing"),
    // Several, in the order in which they appear, each with its own name.
    to(
        "/deploy/prod/shop",
        "https://ci.example/prod/shop?env=prod#shop",
        Prefix,
    ),
    to(
        "/deploy/a%26b/c%23d",
        "https://ci.example/a%26b/c%23d?env=a%26b#c%23d",
        Prefix,
    ),
    unfilled("/deploy", "`env`, `app` missing"),
    unfilled("/deploy/prod", "`app` missing"),
    unfilled("/deploy/prod//", "`app` missing"),
    unfilled("/deploy/prod/shop/7", "got 3 parts"),
    to("/env/prod/7", "https://env.example/prod/7", Prefix),
    to(
        "/env/$env_id/$env",
        "https://env.example/%24env_id/%24env",
        Prefix,
    ),
    to("/dollar", "https://dollar.example/%24name/$5/$", Code),
    to("/dollar/x", "https://dollar.example/%24name/$5/$", Prefix),
    // Values are text, wherever they are filled in.
    to("/jira/a%20b", "https://jira.example/browse/a%20b", Prefix),
    to("/jira/a%2Fb", "https://jira.example/browse/a%2Fb", Prefix),
    to("/jira/a%3Fb", "https://jira.example/browse/a%3Fb", Prefix),
    to("/jira/a+b", "https://jira.example/browse/a%2Bb", Prefix),
    to("/jira/%C3%A4", "https://jira.example/browse/%C3%A4", Prefix),
    to("/jira/%ff%fe", "https://jira.example/browse/%FF%FE", Prefix),
    to("/jira/%00", "https://jira.example/browse/%00", Prefix),
    to(
        "/jira/%0d%0aSet-Cookie:x",
        "https://jira.example/browse/%0D%0ASet-Cookie%3Ax",
        Prefix,
    ),
    to("/jira/100%", "https://jira.example/browse/100%25", Prefix),
    to("/jira/%2525", "https://jira.example/browse/%2525", Prefix),
    to(
        "/jira/@evil.example",
        "https://jira.example/browse/%40evil.example",
        Prefix,
    ),
    to(
        "/jira/%5C%5Cevil.example",
        "https://jira.example/browse/%5C%5Cevil.example",
        Prefix,
    ),
    to(
        "/jira/{slug}",
        "https://jira.example/browse/%7Bslug%7D",
        Prefix,
    ),
    to("/jira/...", "https://jira.example/browse/...", Prefix),
    unfilled("/jira/..", "`.` or `..`"),
    unfilled("/jira/.", "`.` or `..`"),
    unfilled("/jira/%2e%2E", "`.` or `..`"),
    unfilled("/deploy/../..", "`.` or `..`"),
    to(
        "/search-q/c%2B%2B",
        "https://q.example/search?q=c%2B%2B",
        Prefix,
    ),
    to(
        "/search-q/a=b&c",
        "https://q.example/search?q=a%3Db%26c",
        Prefix,
    ),
    to("/search-q/..", "https://q.example/search?q=..", Prefix),
    to("/part/a%23b", "https://part.example/page#a%23b", Prefix),
    // Queries are forwarded if the link says so.
    to("/fq", "https://fq.example/?a=1#top", Code),
    to("/fq?a=2&b", "https://fq.example/?a=1&a=2&b#top", Code),
    to("/fq/x/y?b=%20", "https://fq.example/?a=1&b=%20#top", Prefix),
    to("/fq?b=?c", "https://fq.example/?a=1&b=?c#top", Code),
    to("/fqp/v?q=$x", "https://fqp.example/v?y=v&q=$x#z", Prefix),
    // Keywords by path.
    to("/gh", "https://github.example/", KeywordByPath),
    to("/gh/", "https://github.example/", KeywordByPath),
    to(
        "/GH/org/repo",
        "https://github.example/org/repo",
        KeywordByPath,
    ),
    to(
        "/gh/org/repo/",
        "https://github.example/org/repo/",
        KeywordByPath,
    ),
    to("/g%68/org", "https://github.example/org", KeywordByPath),
    to(
        "/gh/org?tab=x",
        "https://github.example/org?tab=x",
        KeywordByPath,
    ),
    to(
        "/gh/a%2Fb/c%20d",
        "https://github.example/a%2Fb/c%20d",
        KeywordByPath,
    ),
    to(
        "/gh//evil.example",
        "https://github.example//evil.example",
        KeywordByPath,
    ),
    to(
        "/gh/%5Cevil.example",
        "https://github.example/%5Cevil.example",
        KeywordByPath,
    ),
    to(
        "/gh/{slug}/$x",
        "https://github.example/%7Bslug%7D/%24x",
        KeywordByPath,
    ),
    to("/gh/wiki", "https://github.example/wiki", KeywordByPath),
    unfilled("/gh/../x", "`.` or `..`"),
    unfilled("/gh/a/%2e%2e/b", "`.` or `..`"),
    to(
        "/find/a/b%20c?x=1",
        "https://find.example/?q=a/b%20c",
        KeywordByPath,
    ),
    to("/find/a&b", "https://find.example/?q=a%26b", KeywordByPath),
    to("/mid/x", "https://mid.example/a/x/z#x", KeywordByPath),
    to("/mid", "https://mid.example/a//z#", KeywordByPath),
    nothing("/ghs/org"),
    nothing("/gh%2Forg"),
    // Keywords by host.
    at(
        "gh",
        "/org/repo",
        Expected::To("https://github.example/org/repo", KeywordByHost),
    ),
    at(
        "gh",
        "/",
        Expected::To("https://github.example/", KeywordByHost),
    ),
    at(
        "gh:8080",
        "/org",
        Expected::To("https://github.example/org", KeywordByHost),
    ),
    at(
        "GH",
        "/org?a=b",
        Expected::To("https://github.example/org?a=b", KeywordByHost),
    ),
    at(
        "gh.",
        "/org",
        Expected::To("https://github.example/org", KeywordByHost),
    ),
    at(
        "gh.go.example",
        "/org",
        Expected::To("https://github.example/org", KeywordByHost),
    ),
    at(
        "Gh.Go.Example:8443",
        "/org",
        Expected::To("https://github.example/org", KeywordByHost),
    ),
    at(
        "gh",
        "/wiki",
        Expected::To("https://github.example/wiki", KeywordByHost),
    ),
    at(
        "gh",
        "/docs/api",
        Expected::To("https://github.example/docs/api", KeywordByHost),
    ),
    at(
        "gh",
        "//evil.example",
        Expected::To("https://github.example//evil.example", KeywordByHost),
    ),
    at(
        "gh",
        "/api/v1/links",
        Expected::To("https://github.example/api/v1/links", KeywordByHost),
    ),
    at(
        "gh",
        "/health",
        Expected::To("https://github.example/health", KeywordByHost),
    ),
    // A keyword by path comes before one by host.
    at(
        "gh",
        "/find/x",
        Expected::To("https://find.example/?q=x", KeywordByPath),
    ),
    at(
        "gh",
        "/gh/x",
        Expected::To("https://github.example/x", KeywordByPath),
    ),
    at("gh.other.example", "/org", Expected::Nothing),
    at("gh.gh.go.example", "/org", Expected::Nothing),
    at(
        "go.example.",
        "/wiki",
        Expected::To("https://wiki.example/start", Code),
    ),
    at("wiki", "/docs", Expected::To("https://docs.example/", Code)),
    at("wiki", "/org", Expected::Nothing),
    at(
        "127.0.0.1:8080",
        "/wiki",
        Expected::To("https://wiki.example/start", Code),
    ),
    at(
        "[::1]:8080",
        "/wiki",
        Expected::To("https://wiki.example/start", Code),
    ),
    at(
        "",
        "/wiki",
        Expected::To("https://wiki.example/start", Code),
    ),
    // Reserved words are never codes, whatever follows them.
    reserved("/health"),
    reserved("/health/"),
    reserved("/api/v1/links"),
    reserved("/shorten"),
    nothing("/health/x"),
    nothing("/api"),
    nothing("/api/nothing"),
    reserved("/urls/wiki"),
    reserved("/dashboard"),
    nothing("/dashboard/nothing"),
    nothing("/HEALTH"),
];

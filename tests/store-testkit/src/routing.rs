//! Requests and their results: one table for the router as a unit and for a server.

mod cases;

use waypost_core::RoutingRule;

pub use self::cases::CASES;

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
    /// Whether each `$name` in the destination is a placeholder.
    pub template: bool,
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
        template: false,
    }
}

const fn template(code: &'static str, target: &'static str) -> RoutingLink {
    RoutingLink {
        template: true,
        ..link(code, target)
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
    template("jira", "https://jira.example/browse/$ticket"),
    link("jira/board", "https://jira.example/board"),
    template("deploy", "https://ci.example/$env/$app?env=$env#$app"),
    template("env", "https://env.example/$env/$env_id"),
    template("search-q", "https://q.example/search?q=$term"),
    template("part", "https://part.example/page#$part"),
    template("dollar", "https://dollar.example/%24name/$5/$/$x"),
    link(
        "odata",
        "https://odata.example/People?$filter=Name%20eq%20%27x%27&$top=5",
    ),
    link(
        "kibana",
        "https://kibana.example/app#/v?_a=(filters:!(('$state':(store:appState))))",
    ),
    link("domino", "https://domino.example/db.nsf/0/1/$FILE/doc.pdf"),
    forwarding(link("odata-q", "https://odata-q.example/?$top=5")),
    forwarding(link("fq", "https://fq.example/?a=1#top")),
    forwarding(template("fqp", "https://fqp.example/$x?y=$x#z")),
    forwarding(keyword("gh", "https://github.example/{slug}")),
    keyword("find", "https://find.example/?q={slug}"),
    keyword("mid", "https://mid.example/a/{slug}/z#{slug}"),
];

//! How requests lead to links.

/// How a link was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoutingRule {
    /// The first segment of the path is a keyword.
    KeywordByPath,
    /// The host is a keyword.
    KeywordByHost,
    /// All of the path is a code.
    Code,
    /// The leading segments of the path are a code.
    Prefix,
}

//! The rules by which requests match links.

/// The rule by which a request matches a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoutingRule {
    /// The first segment of the path is a keyword.
    KeywordByPath,
    /// The host is a keyword.
    KeywordByHost,
    /// The whole path is a code.
    Code,
    /// The leading segments of the path are a code.
    Prefix,
}

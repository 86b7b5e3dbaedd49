//! Host names: patterns for one host or all its subdomains, and the other names of this server.

use std::fmt;
use std::str::FromStr;

use url::Host;

/// A host (`example.com`, an IP address), or with `*.` before it all its subdomains at any depth,
/// without the host itself. In lower case, with international names in punycode, without a trailing
/// dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern(Box<str>);

impl HostPattern {
    /// Maximum length in bytes.
    pub const MAX_LEN: usize = 255;

    /// Parses a pattern as a person wrote it.
    ///
    /// # Errors
    /// [`HostPatternError`] if the text is not a pattern.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let text = text.trim();
        let (wildcard, host) = match text.strip_prefix("*.") {
            Some(host) => ("*.", host),
            None => ("", text),
        };
        if host.contains(['*', '/', '@', '?', '#']) || host.is_empty() {
            return Err(HostPatternError::NoHost);
        }
        let host = match Host::parse(host).map_err(|_| HostPatternError::NoHost)? {
            Host::Domain(domain) => domain.trim_end_matches('.').to_owned(),
            Host::Ipv4(_) | Host::Ipv6(_) if !wildcard.is_empty() => {
                return Err(HostPatternError::BelowAddress);
            }
            address => address.to_string(),
        };
        let pattern = format!("{wildcard}{host}");
        if host.is_empty() || pattern.len() > Self::MAX_LEN {
            return Err(HostPatternError::NoHost);
        }
        Ok(Self(pattern.into()))
    }

    /// Returns the patterns that match a host: itself, and the patterns for all subdomains of each
    /// parent. `host` is in the form that [`TargetUrl::host`](crate::TargetUrl::host) returns.
    #[must_use]
    pub fn matching(host: &str) -> Vec<String> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let mut patterns = Vec::new();
        if !matches!(Host::parse(&host), Ok(Host::Ipv4(_) | Host::Ipv6(_))) {
            let dots = host.match_indices('.');
            let parents = dots.filter_map(|(dot, _)| host.get(dot..));
            patterns.extend(parents.map(|parent| format!("*{parent}")));
        }
        patterns.push(host);
        patterns
    }

    /// Whether the pattern matches a host.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        Self::matching(host)
            .iter()
            .any(|pattern| **pattern == *self.0)
    }

    /// Returns the normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        Self::parse(text)
    }
}

/// Why a text is not a valid host pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// Neither a host name nor an IP address, with or without `*.` before it.
    #[error("must be a host such as example.com, or *.example.com for all its subdomains")]
    NoHost,
    /// `*.` before an IP address.
    #[error("has `*.` before an IP address, which has no subdomains")]
    BelowAddress,
}

/// Another name of this server: a host or all subdomains of one, with or without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnName {
    host: HostPattern,
    /// `None` matches the default ports of http and https, and the port of the base URL.
    port: Option<u16>,
}

impl OwnName {
    /// Parses names separated by commas or white space.
    ///
    /// # Errors
    /// [`OwnNameError`] with the first invalid entry.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, OwnNameError> {
        let entries = text.split(|character: char| character == ',' || character.is_whitespace());
        entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| Self::parse(entry).ok_or_else(|| OwnNameError(entry.to_owned())))
            .collect()
    }

    fn parse(entry: &str) -> Option<Self> {
        // The colons of an IPv6 address are in brackets.
        let port = entry
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let (host, port) = match port {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let host = HostPattern::parse(host).ok()?;
        Some(Self { host, port })
    }

    /// Whether the name matches a host and a port. `own_port` is the port of the base URL.
    pub(crate) fn is(&self, host: &str, port: Option<u16>, own_port: Option<u16>) -> bool {
        let is_port = match self.port {
            Some(_) => port == self.port,
            None => matches!(port, Some(80 | 443)) || port == own_port,
        };
        is_port && self.host.matches(host)
    }

    /// Returns the host, and whether the name means all its subdomains instead.
    pub(crate) fn host(&self) -> (&str, bool) {
        match self.host.as_str().strip_prefix("*.") {
            Some(parent) => (parent, true),
            None => (self.host.as_str(), false),
        }
    }
}

/// An entry of a list of names is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contains {0:?}, expected a host such as go, go.example:8443 or *.go.example")]
pub struct OwnNameError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_form() {
        for (text, pattern) in [
            ("example.com", "example.com"),
            (" Example.COM. ", "example.com"),
            ("*.Example.com", "*.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("*.com", "*.com"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
            ("0xC0.0.2.1", "192.0.2.1"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
        ] {
            let parsed = HostPattern::parse(text).unwrap();
            assert_eq!(parsed.as_str(), pattern);
            assert_eq!(HostPattern::parse(pattern), Ok(parsed));
        }
        for text in [
            "",
            "*",
            "*.",
            ".",
            "a b",
            "https://a.example",
            "a.example/x",
            "a.example:80",
            "*.*.example",
            "a*.example",
            "u@a.example",
            "2001:db8::1",
        ] {
            assert_eq!(
                HostPattern::parse(text),
                Err(HostPatternError::NoHost),
                "{text:?}"
            );
        }
        let below = HostPattern::parse("*.192.0.2.1");
        assert_eq!(below, Err(HostPatternError::BelowAddress));
    }

    #[test]
    fn a_wildcard_matches_what_is_below_and_not_itself() {
        let matches =
            |pattern: &str, host: &str| HostPattern::parse(pattern).unwrap().matches(host);
        assert!(matches("evil.example", "evil.example"));
        assert!(matches("evil.example", "EVIL.example."));
        assert!(!matches("evil.example", "www.evil.example"));
        assert!(!matches("evil.example", "notevil.example"));
        assert!(matches("*.evil.example", "www.evil.example"));
        assert!(matches("*.evil.example", "a.b.evil.example"));
        assert!(!matches("*.evil.example", "evil.example"));
        assert!(!matches("*.evil.example", "notevil.example"));
        assert!(matches("192.0.2.1", "192.0.2.1"));
        assert!(!matches("*.example", "192.0.2.1"));
    }

    #[test]
    fn own_names_are_read_with_and_without_ports() {
        let names = OwnName::parse_all("go, go.corp.example:8443 *.go.example,[::1]:80").unwrap();
        assert_eq!(names.len(), 4);
        assert!(names[0].is("go", Some(80), Some(8080)));
        assert!(names[0].is("go", Some(8080), Some(8080)));
        assert!(!names[0].is("go", Some(81), Some(8080)));
        assert!(names[1].is("go.corp.example", Some(8443), Some(8080)));
        assert!(!names[1].is("go.corp.example", Some(443), Some(8080)));
        assert!(names[2].is("gh.go.example", Some(443), None));
        assert!(names[3].is("[::1]", Some(80), None));
        let error = OwnName::parse_all("go, https://go").unwrap_err();
        assert!(error.to_string().contains("https://go"), "{error}");
    }
}

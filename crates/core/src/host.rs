//! Host names: patterns for one host, all its subdomains or a network, and the other names of this
//! server.

use std::borrow::Borrow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

use crate::address::forms;

/// Length of the prefix of IPv4 addresses that are mapped into IPv6.
const MAPPED: u8 = 96;

/// A host (`example.com`, an IP address), or with `*.` before it all its subdomains at any depth,
/// without the host itself, or a network (`203.0.113.0/24`). In lower case, with international names
/// in punycode, without a trailing dot.
///
/// An address is matched in every form: an entry for `203.0.113.9` or its network also matches
/// `[::ffff:203.0.113.9]`, `[64:ff9b::cb00:7109]` and `[2002:cb00:7109::]`.
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
        if let Some((address, length)) = text.split_once('/') {
            return Self::network(address, length);
        }
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

    /// Parses a network: an address, with or without brackets, and the length of its prefix.
    fn network(address: &str, length: &str) -> Result<Self, HostPatternError> {
        let of_prefix = address
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'));
        let in_brackets = if address.contains(':') && of_prefix.is_none() {
            format!("[{address}]")
        } else {
            address.to_owned()
        };
        let Some(address) = address_of(&in_brackets) else {
            return Err(HostPatternError::NoHost);
        };
        let network = Some(length)
            .filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|length| length.parse().ok())
            .and_then(|length| IpNet::new(address, length).ok())
            .ok_or(HostPatternError::NoNetwork)?;
        if network.trunc() != network {
            return Err(HostPatternError::HostBits {
                meant: network.trunc().to_string(),
            });
        }
        // A network of one address is a host.
        Ok(Self(of_network(network).into()))
    }

    /// Returns the patterns that match a host: itself, and the patterns for all subdomains of each
    /// parent or, for an IP address, all networks that contain it in any of its forms. `host` is in
    /// the form that [`TargetUrl::host`](crate::TargetUrl::host) returns.
    #[must_use]
    pub fn matching(host: &str) -> Vec<String> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(address) = address_of(&host) {
            let networks = forms(address).into_iter().flat_map(networks_of);
            return networks.map(of_network).collect();
        }
        let mut patterns = Vec::new();
        let dots = host.match_indices('.');
        let parents = dots.filter_map(|(dot, _)| host.get(dot..));
        patterns.extend(parents.map(|parent| format!("*{parent}")));
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

    /// Whether the pattern is a network of more than one address.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.0.contains('/')
    }

    /// Returns the normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the IP address that a host is, in any spelling.
pub(crate) fn address_of(host: &str) -> Option<IpAddr> {
    match Host::parse(host).ok()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

/// Returns the networks that contain an address, the smallest first. For a mapped IPv4 address, only
/// those with mapped addresses alone: a network of IPv6 does not concern IPv4.
fn networks_of(address: IpAddr) -> impl Iterator<Item = IpNet> {
    let (longest, shortest) = match address {
        IpAddr::V4(_) => (32, 0),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => (128, MAPPED),
        IpAddr::V6(_) => (128, 0),
    };
    let lengths = (shortest..=longest).rev();
    lengths.filter_map(move |length| Some(IpNet::new(address, length).ok()?.trunc()))
}

/// Returns the pattern of a network. One with a single address is a host.
fn of_network(network: IpNet) -> String {
    if network.prefix_len() < network.max_prefix_len() {
        return network.to_string();
    }
    match network.addr() {
        IpAddr::V4(address) => address.to_string(),
        // Spelled as in URLs, without IPv4 at its end.
        IpAddr::V6(address) => Host::<String>::Ipv6(address).to_string(),
    }
}

impl Borrow<str> for HostPattern {
    fn borrow(&self) -> &str {
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// Neither a host name nor an IP address, with or without `*.` before it.
    #[error(
        "must be a host such as example.com, *.example.com for all its subdomains, or a network \
         such as 203.0.113.0/24"
    )]
    NoHost,
    /// An address and a slash without the length of a prefix.
    #[error("must be a network such as 203.0.113.0/24 or 2001:db8::/32")]
    NoNetwork,
    /// An address within a network instead of the network.
    #[error("must be a network, without bits after its prefix: expected {meant}")]
    HostBits {
        /// The network with this prefix.
        meant: String,
    },
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
        (!host.is_network()).then_some(Self { host, port })
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
            "a.example:80",
            "a.example/x",
            "a.example/24",
            "https://a.example",
            "*.192.0.2.0/24",
            "/24",
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
    fn a_network_has_one_form() {
        for (text, pattern) in [
            ("203.0.113.0/24", "203.0.113.0/24"),
            (" 0xcb.0.0x71.0/24 ", "203.0.113.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("203.0.113.9/32", "203.0.113.9"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("[2001:db8::]/32", "2001:db8::/32"),
            ("2001:db8::1/128", "[2001:db8::1]"),
        ] {
            let parsed = HostPattern::parse(text).unwrap();
            assert_eq!(parsed.as_str(), pattern);
            assert_eq!(HostPattern::parse(pattern), Ok(parsed));
        }
        for text in [
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "203.0.113.0/-1",
            "203.0.113.0/24/1",
            "2001:db8::/129",
        ] {
            let error = HostPattern::parse(text);
            assert_eq!(error, Err(HostPatternError::NoNetwork), "{text:?}");
        }
        for (text, meant) in [
            ("203.0.113.9/24", "203.0.113.0/24"),
            ("2001:db8::1/32", "2001:db8::/32"),
        ] {
            let error = HostPattern::parse(text).unwrap_err().to_string();
            assert!(error.ends_with(&format!("expected {meant}")), "{error}");
        }
    }

    #[test]
    fn an_address_is_matched_in_every_form() {
        let matches =
            |pattern: &str, host: &str| HostPattern::parse(pattern).unwrap().matches(host);
        for host in [
            "203.0.113.9",
            "0xcb.0.0x71.9",
            "3405803785",
            "0313.0.0161.011",
            "203.0.113.9.",
            "[::ffff:203.0.113.9]",
            "[64:ff9b::cb00:7109]",
            "[2002:cb00:7109::]",
            "[2001:0:c000:201:0:0:34ff:8ef6]",
            "[fe80::5efe:cb00:7109]",
            "[64:ff9b:1::cb00:7109]",
        ] {
            for pattern in ["203.0.113.9", "203.0.113.0/24", "[::ffff:203.0.113.9]"] {
                assert!(matches(pattern, host), "{pattern} {host}");
            }
            for pattern in ["203.0.113.8", "203.0.112.0/24", "2001:db8::/32"] {
                assert!(!matches(pattern, host), "{pattern} {host}");
            }
        }
        assert!(matches("2001:db8::/32", "[2001:db8:1::9]"));
        assert!(!matches("2001:db8::/32", "[2001:db9::]"));
        assert!(matches("::ffff:203.0.113.0/120", "203.0.113.9"));
        assert!(!matches("::/0", "203.0.113.9"), "a network of IPv6");
        assert!(matches("64:ff9b::/96", "[64:ff9b::cb00:7109]"));
        assert!(!matches("203.0.113.0/24", "203.0.113.9.nip.io"));
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
        assert!(OwnName::parse_all("192.0.2.0/24").is_err());
        let error = OwnName::parse_all("go, https://go").unwrap_err();
        assert!(error.to_string().contains("https://go"), "{error}");
    }
}

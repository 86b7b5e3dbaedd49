//! The host that a request names (RFC 9110 §7.2, RFC 9112 §3.2): a name or an IP address, with or
//! without a port (RFC 3986 §3.2).

use std::net::Ipv6Addr;

use super::byte_class::Class;

/// Bytes of a name: letters, digits and the other unreserved characters, of which Docker and others
/// use `_`, sub-delimiters, and `%` of an encoded byte.
const NAME: Class = Class::with(b"-._~!$&'()*+,;=%");
/// Bytes of a zone or of an address of a later version (RFC 3986 §3.2.2, RFC 6874 §2).
const LITERAL: Class = Class::with(b"-._~!$&'()*+,;=:%");

/// Whether a text names a host. An empty one does: it stands for a target without a host.
pub(super) fn is_host(text: &[u8]) -> bool {
    let (is_valid, port) = if let Some(literal) = text.strip_prefix(b"[") {
        let end = memchr::memchr(b']', literal).unwrap_or(literal.len());
        let (address, rest) = literal.split_at(end);
        (is_literal(address), rest.strip_prefix(b"]"))
    } else {
        let end = memchr::memchr(b':', text).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        (is_name(name), Some(rest))
    };
    is_valid && port.is_some_and(is_port_suffix)
}

fn is_name(name: &[u8]) -> bool {
    NAME.has_all(name) && is_encoded(name)
}

/// Whether each `%` begins an encoded byte (RFC 3986 §2.1).
fn is_encoded(name: &[u8]) -> bool {
    memchr::memchr_iter(b'%', name).all(|at| {
        let digits = name.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether a text is what stands between brackets: an IPv6 address, with or without a zone, or an
/// address of a later version.
fn is_literal(text: &[u8]) -> bool {
    if let Some(later) = text.strip_prefix(b"v").or_else(|| text.strip_prefix(b"V")) {
        let mut parts = later.splitn(2, |byte| *byte == b'.');
        let is_version = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_hexdigit);
        return parts.next().is_some_and(is_version)
            && parts.next().is_some_and(|address| !address.is_empty())
            && LITERAL.has_all(later)
            && !later.contains(&b'%');
    }
    let mut parts = text.splitn(2, |byte| *byte == b'%');
    let address = parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let is_zone = |zone: &[u8]| !zone.is_empty() && NAME.has_all(zone);
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        && parts.next().is_none_or(is_zone)
}

/// Whether a text is empty, or `:` and a port, which may be empty.
fn is_port_suffix(text: &[u8]) -> bool {
    let Some(port) = text.strip_prefix(b":") else {
        return text.is_empty();
    };
    let digits = port.iter().all(u8::is_ascii_digit);
    let port = std::str::from_utf8(port).unwrap_or_default();
    digits && (port.is_empty() || port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts_with_and_without_a_port() {
        for host in [
            "",
            "go",
            "go.example",
            "GO.Example.",
            "go.example:8080",
            "go.example:",
            "waypost_server_1",
            "waypost_server_1:80",
            "xn--bcher-kva.example",
            "b%C3%BCcher.example",
            "127.0.0.1",
            "127.0.0.1:65535",
            "[::1]",
            "[2001:db8::1]:8080",
            "[2001:db8::1]:",
            "[::ffff:192.0.2.1]:80",
            "[fe80::1%25eth0]:80",
            "[fe80::1%eth0]",
            "[v1.fe80:a]",
            "a,b",
            "~(!$&'*+;=)",
        ] {
            assert!(is_host(host.as_bytes()), "{host:?}");
        }
    }

    #[test]
    fn other_texts_are_no_hosts() {
        for text in [
            "a b",
            "a b/c@d",
            "user@go.example",
            "user:password@go.example",
            "go.example/path",
            "go.example?query",
            "go.example#x",
            "http://go.example",
            "go\\example",
            "go|example",
            "go<example>",
            "go\"example\"",
            "go^example",
            "go{example}",
            "go`example",
            "go[example]",
            "go.example:x",
            "go.example:-1",
            "go.example:+80",
            "go.example:65536",
            "go.example:80:80",
            "go.example:80 ",
            "go.example, other.example",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "[::1]]",
            "[]",
            "[go.example]",
            "[127.0.0.1]",
            "[::1%]",
            "[::1%e/h]",
            "[v1.]",
            "[v.a]",
            "[v1]",
            "[vg.a]",
            "%",
            "%2",
            "%zz.example",
            "bücher.example",
            "\u{0}",
            "go\texample",
        ] {
            assert!(!is_host(text.as_bytes()), "{text:?}");
        }
        assert!(!is_host(b"caf\xe9.example"));
    }
}

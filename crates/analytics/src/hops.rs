//! Parsers for the hops of the forwarding headers `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! Each function parses one header line from the left and passes every hop to a callback: its IP
//! address, or `None` if it has none (`unknown`, an obfuscated name, or invalid text). Nothing
//! allocates, except a quoted value with backslashes.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Parses the hops of one `X-Forwarded-For` line: IP addresses separated by commas, with or without
/// a port, a zone and quotes. Empty elements are ignored (RFC 9110 §5.6.1.2).
pub(crate) fn x_forwarded_for(line: &[u8], hop: &mut dyn FnMut(Option<IpAddr>)) {
    line.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .for_each(|element| hop(node(unquoted(element))));
}

/// Returns the text between quotes, if both are there: an address contains no comma, so that none
/// of those that separate hops is quoted.
fn unquoted(element: &[u8]) -> &[u8] {
    let inner = element
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    inner.map_or(element, <[u8]>::trim_ascii)
}

/// Parses the hops of one `Forwarded` line (RFC 7239 §4), one per element.
///
/// An element that breaks the grammar ends at the next comma, quoted or not, so that an unclosed
/// quote of a visitor cannot hide a hop that a proxy appended to the same line.
pub(crate) fn forwarded(line: &[u8], hop: &mut dyn FnMut(Option<IpAddr>)) {
    let mut rest = Some(line);
    while let Some(from) = rest {
        rest = if let Some((element, next)) = element(from) {
            if let Element::Hop(address) = element {
                hop(address);
            }
            next
        } else {
            hop(None);
            let mut parts = from.splitn(2, |byte| *byte == b',');
            parts.nth(1)
        };
    }
}

enum Element {
    /// Nothing between two commas.
    Empty,
    Hop(Option<IpAddr>),
}

/// Parses `pair *( ";" pair )` and the comma after it. Returns the element and the text after the
/// comma, if there is one. Returns `None` if the text breaks the grammar.
fn element(from: &[u8]) -> Option<(Element, Option<&[u8]>)> {
    let mut rest = from.trim_ascii_start();
    let mut empty = true;
    let mut address = None;
    loop {
        let name_ends = rest.iter().position(|byte| !is_token(*byte));
        let (name, behind) = rest.split_at_checked(name_ends.unwrap_or(rest.len()))?;
        if !name.is_empty() {
            let (value, behind) = value(behind.strip_prefix(b"=")?)?;
            // No parameter may occur twice. If there are two addresses, neither is trusted.
            if name.eq_ignore_ascii_case(b"for") && address.replace(node(&value)).is_some() {
                return None;
            }
            empty = false;
            rest = behind.trim_ascii_start();
        }
        let next = match rest.split_first() {
            None => None,
            Some((b',', next)) => Some(next),
            Some((b';', next)) => {
                empty = false;
                rest = next.trim_ascii_start();
                continue;
            }
            Some(_) => return None,
        };
        let element = if empty {
            Element::Empty
        } else {
            Element::Hop(address.flatten())
        };
        return Some((element, next));
    }
}

/// Parses a value, quoted or not. Returns it and the text after it. An unquoted value may contain
/// more characters than the grammar allows, because many proxies do not quote `[2001:db8::1]:4711`.
fn value(from: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    if let Some(quoted) = from.strip_prefix(b"\"") {
        return quoted_string(quoted);
    }
    let ends = from
        .iter()
        .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t' | b'"'));
    let (value, behind) = from.split_at_checked(ends.unwrap_or(from.len()))?;
    (!value.is_empty()).then_some((Cow::Borrowed(value), behind))
}

/// Parses a quoted string (RFC 9110 §5.6.4) after its opening quote.
fn quoted_string(from: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let stop = from.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (plain, behind) = from.split_at_checked(stop)?;
    if let Some(behind) = behind.strip_prefix(b"\"") {
        return Some((Cow::Borrowed(plain), behind));
    }
    let mut unescaped = plain.to_vec();
    let mut bytes = behind.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((Cow::Owned(unescaped), bytes.as_slice())),
            b'\\' => unescaped.push(*bytes.next()?),
            byte => unescaped.push(*byte),
        }
    }
}

/// Whether a byte is a character of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Parses the IP address of a node (RFC 7239 §6): `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`,
/// with or without a port. An IPv6 address may have a zone (RFC 4007 §11), which is dropped.
///
/// Some proxies append a port to an IPv6 address without brackets. It is read as one if the whole
/// text is not an address, such as `::ffff:192.0.2.1:4711` or `2001:db8::1:47011`;
/// `2001:db8::1:4711` is an address.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let address = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address = ipv6(address)?;
        is_port_suffix(port).then_some(IpAddr::V6(address))?
    } else if let Ok(address) = text.parse() {
        address
    } else if let Some(address) = ipv6(text) {
        IpAddr::V6(address)
    } else {
        let (address, port) = text.split_at_checked(text.rfind(':')?)?;
        let address = match address.parse::<Ipv4Addr>() {
            Ok(address) => IpAddr::V4(address),
            Err(_) => IpAddr::V6(ipv6(address)?),
        };
        is_port_suffix(port).then_some(address)?
    };
    Some(address.to_canonical())
}

/// Parses an IPv6 address with or without a zone, whose `%` may be percent-encoded (RFC 6874 §2).
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().ok();
    };
    let zone = zone.strip_prefix("25").unwrap_or(zone);
    let is_zone = !zone.is_empty() && zone.bytes().all(is_name);
    is_zone.then(|| address.parse().ok())?
}

/// Whether a byte is a character of an obfuscated port or of a zone.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// Whether a text is empty, or `:` and a port, which may be obfuscated (RFC 7239 §6).
fn is_port_suffix(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(port) = text.strip_prefix(':') else {
        return false;
    };
    match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(is_name),
        None => port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Read = fn(&[u8], &mut dyn FnMut(Option<IpAddr>));

    fn hops(read: Read, line: &str) -> Vec<String> {
        let mut hops = Vec::new();
        read(line.as_bytes(), &mut |hop| {
            hops.push(hop.map_or_else(|| "?".to_owned(), |address| address.to_string()));
        });
        hops
    }

    #[test]
    fn an_x_forwarded_for_line_is_read_hop_by_hop() {
        for (line, expected) in [
            ("", vec![]),
            (" , ,", vec![]),
            ("192.0.2.1", vec!["192.0.2.1"]),
            (
                "192.0.2.1 ,\t2001:db8::1,",
                vec!["192.0.2.1", "2001:db8::1"],
            ),
            (
                "192.0.2.1:80, [2001:db8::1]:443, [::1]",
                vec!["192.0.2.1", "2001:db8::1", "::1"],
            ),
            ("::ffff:192.0.2.1", vec!["192.0.2.1"]),
            ("unknown, _hidden, 192.0.2.1", vec!["?", "?", "192.0.2.1"]),
            ("192.0.2.1:", vec!["?"]),
            ("192.0.2.1:123456, 192.0.2.1:http", vec!["?", "?"]),
            (
                "192.0.2.01, 1.2.3, 1.2.3.4.5, 256.1.1.1",
                vec!["?", "?", "?", "?"],
            ),
            ("[2001:db8::1, [192.0.2.1], [::1]x", vec!["?", "?", "?"]),
            ("\u{661}.2.3.4", vec!["?"]),
        ] {
            assert_eq!(hops(x_forwarded_for, line), expected, "{line:?}");
        }
    }

    #[test]
    fn ports_zones_and_quotes_are_read_as_proxies_write_them() {
        for (written, expected) in [
            // Without brackets, a port is read where it cannot be a part of the address.
            ("::ffff:203.0.113.7:12345", "203.0.113.7"),
            ("::ffff:203.0.113.7:80", "203.0.113.7"),
            ("::FFFF:203.0.113.7:1", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:12345", "203.0.113.7"),
            ("[::ffff:203.0.113.7]", "203.0.113.7"),
            ("::ffff:cb00:7107", "203.0.113.7"),
            ("2001:db8::1:47011", "2001:db8::1"),
            ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"),
            ("2001:db8:1:2:3:4:5:6:_web", "2001:db8:1:2:3:4:5:6"),
            ("64:ff9b::203.0.113.7:443", "64:ff9b::cb00:7107"),
            ("2001:db8::1:4711", "2001:db8::1:4711"),
            // Zones name an interface of the proxy.
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:8080", "fe80::1"),
            ("[fe80::1%3]", "fe80::1"),
            ("fe80::1%en0:8080", "fe80::1"),
            // Quotes, as in `Forwarded`.
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("\" 203.0.113.7:80 \"", "203.0.113.7"),
            // Not an address, however it is cut.
            ("::ffff:203.0.113.7:", "?"),
            ("::ffff:203.0.113.7:65536", "?"),
            ("::ffff:203.0.113.7:+80", "?"),
            ("::ffff:203.0.113.7:80:80", "?"),
            ("203.0.113.7:80:80", "?"),
            ("203.0.113.7:99999", "?"),
            ("2001:db8::1::443", "?"),
            ("fe80::1%", "?"),
            ("fe80::1%e th", "?"),
            ("203.0.113.7%eth0", "?"),
            ("[fe80::1%eth0", "?"),
            ("\"203.0.113.7", "?"),
            ("\"\"", "?"),
            ("\"", "?"),
            (":80", "?"),
            (":", "?"),
        ] {
            assert_eq!(hops(x_forwarded_for, written), [expected], "{written:?}");
            if !written.contains(['"', ' ']) {
                let standard = format!("for=\"{written}\";proto=https");
                assert_eq!(hops(forwarded, &standard), [expected], "{standard:?}");
            }
        }
    }

    #[test]
    fn a_forwarded_line_is_read_hop_by_hop() {
        for (line, expected) in [
            ("", vec![]),
            (" , ,", vec![]),
            // The examples of RFC 7239 §4, §6 and §7.4.
            ("for=\"_gazonk\"", vec!["?"]),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                vec!["2001:db8:cafe::17"],
            ),
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                vec!["192.0.2.60"],
            ),
            (
                "for=192.0.2.43, for=198.51.100.17",
                vec!["192.0.2.43", "198.51.100.17"],
            ),
            (
                "for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown",
                vec!["192.0.2.43", "2001:db8:cafe::17", "?"],
            ),
            ("for=_hidden, for=_SEVKISEK", vec!["?", "?"]),
            (
                "for=192.0.2.43:47011, for=\"192.0.2.43:_port\"",
                vec!["192.0.2.43", "192.0.2.43"],
            ),
            // Proxies write this although the grammar does not allow it.
            ("for=[2001:db8::1]:80;proto=https", vec!["2001:db8::1"]),
            ("for=\"2001:db8::1\" ; proto=https", vec!["2001:db8::1"]),
            // A quoted value may contain backslashes and separators.
            ("for=\"192\\.0.2.1\"", vec!["192.0.2.1"]),
            (
                "host=\"a,b;for=192.0.2.9\";for=192.0.2.1",
                vec!["192.0.2.1"],
            ),
            // A hop without an address, or with two, is unreadable.
            ("proto=https, for=192.0.2.1", vec!["?", "192.0.2.1"]),
            (";, for=192.0.2.1", vec!["?", "192.0.2.1"]),
            ("for=192.0.2.1;for=192.0.2.2", vec!["?"]),
            (
                "for, for=, for =192.0.2.1, for=192.0.2.1 x",
                vec!["?", "?", "?", "?"],
            ),
            ("192.0.2.1", vec!["?"]),
        ] {
            assert_eq!(hops(forwarded, line), expected, "{line:?}");
        }
    }

    #[test]
    fn an_open_quote_swallows_no_hop_that_a_proxy_appended() {
        for forged in [
            "for=\"",
            "for=192.0.2.66;x=\"",
            "\"",
            "for=\"192.0.2.66\\",
            "x=\"\\",
        ] {
            for appended in [
                "for=192.0.2.1",
                "for=\"[2001:db8::1]:80\"",
                "for=192.0.2.1;by=\"[::1]:80\"",
            ] {
                let line = format!("{forged}, {appended}");
                assert_eq!(
                    hops(forwarded, &line).last(),
                    hops(forwarded, appended).last(),
                    "{line}"
                );
                assert!(
                    !hops(forwarded, &line).contains(&"192.0.2.66".to_owned()),
                    "{line}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(line: Vec<u8>) {
            x_forwarded_for(&line, &mut |_| ());
            forwarded(&line, &mut |_| ());
        }

        #[test]
        fn any_address_is_read_back_however_it_is_written(address: IpAddr, port: u16) {
            let canonical = address.to_canonical();
            let in_brackets = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            let with_port = format!("{in_brackets}:{port}");
            for written in [in_brackets, with_port, address.to_string()] {
                prop_assert_eq!(hops(x_forwarded_for, &written), vec![canonical.to_string()]);
                let quoted = format!("proto=http;FOR=\"{written}\"");
                prop_assert_eq!(hops(forwarded, &quoted), vec![canonical.to_string()]);
            }
        }

        #[test]
        fn what_is_appended_is_read_as_the_last_hop(line in "[ -~]{0,40}") {
            let x = format!("{line}, 192.0.2.1");
            prop_assert_eq!(hops(x_forwarded_for, &x).pop(), Some("192.0.2.1".to_owned()));
            let standard = format!("{line}, for=192.0.2.1");
            prop_assert_eq!(hops(forwarded, &standard).pop(), Some("192.0.2.1".to_owned()));
        }
    }
}

//! Reads the cookies of requests.
//!
//! A host may serve other applications, whose cookies a browser sends as well: in any encoding, and
//! in forms that no standard knows. They do not matter here. A cookie of this server is found among
//! bytes (RFC 6265 §4.2.1), on each line: HTTP/2 splits the header, and not every proxy joins it
//! again (RFC 9113 §8.2.3).
//!
//! A browser may send several cookies with one name, for instance one that another host of the
//! domain has set. Which one is first says nothing (§5.4), so each is tried.

use actix_web::http::header::{self, HeaderMap};

/// Returns the values of the cookies with this name, in the order in which they were sent. Values
/// that are not UTF-8 are left out: this server sets none.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = values_by_prefix(headers, name);
    named.filter_map(|(rest, value)| rest.is_empty().then_some(value))
}

/// Returns the cookies whose names begin with `prefix`: the rest of each name, and the value. They
/// are in the order in which they were sent. Those that are not UTF-8 are left out.
pub(crate) fn values_by_prefix<'a>(
    headers: &'a HeaderMap,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = headers.get_all(header::COOKIE);
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let (given, value) = split(pair)?;
        let rest = given.trim_ascii().strip_prefix(prefix.as_bytes())?;
        let rest = std::str::from_utf8(rest).ok()?;
        Some((
            rest,
            std::str::from_utf8(unquoted(value.trim_ascii())).ok()?,
        ))
    })
}

/// Splits a pair at its first `=`.
fn split(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = pair.split_at_checked(at)?;
    Some((name, value.get(1..)?))
}

/// Removes the quotes around a value (RFC 6265 §4.1.1), which some proxies add.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    inner.unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn found(lines: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        values(&headers, "own").map(str::to_owned).collect()
    }

    #[test]
    fn the_own_cookie_is_found_among_those_of_others() {
        for line in [
            b"own=x".as_slice(),
            b" own = x ",
            b"own=\"x\"",
            b"own=x;",
            b";;own=x;;",
            b"a=b;own=x;c=d",
            b"a=b; own=x; c=d",
            b"a=b;\town=x",
            "name=Jörg; own=x".as_bytes(),
            b"name=J\xf6rg; own=x",
            b"own=x; name=\xff\xfe",
            b"flag; own=x",
            b"=; =empty; own=x",
            b"json={\"own\":\"y\",\"a=b\"}; own=x",
            b"open=\"quote; own=x",
            b"owner=y; OWN=y; disown=y; own=x",
            b"next=/a?own=y; own=x",
            b"own=\xff; own=x",
        ] {
            assert_eq!(found(&[line]), ["x"], "{}", String::from_utf8_lossy(line));
        }
        for line in [b"".as_slice(), b"own", b"own;", b"a=own=x", b"own\xff=x"] {
            assert!(
                found(&[line]).is_empty(),
                "{}",
                String::from_utf8_lossy(line)
            );
        }
    }

    #[test]
    fn each_line_is_read_and_each_cookie_with_the_name_is_found() {
        let lines = [
            b"a=\xff".as_slice(),
            b"own=x; own=y",
            b"c",
            b"own=\"\"; d=e; own=z==",
        ];
        assert_eq!(found(&lines), ["x", "y", "", "z=="]);
    }
}

//! The API token that a request presents in the header `Authorization`.
//!
//! Proxies add credentials of their own, such as `Basic` or `Negotiate`, to requests of people who
//! are signed in here. Only the scheme `Bearer` (RFC 6750 §2.1), in any case (RFC 9110 §11.1), is
//! for this server: a request with any other scheme is one without a token. So is one with a token
//! that another system signed for itself (JSON Web Signature, RFC 7515 §7.1). Proxies that sign
//! people in pass on such tokens.

use actix_web::http::header::{self, HeaderMap};

const BEARER: &[u8] = b"bearer";
/// Maximum length of the header, in bytes.
const MAX_LENGTH: usize = 2_048;

/// What a request presents as an API token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearer<'a> {
    /// A text that may be a token, without its format checked.
    Token(&'a str),
    /// No text, one that is too long or not UTF-8, or two different ones: it is rejected.
    Unreadable,
}

impl<'a> Bearer<'a> {
    /// Returns the token of a request; `None` if it presents none.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::AUTHORIZATION);
        let mut tokens = lines.filter_map(|line| Self::of_line(line.as_bytes()));
        let first = tokens.next()?;
        // Of two, it is unknown which one is meant.
        let is_one = tokens.all(|other| other == first);
        Some(if is_one { first } else { Self::Unreadable })
    }

    fn of_line(line: &'a [u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let end = line.iter().position(u8::is_ascii_whitespace);
        let (scheme, token) = line.split_at_checked(end.unwrap_or(line.len()))?;
        if !scheme.eq_ignore_ascii_case(BEARER) {
            return None;
        }
        if is_signed(token.trim_ascii()) {
            return None;
        }
        let token = std::str::from_utf8(token.trim_ascii()).ok();
        let token = token.filter(|token| !token.is_empty() && line.len() <= MAX_LENGTH);
        Some(token.map_or(Self::Unreadable, Self::Token))
    }

    /// Returns the token, unless it is unreadable.
    pub(crate) fn token(self) -> Option<&'a str> {
        match self {
            Self::Token(token) => Some(token),
            Self::Unreadable => None,
        }
    }
}

/// Whether a token is a signed or encrypted one of another system: parts in base64url with dots
/// between them, of which the first is a JSON object (RFC 7515 §7.1, RFC 7516 §7.1).
pub(crate) fn is_signed(token: &[u8]) -> bool {
    let parts = token.split(|byte| *byte == b'.');
    let is_text = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    // `{"` in base64.
    token.starts_with(b"eyJ") && matches!(parts.count(), 3 | 5) && token.iter().all(is_text)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    /// Returns whether a token is presented, and which.
    #[expect(
        clippy::option_option,
        reason = "no token, a malformed one, or this one"
    )]
    fn presented(lines: &[&[u8]]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                header::AUTHORIZATION,
                HeaderValue::from_bytes(line).unwrap(),
            );
        }
        Bearer::of(&headers).map(|bearer| bearer.token().map(str::to_owned))
    }

    #[test]
    fn other_schemes_are_no_token() {
        for line in [
            b"".as_slice(),
            b" ",
            b"Basic YWRhOmh1bnRlcjI=",
            b"Basic",
            b"basic bearer",
            b"Digest username=\"ada\", realm=\"Bearer x\"",
            b"Negotiate TlRMTVNTUAABAAAA",
            b"NTLM TlRMTVNTUAABAAAA",
            b"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
            b"Token wpt_x",
            b"wpt_x",
            b"Bearer=x",
            b"Bearer:x",
            b"Bearers x",
            b"\"Bearer x\"",
            b"\xff\xfe Bearer x",
            "Bäsic x".as_bytes(),
            // Tokens that another system signed or encrypted.
            b"Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
            b"bearer  eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0. ",
            b"Bearer eyJlbmMiOiJBMTI4R0NNIn0.a-b.c_d.e.f",
        ] {
            assert_eq!(
                presented(&[line]),
                None,
                "{}",
                String::from_utf8_lossy(line)
            );
        }
        assert_eq!(presented(&[]), None);
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for line in [
            b"Bearer x".as_slice(),
            b"bearer x",
            b"BEARER x",
            b"Bearer  x ",
            b"Bearer\tx",
            b" Bearer x",
        ] {
            assert_eq!(presented(&[line]), Some(Some("x".to_owned())));
        }
        let long = ["Bearer ", &"x".repeat(MAX_LENGTH)].concat();
        for line in [
            b"Bearer".as_slice(),
            b"Bearer ",
            b"bearer \xff",
            long.as_bytes(),
        ] {
            assert_eq!(presented(&[line]), Some(None), "a token that is rejected");
        }
    }

    #[test]
    fn each_line_is_read_and_two_tokens_are_none() {
        let x = Some(Some("x".to_owned()));
        assert_eq!(presented(&[b"Basic YWRh", b"Bearer x"]), x);
        assert_eq!(presented(&[b"Bearer x", b"Basic YWRh"]), x);
        assert_eq!(presented(&[b"Bearer x", b"bearer x"]), x);
        assert_eq!(presented(&[b"Bearer x", b"Bearer y"]), Some(None));
        assert_eq!(presented(&[b"Bearer x", b"Bearer"]), Some(None));
        assert_eq!(presented(&[b"Basic YWRh", b"Negotiate x"]), None);
    }
}

//! Clicks: immutable events of redirects, with the few facts that are stored of a visitor.

use std::borrow::Cow;
use std::fmt;

use time::{Date, OffsetDateTime};
use url::Url;

use crate::stored_bytes::stored_bytes;
use crate::{ClickFacts, ClickId, LinkId, UserId};

/// One counted redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Its ID, whose time part is [`Click::clicked_at`].
    pub id: ClickId,
    /// The link that was followed.
    pub link_id: LinkId,
    /// The visitor, if signed in.
    pub user_id: Option<UserId>,
    /// The visitor's IP address, hashed with the salt of the day.
    pub ip_hash: Option<IpHash>,
    /// The user agent of the visitor.
    pub user_agent: Option<UserAgent>,
    /// The page that the visitor came from.
    pub referrer: Option<Referrer>,
    /// When the click happened, UTC, to the microsecond.
    pub clicked_at: OffsetDateTime,
    /// The day of its daily total, in the server's time zone ([`crate::Zone`]).
    pub day: Date,
    /// Facts derived from the request.
    pub facts: ClickFacts,
}

/// An IP address of a visitor, hashed with the salt of the day: SHA-256, written as 64 hexadecimal
/// digits.
///
/// Within a day the same visitor has the same hash. Once the salt is deleted, the hash cannot be
/// recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpHash([u8; 32]);

stored_bytes!(IpHash);

impl IpHash {
    /// Parses the 64 hexadecimal digits that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`IpHashError`] for anything else.
    pub fn from_hex(text: &str) -> Result<Self, IpHashError> {
        let digits: Vec<u8> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or(IpHashError)?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [high, low] => Some(high << 4 | low),
                _ => None,
            })
            .collect();
        if digits.len() != 64 {
            return Err(IpHashError);
        }
        bytes.try_into().map(Self).map_err(|_| IpHashError)
    }
}

impl IpHash {
    /// Returns the 64 digits in lower case, as ASCII. Faster than formatting, for writing many
    /// hashes at once.
    #[must_use]
    pub fn to_hex(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
        digits
    }
}

/// Returns the digit of a value below 16.
const fn hex_digit(value: u8) -> u8 {
    if value < 10 {
        b'0' + value
    } else {
        b'a' + value - 10
    }
}

impl fmt::Display for IpHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_hex()).map_err(|_| fmt::Error)?)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an IP address hash must be 64 hexadecimal digits")]
pub struct IpHashError;

/// The user agent of a request (RFC 9110 §10.1.5): at most 512 characters; a longer one is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// Maximum length in characters.
    pub const MAX_CHARS: usize = 512;

    /// Parses the value of the header, without control characters. Returns `None` if nothing is
    /// left.
    #[must_use]
    pub fn from_header(value: &[u8]) -> Option<Self> {
        let text = header_text(value, Self::MAX_CHARS);
        (!text.is_empty()).then_some(Self(text))
    }

    /// Creates a value from its stored text.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The page that a visitor came from (RFC 9110 §10.1.3), without query, fragment and credentials,
/// which may contain secrets; at most 2,048 characters.
///
/// Its host is in lower case and has no dot at its end, so that a host is written in one way. Stored
/// text of earlier versions may be different; [`Referrer::host`] is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer(String);

impl Referrer {
    /// Maximum length in characters; a longer URL is reduced to its origin.
    pub const MAX_CHARS: usize = 2_048;

    /// Parses the value of the header and keeps its scheme, host and path. Bytes that are not UTF-8
    /// are replaced. A domain without a scheme, which some programs send, is read as a web page.
    /// Returns `None` if it is not an absolute URL.
    #[must_use]
    pub fn from_header(value: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(value);
        let parsed = Url::parse(&text).ok().filter(Url::has_host);
        // A URL without a host (`data:`, `javascript:`) is not a page.
        let mut url = parsed.or_else(|| bare_domain(&text))?;
        let host = normal_host(url.host_str()?).into_owned();
        if host.is_empty() {
            return None;
        }
        if url.host_str() != Some(host.as_str()) {
            url.set_host(Some(&host)).ok()?;
        }
        url.set_query(None);
        url.set_fragment(None);
        // Neither fails on a URL with a host.
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        if url.as_str().len() > Self::MAX_CHARS {
            url.set_path("");
        }
        let text = String::from(url);
        (text.len() <= Self::MAX_CHARS).then_some(Self(text))
    }

    /// Creates a value from its stored text.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, which is visible ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host without its port, in lower case and without a dot at its end.
    #[must_use]
    pub fn host(&self) -> Cow<'_, str> {
        normal_host(self.written_host())
    }

    fn written_host(&self) -> &str {
        let behind = self.0.split_once("://").map_or("", |(_, behind)| behind);
        let authority = behind.split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            // The colons of an IPv6 address are in brackets.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }
}

/// Returns a host as it is counted: in lower case, and without the dot that ends a fully qualified
/// domain name (RFC 1034 §3.1).
#[must_use]
pub fn normal_host(host: &str) -> Cow<'_, str> {
    let host = host.trim_end_matches('.');
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// Reads a domain without a scheme: labels, of which the last has letters only, and a port.
fn bare_domain(text: &str) -> Option<Url> {
    let text = text.trim();
    let text = text.strip_prefix("//").unwrap_or(text);
    let authority = text.split(['/', '?', '#']).next()?;
    let (domain, port) = authority.split_once(':').unwrap_or((authority, ""));
    let is_label = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let (labels, top) = domain.trim_end_matches('.').rsplit_once('.')?;
    let is_domain = !labels.is_empty()
        && domain.chars().all(is_label)
        && top.chars().count() > 1
        && (top.chars().all(char::is_alphabetic) || top.starts_with("xn--"))
        && port.bytes().all(|byte| byte.is_ascii_digit());
    let url = is_domain.then(|| Url::parse(&format!("http://{text}")))?;
    url.ok()
}

fn header_text(value: &[u8], max_chars: usize) -> String {
    // Fast path for the common case.
    if value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        let kept = value.get(..max_chars).unwrap_or(value);
        return String::from_utf8_lossy(kept).into_owned();
    }
    String::from_utf8_lossy(value)
        .chars()
        .filter(|character| !character.is_control())
        .take(max_chars)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_hash_is_written_and_read_as_64_digits() {
        let hash = IpHash::from_bytes(std::array::from_fn(|i| u8::try_from(i * 8).unwrap()));
        let text = hash.to_string();
        assert_eq!(text.len(), 64);
        assert!(
            text.starts_with("0008101820") && text.ends_with("e8f0f8"),
            "{text}"
        );
        assert_eq!(hash.to_hex().as_slice(), text.as_bytes());
        assert_eq!(IpHash::from_hex(&text), Ok(hash));
        for bad in ["", "00", &text[1..], &format!("{text}0"), &"zz".repeat(32)] {
            assert_eq!(IpHash::from_hex(bad), Err(IpHashError));
        }
    }

    #[test]
    fn a_user_agent_is_cut_at_512_characters() {
        let agent = UserAgent::from_header("🦀".repeat(600).as_bytes()).unwrap();
        assert_eq!(agent.as_str().chars().count(), 512);
        assert_eq!(
            UserAgent::from_header(b"a\x01b\xff").unwrap().as_str(),
            "ab\u{fffd}"
        );
        assert_eq!(UserAgent::from_header(b""), None);
    }

    #[test]
    fn a_referrer_loses_whatever_may_be_secret() {
        let kept = |text: &str| Referrer::from_header(text.as_bytes()).map(|r| r.0);
        assert_eq!(
            kept("https://u:p@example.com/a?token=s#f").as_deref(),
            Some("https://example.com/a")
        );
        assert_eq!(
            kept("android-app://com.example/").as_deref(),
            Some("android-app://com.example/")
        );
        assert_eq!(kept("not a url"), None);
        assert_eq!(kept("hunter2"), None);
        assert_eq!(kept("javascript:alert(1)"), None);
        let long = format!("https://example.com/{}", "x".repeat(3_000));
        assert_eq!(kept(&long).as_deref(), Some("https://example.com/"));
    }

    #[test]
    fn a_referrer_has_a_host() {
        for (text, host) in [
            ("https://EXAMPLE.com/a/b:c", "example.com"),
            ("https://example.com:8443/", "example.com"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443/", "[2001:db8::1]"),
            ("android-app://com.example/", "com.example"),
            ("https://m\u{fc}nchen.example", "xn--mnchen-3ya.example"),
        ] {
            let referrer = Referrer::from_header(text.as_bytes()).unwrap();
            assert_eq!(referrer.host(), host, "{text}");
        }
        assert_eq!(Referrer::from_stored("nothing".to_owned()).host(), "");
    }

    #[test]
    fn the_host_of_a_referrer_is_written_in_one_way() {
        for (text, kept) in [
            ("https://www.google.com./", "https://www.google.com/"),
            (
                "https://www.google.com.:8443/a",
                "https://www.google.com:8443/a",
            ),
            ("https://WWW.Google.COM/A", "https://www.google.com/A"),
            ("https://www.google.com../", "https://www.google.com/"),
            ("android-app://com.Slack/", "android-app://com.slack/"),
            ("android-app://com.Slack/A", "android-app://com.slack/A"),
            ("Android-App://com.slack", "android-app://com.slack"),
            (
                "https://m\u{fc}nchen.example./",
                "https://xn--mnchen-3ya.example/",
            ),
            ("https://192.0.2.1./", "https://192.0.2.1/"),
        ] {
            let referrer = Referrer::from_header(text.as_bytes()).unwrap();
            assert_eq!(referrer.as_str(), kept, "{text}");
            let again = Referrer::from_header(kept.as_bytes());
            assert_eq!(again, Some(referrer), "{text}");
        }
        assert_eq!(Referrer::from_header(b"https://./"), None);
        for (stored, host) in [
            ("https://www.google.com./", "www.google.com"),
            ("android-app://com.Slack/", "com.slack"),
            ("https://Example.com.:8443/", "example.com"),
        ] {
            assert_eq!(Referrer::from_stored(stored.to_owned()).host(), host);
        }
    }

    #[test]
    fn a_referrer_that_is_no_clean_url_counts_with_its_host() {
        for (header, kept) in [
            (
                &b"https://example.de/caf\xe9"[..],
                "https://example.de/caf%EF%BF%BD",
            ),
            (
                b"https://example.de/caf\xe9?q=\xe9#\xe9",
                "https://example.de/caf%EF%BF%BD",
            ),
            (
                b"https://example.de/caf\xc3\xa9",
                "https://example.de/caf%C3%A9",
            ),
            (b"https://example.de/a b", "https://example.de/a%20b"),
            (b" https://example.de/ ", "https://example.de/"),
            (
                b"https://user:secret@example.de:8080/x",
                "https://example.de:8080/x",
            ),
            (b"HTTPS://EXAMPLE.DE", "https://example.de/"),
            (b"example.de", "http://example.de/"),
            (b"Example.DE.:8080/a?b", "http://example.de:8080/a"),
            (b"//example.de/a", "http://example.de/a"),
            ("m\u{fc}nchen.de".as_bytes(), "http://xn--mnchen-3ya.de/"),
        ] {
            let referrer = Referrer::from_header(header).unwrap();
            assert_eq!(referrer.as_str(), kept);
        }
        for header in [
            &b"https://caf\xe9.example/"[..],
            b"\xff\xfe",
            b"/wiki/page",
            b"word",
            b"3.14",
            b"ada@example.com",
            b"mailto:ada@example.com",
            b"user:hunter2@example.org",
            b".com",
            b"about:client",
        ] {
            assert_eq!(Referrer::from_header(header), None, "{header:?}");
        }
    }
}

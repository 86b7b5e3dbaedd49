//! Destinations of short links.

use std::borrow::Cow;
use std::fmt;

use url::Url;

use crate::BaseUrl;
use crate::pasted::url_in;

/// The placeholder for the rest of the path in the destination of a keyword.
pub(crate) const SLUG: &str = "{slug}";
const ENCODED_SLUG: &str = "%7Bslug%7D";

/// The destination of a link: an absolute `http` or `https` URL of at most 2,048 bytes, without
/// credentials, that does not point to this server.
///
/// Stored in the form that browsers send (WHATWG URL: host in lower case and punycode, other
/// characters percent-encoded), so that it can be sent in a `Location` header unchanged. The only
/// difference: the slash of an empty path is left out if its owner left it out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetUrl(Box<str>);

impl TargetUrl {
    /// Maximum length in bytes, as typed and as stored.
    pub const MAX_LEN: usize = 2_048;

    /// Parses a destination as a person typed or pasted it: white space, hidden characters, angle
    /// brackets, quotes and `URL:` around it are removed, and so are line breaks in it (RFC 3986,
    /// appendix C).
    ///
    /// # Errors
    /// [`TargetUrlError`] names the rule that the text breaks.
    pub fn parse(text: &str, base: &BaseUrl) -> Result<Self, TargetUrlError> {
        let pasted = url_in(text);
        let text = &*pasted;
        if text.len() > Self::MAX_LEN {
            return Err(TargetUrlError::TooLong { length: text.len() });
        }
        // The URL standard silently removes tabs and newlines. Reject them like all other control
        // characters, because they are typing errors.
        if text.chars().any(char::is_control) {
            return Err(TargetUrlError::ControlCharacter);
        }
        let url = Url::parse(text).map_err(|_| TargetUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetUrlError::Credentials);
        }
        if url.host_str().is_some_and(|host| host.contains(['$', '{'])) {
            return Err(TargetUrlError::PlaceholderInHost);
        }
        if base.is_own(&url) {
            return Err(TargetUrlError::OwnHost);
        }
        let canonical = url.as_str();
        let kept = if canonical.strip_suffix('/') == Some(text) {
            text
        } else {
            canonical
        };
        if kept.len() > Self::MAX_LEN {
            return Err(TargetUrlError::TooLong { length: kept.len() });
        }
        Ok(Self(kept.into()))
    }

    /// Parses the destination of a keyword, in which `{slug}` is the placeholder for the rest of
    /// the path ([`Template`](crate::Template)).
    ///
    /// # Errors
    /// [`TargetUrlError`] names the rule that the text breaks.
    pub fn parse_keyword(text: &str, base: &BaseUrl) -> Result<Self, TargetUrlError> {
        let target = Self::parse(text, base)?;
        // The URL standard encodes braces in a path.
        let kept = target.0.replace(ENCODED_SLUG, SLUG);
        if kept.contains(SLUG) {
            Ok(Self(kept.into()))
        } else {
            Err(TargetUrlError::NoSlug)
        }
    }

    /// Creates a destination from stored text.
    ///
    /// # Errors
    /// [`TargetUrlError`] if the text cannot be a result of [`TargetUrl::parse`].
    pub fn from_stored(text: String) -> Result<Self, TargetUrlError> {
        if text.len() > Self::MAX_LEN {
            return Err(TargetUrlError::TooLong { length: text.len() });
        }
        if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(TargetUrlError::ControlCharacter);
        }
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Err(TargetUrlError::Scheme);
        }
        Ok(Self(text.into()))
    }

    /// Returns the URL as text, which is visible ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host in lower case; an IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> String {
        let url = Url::parse(&self.0).ok();
        let host = url.as_ref().and_then(Url::host_str);
        host.unwrap_or_default().trim_end_matches('.').to_owned()
    }

    /// Returns the URL with a visitor's query (without its `?`) after its own query and before its
    /// fragment. A query with characters that a URL cannot contain is left out completely.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Cow<'_, str> {
        with_query(&self.0, query)
    }
}

/// Adds a visitor's query to a URL: see [`TargetUrl::with_query`].
pub(crate) fn with_query<'u>(url: &'u str, query: &str) -> Cow<'u, str> {
    let is_usable = query
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if query.is_empty() || !is_usable {
        return Cow::Borrowed(url);
    }
    let (before, fragment) = match url.find('#') {
        Some(at) => url.split_at(at),
        None => (url, ""),
    };
    let separator = match before.find('?') {
        None => "?",
        Some(at) if at + 1 == before.len() || before.ends_with('&') => "",
        Some(_) => "&",
    };
    Cow::Owned(format!("{before}{separator}{query}{fragment}"))
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a valid destination. The message says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetUrlError {
    /// Not an absolute URL.
    #[error("the destination must be an absolute URL such as https://example.com/page")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("the destination must begin with http:// or https://")]
    Scheme,
    /// Longer than [`TargetUrl::MAX_LEN`].
    #[error(
        "the destination must have at most 2,048 bytes (percent-encoded), this one has {length}"
    )]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A control character such as a newline.
    #[error(
        "the destination must not contain control characters such as tabs or newlines; paste only \
         the URL"
    )]
    ControlCharacter,
    /// A user name or password before the host.
    #[error("remove the user name and password; everyone who follows the link would see them")]
    Credentials,
    /// A placeholder in the host.
    #[error("a placeholder must be in the path, the query or the fragment, not in the host")]
    PlaceholderInHost,
    /// The destination of a keyword has no `{slug}`.
    #[error(
        "the destination of a keyword must contain {{slug}}, such as https://example.com/{{slug}}"
    )]
    NoSlug,
    /// A template without a placeholder.
    #[error(
        "the destination has no placeholder such as $ticket in its path, query or fragment; add \
         one, or do not make the link a template"
    )]
    NoPlaceholder,
    /// A keyword that should be a template.
    #[error("a keyword is not a template: {{slug}} in its destination is always filled")]
    KeywordTemplate,
    /// The URL points to this server.
    #[error("this URL points to this server; use the final destination")]
    OwnHost,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, TargetUrlError> {
        let base = "https://go.example".parse().unwrap();
        TargetUrl::parse(text, &base).map(|target| target.as_str().to_owned())
    }

    #[test]
    fn a_visitors_query_follows_the_destinations_own_and_precedes_its_fragment() {
        for (target, query, expected) in [
            ("https://a.example", "x=1", "https://a.example?x=1"),
            ("https://a.example/", "", "https://a.example/"),
            (
                "https://a.example/?y=2",
                "x=1",
                "https://a.example/?y=2&x=1",
            ),
            ("https://a.example/?", "x=1", "https://a.example/?x=1"),
            (
                "https://a.example/#top",
                "x=1&z",
                "https://a.example/?x=1&z#top",
            ),
            (
                "https://a.example/#a?b",
                "x=1",
                "https://a.example/?x=1#a?b",
            ),
            ("https://a.example/", "x= 1", "https://a.example/"),
            ("https://a.example/", "x=1#y", "https://a.example/"),
        ] {
            let stored = TargetUrl::from_stored(target.to_owned()).unwrap();
            assert_eq!(stored.with_query(query), expected);
        }
    }

    #[test]
    fn ordinary_urls_stay_as_they_are() {
        for text in [
            "https://example.com",
            "https://example.com/",
            "http://example.com/a?b=c&d=%20#e",
            "http://example.com:8443/$name/x",
            "http://[2001:db8::1]/x",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_a_header_cannot_carry_is_percent_encoded() {
        assert_eq!(
            parse("  https://Bücher.example/🎉 \"x\"  ").as_deref(),
            Ok("https://xn--bcher-kva.example/%F0%9F%8E%89%20%22x%22")
        );
    }

    #[test]
    fn a_pasted_url_is_stored_as_the_person_meant_it() {
        for text in [
            "\u{feff}https://example.com/a",
            "https://example.com/a\u{200b}",
            "<https://example.com/a>",
            "“https://example.com/a”",
            "<URL:https://example.com/a>",
            "<https://example.com/\r\n    a>\r\n",
            "(https://example.com/a).",
            "https://https://example.com/a",
        ] {
            assert_eq!(
                parse(text).as_deref(),
                Ok("https://example.com/a"),
                "{text:?}"
            );
        }
        let base = "https://go.example".parse().unwrap();
        let keyword = TargetUrl::parse_keyword("\u{feff}<https://a.example/{slug}>\u{a0}", &base);
        assert_eq!(keyword.unwrap().as_str(), "https://a.example/{slug}");
    }

    #[test]
    fn a_dollar_sign_is_a_character_of_a_url() {
        for text in [
            "https://kibana.example/app#/v?_a=(filters:!((%27$state%27:(store:appState))))",
            "https://services.example/People?$filter=Name%20eq%20%27x%27&$top=5",
            "https://domino.example/db.nsf/0/1/$FILE/doc.pdf",
            "https://a.example/%24name",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not_a_web_address_is_refused() {
        for text in [
            "",
            "example.com",
            "/path",
            "//example.com",
            "https://",
            "http://a b/",
        ] {
            assert_eq!(parse(text), Err(TargetUrlError::NotAUrl), "{text:?}");
        }
        for text in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:,x",
            "ftp://a/",
            "mailto:a@b",
        ] {
            assert_eq!(parse(text), Err(TargetUrlError::Scheme), "{text:?}");
        }
        for text in [
            "https://a.example/\r\nX: y",
            "https://a.example/\nhttps://b.example/",
            "java\tscript:alert(1)",
            "https://a.example/\0",
        ] {
            assert_eq!(
                parse(text),
                Err(TargetUrlError::ControlCharacter),
                "{text:?}"
            );
        }
        assert_eq!(
            parse("https://u:p@example.com"),
            Err(TargetUrlError::Credentials)
        );
        assert_eq!(
            parse("https://u@example.com"),
            Err(TargetUrlError::Credentials)
        );
    }

    #[test]
    fn a_keyword_redirects_to_a_url_with_a_slug() {
        let base = "https://go.example".parse().unwrap();
        let parse = |text: &str| {
            let parsed = TargetUrl::parse_keyword(text, &base);
            parsed.map(|target| target.as_str().to_owned())
        };
        for text in [
            "https://a.example/{slug}",
            "https://a.example/x/{slug}/y?q={slug}#{slug}",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
        let encoded = parse("https://a.example/%7Bslug%7D").unwrap();
        assert_eq!(encoded, "https://a.example/{slug}");
        for (text, error) in [
            ("https://a.example/", TargetUrlError::NoSlug),
            ("https://a.example/{slug}/..", TargetUrlError::NoSlug),
            ("https://a.example/{name}", TargetUrlError::NoSlug),
            ("https://{slug}.example/", TargetUrlError::PlaceholderInHost),
            ("{slug}", TargetUrlError::NotAUrl),
            ("https://go.example/{slug}", TargetUrlError::OwnHost),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn no_placeholder_stands_in_a_host() {
        for text in ["https://$x.example/", "https://%24x.example/"] {
            assert_eq!(parse(text), Err(TargetUrlError::PlaceholderInHost));
        }
        assert_eq!(
            parse("https://$x@a.example/"),
            Err(TargetUrlError::Credentials)
        );
        assert_eq!(parse("https://a.example:$x/"), Err(TargetUrlError::NotAUrl));
        assert_eq!(parse("$x://a.example/"), Err(TargetUrlError::NotAUrl));
    }

    #[test]
    fn a_link_back_to_the_shortener_is_refused_whatever_its_spelling() {
        for text in [
            "https://go.example/x",
            "http://go.example/x",
            "https://GO.example./x",
            "https://go.example:443/x",
        ] {
            assert_eq!(parse(text), Err(TargetUrlError::OwnHost), "{text:?}");
        }
        assert!(parse("https://go.example:8443/another-service").is_ok());
        assert!(parse("https://www.go.example/").is_ok());
    }

    #[test]
    fn a_link_back_by_another_name_is_refused_too() {
        let parse = |base: &str, names: &str, text: &str| {
            let base: BaseUrl = base.parse().unwrap();
            let names = crate::OwnName::parse_all(names).unwrap();
            TargetUrl::parse(text, &base.also_known_as(names)).map(|_| ())
        };
        let names = "go, go.corp.example:8443, *.go.example";
        for text in [
            "http://go/x",
            "https://GO./x",
            "https://go.corp.example:8443/",
            "https://gh.go.example/org",
        ] {
            let refused = parse("https://go.example", names, text);
            assert_eq!(refused, Err(TargetUrlError::OwnHost), "{text}");
        }
        for text in ["http://go:81/x", "https://go.corp.example/", "https://goo/"] {
            assert_eq!(parse("https://go.example", names, text), Ok(()), "{text}");
        }
        for text in [
            "http://127.0.0.1:8080/x",
            "http://[::1]:8080/x",
            "http://[::ffff:127.0.0.1]:8080/x",
            "http://0x7f.1:8080/x",
            "http://2130706433:8080/x",
            "http://a.localhost:8080/x",
        ] {
            let refused = parse("http://localhost:8080", "", text);
            assert_eq!(refused, Err(TargetUrlError::OwnHost), "{text}");
        }
        assert_eq!(
            parse("http://localhost:8080", "", "http://127.0.0.1:9/"),
            Ok(())
        );
    }

    #[test]
    fn the_limit_is_2048_bytes_after_encoding() {
        let prefix = "https://example.com/";
        let longest = format!("{prefix}{}", "x".repeat(2_048 - prefix.len()));
        assert_eq!(parse(&longest).as_deref(), Ok(longest.as_str()));
        assert_eq!(
            parse(&format!("{longest}x")),
            Err(TargetUrlError::TooLong { length: 2_049 })
        );
        let encoded = format!("{prefix}{}", "ä".repeat(400));
        assert_eq!(
            parse(&encoded),
            Err(TargetUrlError::TooLong { length: 2_420 })
        );
    }

    proptest! {
        #[test]
        fn whatever_parses_can_stand_in_a_header_and_be_stored(text in "https?://[a-z]{1,5}\\.example/.{0,60}") {
            if let Ok(kept) = parse(&text) {
                prop_assert!(kept.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(TargetUrl::from_stored(kept).is_ok());
            }
        }
    }
}

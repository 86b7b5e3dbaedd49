//! The prefix of short links: where visitors reach this server.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::ShortCode;

/// The public address of the server, for instance `https://go.example`; a path is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    /// Without the slash at the end.
    text: String,
}

impl BaseUrl {
    /// The short link of a code, in the spelling of its owner.
    #[must_use]
    pub fn short_url(&self, code: &ShortCode) -> String {
        format!("{}/{}", self.text, code.spelling())
    }

    /// The host, in lower case, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The prefix without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `other` leads back to this server: the same host, on the same port or on the default
    /// port of the other scheme (which servers usually redirect).
    #[must_use]
    pub(crate) fn is_own(&self, other: &Url) -> bool {
        let host = |url: &Url| {
            url.host_str()
                .map(|host| host.trim_end_matches('.').to_ascii_lowercase())
        };
        let both_default = self.url.port().is_none() && other.port().is_none();
        host(&self.url) == host(other)
            && (both_default || self.url.port_or_known_default() == other.port_or_known_default())
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(BaseUrlError::Scheme);
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(BaseUrlError::Extra);
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not acceptable as the prefix of short links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// No absolute URL.
    #[error("is not an absolute URL such as https://go.example")]
    NotAUrl,
    /// Not http or https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// A query, fragment, user or password.
    #[error("must be only a scheme, a host and perhaps a port and a path")]
    Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_links_have_one_slash() {
        let code = ShortCode::parse("Wiki").unwrap();
        for text in ["https://go.example", "https://go.example/"] {
            let base: BaseUrl = text.parse().unwrap();
            assert_eq!(base.short_url(&code), "https://go.example/Wiki");
        }
        let base: BaseUrl = "http://localhost:8080/go/".parse().unwrap();
        assert_eq!(base.short_url(&code), "http://localhost:8080/go/Wiki");
    }

    #[test]
    fn what_is_not_a_prefix_is_refused() {
        assert_eq!("go.example".parse::<BaseUrl>(), Err(BaseUrlError::NotAUrl));
        assert_eq!(
            "ftp://go.example".parse::<BaseUrl>(),
            Err(BaseUrlError::Scheme)
        );
        for text in ["http://a/?q", "http://a/#f", "http://u:p@a/"] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BaseUrlError::Extra));
        }
    }
}

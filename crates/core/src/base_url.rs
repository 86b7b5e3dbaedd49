//! The public URL of the server, with which short links begin.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Url;

use crate::address::forms;
use crate::host::address_of;
use crate::{OwnName, ShortCode};

/// The public URL of the server, for instance `https://go.example`, which may have a path. Also
/// holds the other names of the server, and the addresses on which it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    /// Without a trailing slash.
    text: String,
    names: Vec<OwnName>,
    sockets: Vec<SocketAddr>,
}

impl BaseUrl {
    /// Adds other names of the server.
    #[must_use]
    pub fn also_known_as(self, names: Vec<OwnName>) -> Self {
        Self { names, ..self }
    }

    /// Sets the addresses on which the server listens.
    #[must_use]
    pub fn listening_on(self, sockets: Vec<SocketAddr>) -> Self {
        Self { sockets, ..self }
    }

    /// Returns the short link of a code, in the spelling of its owner.
    #[must_use]
    pub fn short_url(&self, code: &ShortCode) -> String {
        format!("{}/{}", self.text, code.spelling())
    }

    /// Returns the host in lower case, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns the URL without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the path, without a trailing slash: empty if the server has a host of its own.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Returns what follows the path of the base URL in a path, beginning with a slash. Returns
    /// `None` if the path is not below it, or if the base URL has no path.
    ///
    /// ```
    /// # use waypost_core::BaseUrl;
    /// let base: BaseUrl = "https://example.com/go".parse()?;
    /// assert_eq!(base.below("/go/docs"), Some("/docs"));
    /// assert_eq!(base.below("/go/go"), Some("/go"));
    /// assert_eq!(base.below("/go/"), Some("/"));
    /// assert_eq!(base.below("/go"), None);
    /// assert_eq!(base.below("/gopher"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let prefix = Some(self.path()).filter(|prefix| !prefix.is_empty())?;
        path.strip_prefix(prefix)
            .filter(|rest| rest.starts_with('/'))
    }

    /// Whether `other` points to this server: the same host or another name of the server, on the
    /// same port or on the default port of the other scheme (which servers usually redirect), or an
    /// address on which it listens. All names and addresses of the loopback interface are equal, and
    /// so are all forms of an address.
    #[must_use]
    pub(crate) fn is_own(&self, other: &Url) -> bool {
        let host = |url: &Url| {
            url.host_str()
                .map(|host| host.trim_end_matches('.').to_ascii_lowercase())
                .unwrap_or_default()
        };
        let (own, named) = (host(&self.url), host(other));
        let (own_port, port) = (
            self.url.port_or_known_default(),
            other.port_or_known_default(),
        );
        let both_default = self.url.port().is_none() && other.port().is_none();
        let place = Place::of(&named);
        let same_host = own == named || place.is_same(&Place::of(&own));
        let is_socket = |socket: &SocketAddr| {
            port == Some(socket.port()) && place.is_same(&Place::At(socket.ip()))
        };
        (same_host && (both_default || own_port == port))
            || self.sockets.iter().any(is_socket)
            || self
                .names
                .iter()
                .any(|name| name.is(&named, port, own_port))
    }

    /// Returns the word of a host that may be a keyword: a host of one word, or the word before a
    /// name of this server. `host` is a value of the header `Host`, with or without a port. Returns
    /// `None` if the host is a name of the server itself.
    ///
    /// ```
    /// # use waypost_core::BaseUrl;
    /// let base: BaseUrl = "https://go.example".parse()?;
    /// assert_eq!(base.word_of("gh:8080"), Some("gh"));
    /// assert_eq!(base.word_of("gh.go.example"), Some("gh"));
    /// assert_eq!(base.word_of("go.example"), None);
    /// assert_eq!(base.word_of("gh.other.example"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn word_of<'h>(&self, host: &'h str) -> Option<&'h str> {
        let name = host.split(':').next().unwrap_or_default();
        let name = name.strip_suffix('.').unwrap_or(name);
        let own = self.host();
        let own = own.strip_suffix('.').unwrap_or(own);
        // The most common case.
        if name.eq_ignore_ascii_case(own) {
            return None;
        }
        let (word, domain) = name.split_once('.').unwrap_or((name, ""));
        let mut names = self.names.iter().map(OwnName::host);
        let is_name = |(own, is_below): (&str, bool)| !is_below && name.eq_ignore_ascii_case(own);
        if names.clone().any(is_name) {
            return None;
        }
        let is_before = |(own, _): (&str, bool)| domain.eq_ignore_ascii_case(own);
        let is_one_word = domain.is_empty();
        (is_one_word || is_before((own, false)) || names.any(is_before)).then_some(word)
    }
}

/// Names that the files `/etc/hosts` of Linux distributions give to the loopback interface, beside
/// `localhost` (RFC 6761 §6.3).
const LOOPBACK_NAMES: &[&str] = &[
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "ip6-localhost",
    "ip6-loopback",
];

/// Where a host is, as far as its text tells: the one place where hosts are compared.
#[derive(Debug)]
enum Place {
    /// A name of the loopback interface.
    Loopback,
    /// An address, in any of its forms.
    At(IpAddr),
    /// Any other name.
    Named,
}

impl Place {
    /// `host` is in lower case, without a trailing dot.
    fn of(host: &str) -> Self {
        match address_of(host) {
            Some(address) => Self::At(address),
            None if host == "localhost"
                || host.ends_with(".localhost")
                || LOOPBACK_NAMES.contains(&host) =>
            {
                Self::Loopback
            }
            None => Self::Named,
        }
    }

    /// Whether it is this machine. Connections to the unspecified address also arrive here.
    fn is_loopback(&self) -> bool {
        match self {
            Self::Loopback => true,
            Self::At(address) => forms(*address)
                .iter()
                .any(|form| form.is_loopback() || form.is_unspecified()),
            Self::Named => false,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let is_same_address = || match (self, other) {
            (Self::At(one), Self::At(other)) => {
                let others = forms(*other);
                forms(*one).iter().any(|form| others.contains(form))
            }
            _ => false,
        };
        (self.is_loopback() && other.is_loopback()) || is_same_address()
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
        Ok(Self {
            url,
            text,
            names: Vec::new(),
            sockets: Vec::new(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is not a valid base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute URL.
    #[error("must be an absolute URL such as https://go.example")]
    NotAUrl,
    /// Not http or https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// A query, fragment, user or password.
    #[error("must consist of a scheme, a host and optionally a port and a path")]
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
    fn every_form_of_the_own_address_is_own() {
        let is_own = |base: &str, other: &str| {
            let base: BaseUrl = base.parse().unwrap();
            base.is_own(&other.parse().unwrap())
        };
        for other in [
            "http://localhost:8080/",
            "http://127.0.0.1:8080/",
            "http://127.9.9.9:8080/",
            "http://0.0.0.0:8080/",
            "http://[::]:8080/",
            "http://[::1]:8080/",
            "http://[::ffff:127.0.0.1]:8080/",
            "http://[64:ff9b::7f00:1]:8080/",
            "http://2130706433:8080/",
        ] {
            assert!(is_own("http://localhost:8080", other), "{other}");
            assert!(is_own("http://127.0.0.1:8080", other), "{other}");
            assert!(!is_own("http://192.0.2.1:8080", other), "{other}");
        }
        for other in [
            "http://[::ffff:192.0.2.1]/",
            "https://[64:ff9b::c000:201]/",
            "http://[2002:c000:201::]/",
            "http://192.0.2.1./",
        ] {
            assert!(is_own("http://192.0.2.1", other), "{other}");
            assert!(!is_own("http://192.0.2.2", other), "{other}");
        }
        assert!(is_own("http://[::ffff:192.0.2.1]", "http://192.0.2.1/"));
        let named: BaseUrl = "https://go.example".parse().unwrap();
        let named = named.also_known_as(OwnName::parse_all("192.0.2.1").unwrap());
        assert!(named.is_own(&"http://[::ffff:192.0.2.1]/".parse().unwrap()));
    }

    #[test]
    fn every_address_on_which_the_server_listens_is_own() {
        let is_own = |socket: &str, other: &str| {
            let base: BaseUrl = "https://go.example".parse().unwrap();
            let base = base.listening_on(vec![socket.parse().unwrap()]);
            base.is_own(&other.parse().unwrap())
        };
        for socket in ["127.0.0.1:8080", "0.0.0.0:8080", "[::]:8080", "[::1]:8080"] {
            for other in [
                "http://0.0.0.0:8080/",
                "http://0:8080/",
                "http://[::]:8080/",
                "http://[::1]:8080/",
                "http://[::ffff:127.0.0.1]:8080/",
                "http://[::ffff:0.0.0.0]:8080/",
                "http://[::127.0.0.1]:8080/",
                "http://127.0.0.1:8080/",
                "http://127.1:8080/x",
                "http://0x7f000001:8080/",
                "http://0177.0.0.1:8080/",
                "http://2130706433:8080/",
                "http://127.255.255.254:8080/",
                "http://localhost:8080/",
                "http://LOCALHOST.:8080/",
                "http://a.localhost:8080/",
                "http://ip6-localhost:8080/",
                "https://localhost:8080/",
            ] {
                assert!(is_own(socket, other), "{socket} {other}");
            }
            for other in [
                "http://127.0.0.1:8081/",
                "http://0.0.0.0/",
                "http://192.0.2.1:8080/",
                "http://localhost.example:8080/",
                "http://go.example:8080/",
            ] {
                assert!(!is_own(socket, other), "{socket} {other}");
            }
        }
        for other in ["http://192.0.2.1:80/", "http://[::ffff:192.0.2.1]/"] {
            assert!(is_own("192.0.2.1:80", other), "{other}");
            assert!(!is_own("192.0.2.2:80", other), "{other}");
        }
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

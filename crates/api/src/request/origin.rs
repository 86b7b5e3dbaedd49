//! The origins (RFC 6454) that are this server: that of the base URL, and those of the host that a
//! request is sent to.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use url::{Host, Url};

use crate::site::Site;
use crate::state::State;

/// The header in which a proxy passes on the host that the client asked for.
const FORWARDED_HOST: &str = "x-forwarded-host";

/// The hosts that a request is sent to, as they are written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hosts<'a> {
    /// The header `Host`.
    pub(super) asked: Option<&'a HeaderValue>,
    /// The first host of `X-Forwarded-Host`, from a trusted proxy.
    pub(super) forwarded: Option<&'a str>,
}

impl<'a> Hosts<'a> {
    pub(super) fn of(request: &'a HttpRequest, state: &State) -> Self {
        let headers = request.headers();
        let peer = request.peer_addr().map(|peer| peer.ip());
        // Only if there is one: most requests need no look at the peer.
        let is_trusted = || state.recorder().trusted_proxies().trusts_peer(peer);
        let forwarded = headers.get(FORWARDED_HOST).filter(|_| is_trusted());
        let forwarded = forwarded.and_then(|hosts| hosts.to_str().ok());
        Self {
            forwarded: forwarded.and_then(|hosts| hosts.split(',').next()),
            ..Self::asked(headers)
        }
    }

    /// Returns the hosts of a request that comes from no trusted proxy.
    pub(super) fn asked(headers: &'a HeaderMap) -> Self {
        Self {
            asked: headers.get(header::HOST),
            forwarded: None,
        }
    }

    /// Whether a page of this origin is one of this server: the origin is that of the base URL, or
    /// names the host that the request is sent to, with any scheme. Names are compared as in DNS,
    /// ports with their defaults.
    pub(super) fn are_of(self, site: &Site, origin: &HeaderValue) -> bool {
        let Some(origin) = origin.to_str().ok().and_then(web_url) else {
            return false;
        };
        let is_base = web_url(site.origin())
            .is_some_and(|base| base.scheme() == origin.scheme() && is_same(&base, &origin));
        let asked = self.asked.and_then(|host| host.to_str().ok());
        let mut hosts = [asked, self.forwarded].into_iter().flatten();
        is_base
            || hosts.any(|host| {
                let url = web_url(&format!("{}://{}", origin.scheme(), host.trim()));
                url.is_some_and(|url| is_same(&url, &origin))
            })
    }
}

/// Parses a URL that consists of a scheme, a host and a port only.
fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_web = matches!(url.scheme(), "http" | "https");
    let has_user = !url.username().is_empty() || url.password().is_some();
    // `Url` ignores the slash at the end, which no origin has.
    (is_web && is_bare && !has_user && !text.ends_with('/')).then_some(url)
}

fn is_same(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| match url.host()?.to_owned() {
        Host::Domain(name) => Some(Host::Domain(
            name.strip_suffix('.')
                .map_or_else(|| name.clone(), str::to_owned),
        )),
        address => Some(address),
    };
    host(one).is_some()
        && host(one) == host(other)
        && one.port_or_known_default() == other.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(base_url: &str, origin: &str, asked: &str, forwarded: Option<&str>) -> bool {
        let site = Site::of(&base_url.parse().unwrap());
        let asked = HeaderValue::from_str(asked).unwrap();
        let hosts = Hosts {
            asked: Some(&asked),
            forwarded,
        };
        hosts.are_of(&site, &HeaderValue::from_str(origin).unwrap())
    }

    #[test]
    fn the_own_origin_is_that_of_the_base_url_or_of_the_requested_host() {
        for (origin, own) in [
            ("https://go.example", true),
            ("https://GO.example", true),
            ("https://go.example.", true),
            ("https://go.example:443", true),
            ("http://localhost:8080", true),
            ("https://localhost:8080", true),
            ("http://go.example", false),
            ("https://go.example:8443", false),
            ("https://go.example.evil.example", false),
            ("https://evil-go.example", false),
            ("https://go.example@evil.example", false),
            ("https://evil.example/https://go.example", false),
            ("https://go.example/", false),
            ("https://go.example?", false),
            ("http://localhost", false),
            ("ftp://localhost:8080", false),
            ("null", false),
            ("", false),
        ] {
            let is_own = is_own("https://go.example", origin, "localhost:8080", None);
            assert_eq!(is_own, own, "{origin:?}");
        }
    }

    #[test]
    fn a_host_is_compared_with_the_port_that_the_scheme_implies() {
        for (origin, asked, own) in [
            ("https://go.corp.example", "go.corp.example", true),
            ("https://go.corp.example", "Go.Corp.example.", true),
            ("https://go.corp.example", "go.corp.example:443", true),
            ("http://go.corp.example", "go.corp.example:80", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("http://[::1]:8080", "[0:0::1]:8080", true),
            ("http://192.0.2.1", "192.0.2.1:80", true),
            ("https://go.corp.example", "go.corp.example:80", false),
            ("https://go.corp.example:8443", "go.corp.example", false),
            ("https://go.corp.example", "waypost:8080", false),
            ("https://go.corp.example", "user@go.corp.example", false),
            ("https://go.corp.example", "go.corp.example/x", false),
            ("https://go.corp.example", "", false),
        ] {
            let is_own = is_own("http://localhost:8080", origin, asked, None);
            assert_eq!(is_own, own, "{origin:?} {asked:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_names_the_host() {
        let own = |forwarded| {
            let origin = "https://go.corp.example";
            is_own("http://localhost:8080", origin, "waypost:8080", forwarded)
        };
        assert!(own(Some("go.corp.example")));
        assert!(own(Some(" go.corp.example:443 ")));
        for other in [Some("evil.example"), Some(""), None] {
            assert!(!own(other), "{other:?}");
        }
    }
}

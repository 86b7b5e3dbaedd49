//! The URLs and cookies of this server as browsers see them: the path prefix, the own origin, the
//! redirects after signing in, and the names and attributes of cookies.

mod provider;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use time::Duration;
use url::Url;
use waypost_core::{BaseUrl, BrowserProof, SessionHash};

/// The path to redirect to if no other is given.
const HOME: &str = "/dashboard";
/// Maximum length of a path to redirect to, in bytes.
const MAX_PATH: usize = 4_096;
/// How long a browser is known.
const KNOWN_AGE: Duration = BrowserProof::LASTS;
/// How long a browser keeps the CSRF token.
const CSRF_AGE: Duration = Duration::DAY;
/// How long a browser keeps a success message that no page has shown yet.
const FLASH_AGE: Duration = Duration::MINUTE;

/// The URLs and cookies of the server.
pub(crate) struct Site {
    /// The root of the server.
    root: Option<Url>,
    origin: String,
    /// The path of the base URL, without a slash at its end.
    base: String,
    session: &'static str,
    csrf: &'static str,
    pending: &'static str,
    flash: &'static str,
    known: &'static str,
    at_provider: &'static str,
    left: &'static str,
    /// The attributes of all cookies, and the one for their path.
    attributes: String,
    path: String,
}

impl Site {
    pub(crate) fn of(base_url: &BaseUrl) -> Self {
        // A base URL always parses. If it did not, no path would be local and no origin the own
        // one.
        let url = Url::parse(base_url.as_str()).ok();
        let base = url.as_ref().map_or("", Url::path);
        let base = base.trim_end_matches('/').to_owned();
        let is_secure = url.as_ref().is_some_and(|url| url.scheme() == "https");
        let mut attributes = String::from("HttpOnly");
        if is_secure {
            attributes.push_str("; Secure");
        }
        let path = if base.is_empty() { "/" } else { &base };
        let path = path.to_owned();
        // A cookie with this prefix was set by this host, for all paths, over TLS (RFC 6265bis
        // §4.1.3.2).
        let is_host = is_secure && base.is_empty();
        let (session, csrf, pending, flash, known) = if is_host {
            (
                "__Host-waypost_session",
                "__Host-waypost_csrf",
                "__Host-waypost_oidc_",
                "__Host-waypost_flash",
                "__Host-waypost_known",
            )
        } else {
            (
                "waypost_session",
                "waypost_csrf",
                "waypost_oidc_",
                "waypost_flash",
                "waypost_known",
            )
        };
        // Cookies for a part of the paths have another prefix.
        let (at_provider, left) = if is_secure {
            ("__Secure-waypost_id_token", "__Secure-waypost_left")
        } else {
            ("waypost_id_token", "waypost_left")
        };
        Self {
            origin: url
                .as_ref()
                .map_or_else(String::new, |url| url.origin().ascii_serialization()),
            root: url.and_then(|url| url.join("/").ok()),
            base,
            session,
            csrf,
            pending,
            flash,
            known,
            at_provider,
            left,
            attributes,
            path,
        }
    }

    /// Returns the path prefix of this server, for links in pages and for `Location`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether this is the origin (RFC 6454 §7) of a page of this server: the origin of the base
    /// URL, or of the host that the request names.
    pub(crate) fn is_own_origin(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        if origin == self.origin {
            return true;
        }
        let host = origin.strip_prefix("http://");
        let host = host.or_else(|| origin.strip_prefix("https://"));
        let asked = headers.get(header::HOST).map(HeaderValue::as_bytes);
        host.zip(asked)
            .is_some_and(|(host, asked)| host.as_bytes().eq_ignore_ascii_case(asked))
    }

    /// Returns the path to redirect to: `path` if it is a path of this server, otherwise the
    /// dashboard.
    pub(crate) fn local(&self, path: &str) -> String {
        let path = self.checked(path).unwrap_or_else(|| HOME.to_owned());
        format!("{}{path}", self.base)
    }

    /// Returns the path as browsers interpret it, which may differ from how it is written; `None`
    /// if it is not a path of this server.
    pub(crate) fn checked(&self, path: &str) -> Option<String> {
        let root = self.root.as_ref()?;
        let second = path.strip_prefix('/')?.chars().next();
        let is_plain = !path.contains(char::is_control) && path.len() <= MAX_PATH;
        if !is_plain || matches!(second, Some('/' | '\\')) {
            return None;
        }
        let url = root.join(path).ok()?;
        let same = url.origin() == root.origin() && url.username().is_empty();
        // `/.//example.com` becomes `//example.com`, which is another host when it is parsed again.
        if !same || url.path().starts_with("//") {
            return None;
        }
        let mut checked = url.path().to_owned();
        for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
            if let Some(part) = part {
                checked.push(mark);
                checked.push_str(part);
            }
        }
        Some(checked)
    }

    /// Returns the path to sign in at, and to continue to `path` afterwards.
    pub(crate) fn sign_in(&self, path: &str) -> String {
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        format!("{}/auth/login?redirect={path}", self.base)
    }

    /// Returns the path to sign out at, and to sign in again for `path` if it is a path of this
    /// server.
    pub(crate) fn sign_out(&self, path: &str) -> String {
        let Some(path) = self.checked(path) else {
            return format!("{}/auth/logout", self.base);
        };
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        format!("{}/auth/logout?redirect={path}", self.base)
    }

    /// Returns the session secret of a request, without checking its format.
    pub(crate) fn session_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.session)
    }

    /// Returns the hash of the session secret of a request, if it is well formed. Needs no look-up.
    pub(crate) fn session_hash(&self, headers: &HeaderMap) -> Option<SessionHash> {
        SessionHash::of_well_formed(self.session_of(headers)?)
    }

    /// Returns the CSRF token of a request, without checking its format.
    pub(crate) fn csrf_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.csrf)
    }

    /// Returns the cookie that keeps a session secret in the browser for `age`. With `SameSite=Lax`
    /// other sites can link to pages that require a session, but cannot send forms with it.
    pub(crate) fn keep_session(&self, secret: &str, age: Duration) -> Option<HeaderValue> {
        self.keep(self.session, secret, "Lax", age)
    }

    /// Returns the cookie that makes the browser forget its session.
    pub(crate) fn forget_session(&self) -> Option<HeaderValue> {
        self.keep(self.session, "", "Lax", Duration::ZERO)
    }

    /// Whether a response gives the browser another session, or none.
    pub(crate) fn sets_session(&self, headers: &HeaderMap) -> bool {
        let mut cookies = headers.get_all(header::SET_COOKIE);
        cookies.any(|cookie| {
            let rest = cookie.as_bytes().strip_prefix(self.session.as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"="))
        })
    }

    /// Returns the proof of a known browser, without checking it.
    pub(crate) fn known_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.known)
    }

    /// Returns the cookie that keeps the proof of a known browser. Signing out does not remove it.
    pub(crate) fn keep_known(&self, proof: &BrowserProof) -> Option<HeaderValue> {
        self.keep(self.known, &proof.to_string(), "Lax", KNOWN_AGE)
    }

    /// Returns the cookie that keeps the CSRF token in the browser.
    pub(crate) fn keep_csrf(&self, token: &str) -> Option<HeaderValue> {
        self.keep(self.csrf, token, "Strict", CSRF_AGE)
    }

    /// Returns the name of the success message of a request, without checking it.
    pub(crate) fn flash_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.flash)
    }

    /// Returns the cookie that keeps the name of a success message until a page shows it.
    pub(crate) fn keep_flash(&self, name: &str) -> Option<HeaderValue> {
        self.keep(self.flash, name, "Strict", FLASH_AGE)
    }

    /// Returns the cookie that makes the browser forget the success message.
    pub(crate) fn forget_flash(&self) -> Option<HeaderValue> {
        self.keep(self.flash, "", "Strict", Duration::ZERO)
    }

    fn keep(&self, name: &str, value: &str, same_site: &str, age: Duration) -> Option<HeaderValue> {
        self.keep_at(&self.path, name, value, same_site, age)
    }

    fn keep_at(
        &self,
        path: &str,
        name: &str,
        value: &str,
        same_site: &str,
        age: Duration,
    ) -> Option<HeaderValue> {
        let (attributes, age) = (&self.attributes, age.whole_seconds().max(0));
        let cookie = format!(
            "{name}={value}; {attributes}; Path={path}; SameSite={same_site}; Max-Age={age}"
        );
        HeaderValue::try_from(cookie).ok()
    }
}

/// Returns the names and values of all cookies (RFC 6265 §5.4).
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let all = headers.get(header::COOKIE);
    let all = all.and_then(|all| all.to_str().ok()).unwrap_or_default();
    let pairs = all.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim()))
}

/// Returns the value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let found = cookies(headers).find(|(given, _)| *given == name);
    found.map(|(_, value)| value)
}

/// Redirects a browser with `GET` (RFC 9110 §15.4.4).
pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(base_url: &str) -> Site {
        Site::of(&base_url.parse().unwrap())
    }

    fn headers(given: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn redirects_stay_on_paths_of_this_server() {
        let site = site("https://go.example");
        for (path, expected) in [
            ("/wiki", "/wiki"),
            ("/wiki?a=1&b=/x#here", "/wiki?a=1&b=/x#here"),
            ("/a/b/c/", "/a/b/c/"),
            ("/", "/"),
            ("/a/../b", "/b"),
            ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
            ("/käse", "/k%C3%A4se"),
            ("/a\\b", "/a/b"),
            ("/@evil.example", "/@evil.example"),
            ("/:80", "/:80"),
        ] {
            assert_eq!(site.local(path), expected, "{path:?}");
        }
    }

    #[test]
    fn other_redirects_go_to_the_dashboard() {
        let site = site("https://go.example");
        let long = format!("/{}", "x".repeat(MAX_PATH));
        for path in [
            "",
            "wiki",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/wiki\r\nSet-Cookie: a=b",
            "/\u{0}",
            "/\u{85}/evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/./\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://go.example@evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "?x",
            "#x",
            "@evil.example",
            &long,
        ] {
            assert_eq!(site.local(path), HOME, "{path:?}");
        }
    }

    #[test]
    fn the_path_prefix_of_the_server_precedes_every_path() {
        let site = site("https://example.com/go/");
        assert_eq!(site.local("/wiki"), "/go/wiki");
        assert_eq!(site.local("//evil.example"), "/go/dashboard");
        assert_eq!(site.sign_in("/a?b"), "/go/auth/login?redirect=%2Fa%3Fb");
        assert_eq!(site.sign_out("/a?b"), "/go/auth/logout?redirect=%2Fa%3Fb");
        for elsewhere in ["", "//evil.example", "https://evil.example/"] {
            assert_eq!(site.sign_out(elsewhere), "/go/auth/logout");
        }
        let cookie = site.keep_session("secret", Duration::DAY).unwrap();
        assert_eq!(
            cookie,
            "waypost_session=secret; HttpOnly; Secure; Path=/go; SameSite=Lax; Max-Age=86400"
        );
    }

    #[test]
    fn cookies_are_as_safe_as_the_base_url_allows() {
        let secure = site("https://go.example");
        let cookie = secure.keep_session("secret", Duration::DAY).unwrap();
        assert_eq!(
            cookie,
            "__Host-waypost_session=secret; HttpOnly; Secure; Path=/; SameSite=Lax; Max-Age=86400"
        );
        let cookie = secure.keep_csrf("token").unwrap();
        assert_eq!(
            cookie,
            "__Host-waypost_csrf=token; HttpOnly; Secure; Path=/; SameSite=Strict; Max-Age=86400"
        );
        let plain = site("http://localhost:8080");
        let cookie = plain.forget_session().unwrap();
        let expected = "waypost_session=; HttpOnly; Path=/; SameSite=Lax; Max-Age=0";
        assert_eq!(cookie, expected);
    }

    #[test]
    fn the_own_cookie_is_found_among_others() {
        let site = site("http://localhost");
        let given = "a=b; waypost_session=wps_x ;waypost_session=other; x";
        let headers = headers(&[(header::COOKIE, given)]);
        assert_eq!(site.session_of(&headers), Some("wps_x"));
        assert_eq!(site.csrf_of(&headers), None);
        assert_eq!(site.session_of(&HeaderMap::new()), None);
    }

    #[test]
    fn the_own_origin_is_that_of_the_base_url_or_of_the_requested_host() {
        let site = site("https://go.example");
        let headers = headers(&[(header::HOST, "localhost:8080")]);
        for (origin, own) in [
            ("https://go.example", true),
            ("http://localhost:8080", true),
            ("https://localhost:8080", true),
            ("http://go.example", false),
            ("https://go.example:8443", false),
            ("https://go.example.evil.example", false),
            ("http://localhost", false),
            ("ftp://localhost:8080", false),
            ("null", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(origin);
            assert_eq!(site.is_own_origin(&value, &headers), own, "{origin:?}");
        }
    }
}

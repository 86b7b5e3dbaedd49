//! The URLs and cookies of this server as browsers see them: the path prefix, the own origin, the
//! redirects after signing in, and the names and attributes of cookies.

mod provider;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use time::Duration;
use url::Url;
use waypost_core::{BaseUrl, BrowserProof, SessionHash};

use crate::cookies::values;

/// The path to redirect to if no other is given.
const HOME: &str = "/dashboard";
/// Maximum length of a path to redirect to, in bytes.
const MAX_PATH: usize = 4_096;
/// Maximum number of cookies with one name that are looked up.
const MAX_TRIED: usize = 3;
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

    /// Returns the origin of the base URL (RFC 6454 §6.2).
    pub(crate) fn origin(&self) -> &str {
        &self.origin
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

    /// Returns the well-formed session secrets of a request, of which one may be valid.
    pub(crate) fn sessions_of<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let sessions = values(headers, self.session);
        let is_well_formed = |secret: &&str| SessionHash::of_well_formed(secret).is_some();
        sessions.filter(is_well_formed).take(MAX_TRIED)
    }

    /// Returns the hash of the first well-formed session secret of a request. Needs no look-up.
    pub(crate) fn session_hash(&self, headers: &HeaderMap) -> Option<SessionHash> {
        values(headers, self.session).find_map(SessionHash::of_well_formed)
    }

    /// Returns the CSRF tokens of a request, without checking their format.
    pub(crate) fn csrf_of<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        values(headers, self.csrf)
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

    /// Returns the proofs of a known browser, without checking them.
    pub(crate) fn known_of<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        values(headers, self.known).take(MAX_TRIED)
    }

    /// Returns the cookie that keeps the proof of a known browser. Signing out does not remove it.
    pub(crate) fn keep_known(&self, proof: &BrowserProof) -> Option<HeaderValue> {
        self.keep(self.known, &proof.to_string(), "Lax", KNOWN_AGE)
    }

    /// Returns the cookie that keeps the CSRF token in the browser.
    pub(crate) fn keep_csrf(&self, token: &str) -> Option<HeaderValue> {
        self.keep(self.csrf, token, "Strict", CSRF_AGE)
    }

    /// Returns the names of the success messages of a request, without checking them.
    pub(crate) fn flash_of<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        values(headers, self.flash)
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
    fn malformed_cookies_with_the_own_name_do_not_hide_the_own_ones() {
        let site = site("http://localhost");
        let digits = |digit: &str| format!("wps_{}", digit.repeat(43));
        let (first, second) = (digits("a"), digits("b"));
        let line = format!(
            "waypost_session=old; waypost_session={first}; waypost_session=\"{second}\"; \
             waypost_session={first}; waypost_session={second}; __Host-waypost_session=c"
        );
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::try_from(line).unwrap());
        let found: Vec<_> = site.sessions_of(&headers).collect();
        assert_eq!(found, [&*first, &second, &first], "a bounded number");
        let hash = site.session_hash(&headers);
        assert_eq!(hash, SessionHash::of_well_formed(&first));
        assert_eq!(site.csrf_of(&headers).count(), 0);
        assert_eq!(site.sessions_of(&HeaderMap::new()).count(), 0);
    }
}

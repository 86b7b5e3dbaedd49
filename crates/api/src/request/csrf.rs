//! Protection against cross-site request forgery (CSRF).
//!
//! A form has a token that must match a cookie, which no other site can read or set. In addition,
//! the headers `Sec-Fetch-Site` and `Origin` must not name another site ([`foreign`]). A change
//! through the API with a session must have a header that names this server as its origin, or the
//! token. Requests with an API token are exempt, because browsers never send one on their own.

use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use time::{Duration, OffsetDateTime};
use tracing::warn;
use uuid::{Builder, Uuid};
use waypost_core::{Random, TokenHash};

use crate::errors::{ApiError, ErrorCode};
use crate::request::origin::Hosts;
use crate::site::Site;
use crate::state::State;

/// The header with the token, for the API.
const HEADER: &str = "x-csrf-token";
/// Length of the mask of a token, in hexadecimal digits.
const MASK_LEN: usize = 32;
/// Minimum time between two notes of foreign origins in the log.
const NOTE_EVERY: Duration = Duration::MINUTE;
/// Maximum length of an origin or host in messages, in characters.
const MAX_ORIGIN_CHARS: usize = 200;
/// The note of an origin that is not of this server.
const FOREIGN: &str = "refused a form whose origin is neither that of WAYPOST_BASE_URL nor the requested host; correct \
     WAYPOST_BASE_URL, or let the proxy pass on the header Host";
/// The note of an own origin whose pages have no cookies.
const INSECURE: &str = "refused a form of a page that was opened with http; browsers keep the cookies of an https \
     WAYPOST_BASE_URL only with https";
/// The header in which the browser says where a request comes from (W3C Fetch Metadata §2.4).
const FETCH_SITE: &str = "sec-fetch-site";

/// Returns the token for a form, and a cookie to set if the browser has none.
pub(crate) fn token(
    headers: &HeaderMap,
    site: &Site,
    random: &dyn Random,
) -> (String, Option<HeaderValue>) {
    let mut kept = site.csrf_of(headers).map(Uuid::try_parse);
    if let Some(kept) = kept.find_map(Result::ok) {
        return (masked(kept, random), None);
    }
    let token = drawn(random);
    let cookie = site.keep_csrf(&token.simple().to_string());
    (masked(token, random), cookie)
}

fn drawn(random: &dyn Random) -> Uuid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// Masks a token for a page, differently each time. Pages are compressed and may contain text that
/// an attacker chose; a constant token could be guessed from their compressed length (BREACH).
fn masked(token: Uuid, random: &dyn Random) -> String {
    let mask = drawn(random);
    let both = Uuid::from_u128(token.as_u128() ^ mask.as_u128());
    format!("{}{}", mask.simple(), both.simple())
}

/// Returns the token of a masked one.
fn unmasked(text: &str) -> Option<String> {
    let (mask, both) = text.split_at_checked(MASK_LEN)?;
    let (mask, both) = (Uuid::try_parse(mask).ok()?, Uuid::try_parse(both).ok()?);
    let token = Uuid::from_u128(mask.as_u128() ^ both.as_u128());
    Some(token.simple().to_string())
}

/// The error for an origin that is not a website: `null`, or a browser extension.
const HIDDEN: &str = "the browser did not say which site the form came from; open the page on this \
                      site and try again, without extensions that hide it";

/// Checks that a form was sent from a page of this server, by its token and the headers.
///
/// # Errors
/// `CSRF` if it was not.
pub(crate) fn check_form(
    request: &HttpRequest,
    state: &State,
    token: &str,
) -> Result<(), ApiError> {
    check_origin(request, state)?;
    let (headers, site) = (request.headers(), state.site());
    if is_kept(headers, site, token) {
        return Ok(());
    }
    if let Some(origin) = insecure(headers, site) {
        let (origin, own) = (shortened(origin), site.origin());
        note(request, state, &origin, INSECURE);
        return Err(ApiError::new(
            ErrorCode::Csrf,
            format!(
                "this page was opened at {origin}, but browsers keep the cookies of this server only with \
                 https; open {own}, or ask an admin to correct WAYPOST_BASE_URL"
            ),
        ));
    }
    Err(ApiError::new(
        ErrorCode::Csrf,
        "the form has expired or came from another site; allow cookies for this site, reload the page \
         and try again",
    ))
}

/// Checks that no header names another site as the origin of a request.
///
/// # Errors
/// `CSRF` if one does.
pub(crate) fn check_origin(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    let (headers, site) = (request.headers(), state.site());
    match foreign(headers, site, Hosts::of(request, state)) {
        None => Ok(()),
        Some(Foreign::Site) => Err(ApiError::new(
            ErrorCode::Csrf,
            "the form came from another site; open the page on this site and try again",
        )),
        Some(Foreign::Origin(origin)) => {
            if !origin.as_bytes().starts_with(b"http") {
                return Err(ApiError::new(ErrorCode::Csrf, HIDDEN));
            }
            let origin = shortened(origin);
            note(request, state, &origin, FOREIGN);
            let own = site.origin();
            Err(ApiError::new(
                ErrorCode::Csrf,
                format!(
                    "the form came from {origin}, but this server is {own}; if you use this server at {origin}, \
                     ask an admin to correct WAYPOST_BASE_URL, or to let the proxy pass on the header Host"
                ),
            ))
        }
    }
}

/// Returns the origin of a form without the cookie of this server, if the browser has refused the
/// cookie because the page was opened without TLS.
fn insecure<'h>(headers: &'h HeaderMap, site: &Site) -> Option<&'h HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let is_plain = origin.as_bytes().starts_with(b"http:");
    let has_cookie = site.csrf_of(headers).next().is_some();
    (is_plain && !has_cookie && site.origin().starts_with("https:")).then_some(origin)
}

/// What names another site as the origin of a request.
#[derive(Debug, PartialEq, Eq)]
enum Foreign<'h> {
    /// The browser: it has compared the origins itself.
    Site,
    /// The header `Origin`, which names no host of this server. The settings may be wrong.
    Origin(&'h HeaderValue),
}

/// Returns what names another site as the origin of a request.
///
/// `Origin: null` is also what a page of this server sends if a proxy sets the referrer policy
/// `no-referrer`. It names no site, so the browser's own comparison decides; without it, it may be
/// a sandboxed frame of any site. An origin of another host is foreign whatever the browser says:
/// then the settings are wrong, and cookies and short links are as well.
fn foreign<'h>(headers: &'h HeaderMap, site: &Site, hosts: Hosts<'_>) -> Option<Foreign<'h>> {
    let says_own = match fetch_site(headers) {
        None => false,
        Some(b"same-origin" | b"none") => true,
        Some(_) => return Some(Foreign::Site),
    };
    let origin = headers.get(header::ORIGIN)?;
    let is_own = hosts.are_of(site, origin) || (origin == "null" && says_own);
    (!is_own).then_some(Foreign::Origin(origin))
}

/// Checks that a change through the API with a session comes from a page of this server. Other
/// methods pass.
///
/// # Errors
/// `CSRF` if neither a header nor the token proves it.
pub(crate) fn check_api(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    let (headers, site) = (request.headers(), state.site());
    let is_own = is_own_change(request.method(), headers, site, Hosts::of(request, state));
    if is_own {
        return Ok(());
    }
    if let (None, Some(origin)) = (fetch_site(headers), headers.get(header::ORIGIN)) {
        note(request, state, &shortened(origin), FOREIGN);
    }
    Err(ApiError::new(
        ErrorCode::Csrf,
        "changes with a session require a page of this server or the header `X-CSRF-Token`; or use an API token",
    ))
}

fn is_own_change(method: &Method, headers: &HeaderMap, site: &Site, hosts: Hosts<'_>) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let token = headers.get(HEADER).and_then(|token| token.to_str().ok());
    if token.is_some_and(|token| is_kept(headers, site, token)) {
        return true;
    }
    if let Some(says) = fetch_site(headers) {
        return says == b"same-origin";
    }
    let origin = headers.get(header::ORIGIN);
    origin.is_some_and(|origin| hosts.are_of(site, origin))
}

/// When an origin was last noted in the log.
#[derive(Debug, Default)]
pub(crate) struct OriginNotes(Mutex<Option<OffsetDateTime>>);

impl OriginNotes {
    /// Whether the next note is due: anyone can cause them.
    fn is_due(&self, now: OffsetDateTime) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |last: OffsetDateTime| (last..last + NOTE_EVERY).contains(&now);
        if last.is_some_and(is_recent) {
            return false;
        }
        *last = Some(now);
        true
    }
}

/// Logs which origins differ, for the operator.
fn note(request: &HttpRequest, state: &State, origin: &str, message: &str) {
    if !state.origin_notes().is_due(state.clock().now()) {
        return;
    }
    let host = request.headers().get(header::HOST).map(shortened);
    warn!(
        ?origin,
        host = ?host.unwrap_or_default(),
        base_url = %state.base_url(),
        "{message}"
    );
}

/// Returns a header for a message, which anyone may have written.
fn shortened(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.chars().take(MAX_ORIGIN_CHARS).collect()
}

fn fetch_site(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(FETCH_SITE).map(HeaderValue::as_bytes)
}

/// Returns whether a token, masked or not, is the one in a cookie. Compares hashes, so that the
/// time of the comparison reveals nothing.
fn is_kept(headers: &HeaderMap, site: &Site, token: &str) -> bool {
    let unmasked = unmasked(token);
    let token = unmasked.as_deref().unwrap_or(token);
    let token = TokenHash::of(token);
    let mut kept = site.csrf_of(headers).filter(|kept| !kept.is_empty());
    kept.any(|kept| TokenHash::of(kept) == token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;
    use waypost_core::SeededRandom;

    use super::*;

    const OWN: &str = "https://go.example";
    const COOKIE: &str = "__Host-waypost_csrf=kept";

    fn site() -> Site {
        Site::of(&OWN.parse().unwrap())
    }

    fn headers(given: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn is_own_form(headers: &HeaderMap, token: &str) -> bool {
        let site = site();
        foreign(headers, &site, Hosts::asked(headers)).is_none() && is_kept(headers, &site, token)
    }

    #[test]
    fn a_form_needs_its_token_and_no_foreign_origin() {
        for (given, token, accepted) in [
            (vec![("cookie", COOKIE)], "kept", true),
            (vec![("cookie", COOKIE), ("origin", OWN)], "kept", true),
            (
                vec![("cookie", COOKIE), (FETCH_SITE, "same-origin")],
                "kept",
                true,
            ),
            (vec![("cookie", COOKIE)], "other", false),
            (vec![("cookie", COOKIE)], "", false),
            (vec![("cookie", "__Host-waypost_csrf=")], "", false),
            (vec![], "kept", false),
            (vec![("cookie", "waypost_csrf=kept")], "kept", false),
            (
                vec![("cookie", COOKIE), (FETCH_SITE, "cross-site")],
                "kept",
                false,
            ),
            (
                vec![("cookie", COOKIE), (FETCH_SITE, "same-site")],
                "kept",
                false,
            ),
            (
                vec![("cookie", COOKIE), ("origin", "https://evil.example")],
                "kept",
                false,
            ),
            (vec![("cookie", COOKIE), ("origin", "null")], "kept", false),
            (
                vec![
                    ("cookie", COOKIE),
                    (FETCH_SITE, "same-origin"),
                    ("origin", "null"),
                ],
                "kept",
                true,
            ),
            (
                vec![
                    ("cookie", COOKIE),
                    (FETCH_SITE, "cross-site"),
                    ("origin", "null"),
                ],
                "kept",
                false,
            ),
            (
                vec![("cookie", "__Host-waypost_csrf=old"), ("cookie", COOKIE)],
                "kept",
                true,
            ),
            (
                vec![("cookie", COOKIE), ("referer", "https://evil.example/")],
                "kept",
                true,
            ),
            (
                vec![
                    ("cookie", COOKIE),
                    (FETCH_SITE, "same-origin"),
                    ("origin", "https://evil.example"),
                ],
                "kept",
                false,
            ),
        ] {
            let is_accepted = is_own_form(&headers(&given), token);
            assert_eq!(is_accepted, accepted, "{given:?} {token:?}");
        }
    }

    #[test]
    fn a_change_with_a_session_says_where_it_comes_from_or_brings_the_token() {
        for (given, accepted) in [
            (vec![], false),
            (vec![(FETCH_SITE, "same-origin")], true),
            (vec![(FETCH_SITE, "same-site")], false),
            (vec![(FETCH_SITE, "cross-site")], false),
            (vec![(FETCH_SITE, "none")], false),
            (vec![(FETCH_SITE, "cross-site"), ("origin", OWN)], false),
            (vec![("origin", OWN)], true),
            (vec![("origin", "https://evil.example")], false),
            (vec![("origin", "null")], false),
            (vec![("cookie", COOKIE), (HEADER, "kept")], true),
            (vec![("cookie", COOKIE), (HEADER, "other")], false),
            (vec![(HEADER, "kept")], false),
        ] {
            let given = headers(&given);
            let is_own = |method| is_own_change(&method, &given, &site(), Hosts::asked(&given));
            assert_eq!(is_own(Method::POST), accepted, "{given:?}");
            assert!(is_own(Method::GET));
        }
    }

    #[test]
    fn a_browser_keeps_its_token() {
        let random = SeededRandom::new(1);
        let (token, cookie) = super::token(&HeaderMap::new(), &site(), &random);
        let cookie = cookie.unwrap();
        let cookie = cookie.to_str().unwrap();
        let (pair, _) = cookie.split_once(';').unwrap();
        let (_, kept) = pair.split_once('=').unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
        let (again, cookie) = super::token(&headers, &site(), &random);
        assert_eq!(cookie, None);
        // Each page has another mask.
        assert!(again != token && !again.contains(kept), "{again} {kept}");
        let other = masked(Uuid::from_u128(1), &random);
        for (token, accepted) in [
            (token.as_str(), true),
            (&again, true),
            (kept, true),
            (&other, false),
            (&again[1..], false),
            ("ä", false),
        ] {
            assert_eq!(is_own_form(&headers, token), accepted, "{token}");
        }
    }

    #[test]
    fn what_is_foreign_is_told_by_the_browser_or_by_the_origin() {
        let origin = "https://go.corp.example";
        let wrong = headers(&[
            ("host", "waypost:8080"),
            (FETCH_SITE, "same-origin"),
            ("origin", origin),
        ]);
        let named = HeaderValue::from_static(origin);
        let found = foreign(&wrong, &site(), Hosts::asked(&wrong));
        assert_eq!(found, Some(Foreign::Origin(&named)));
        let forwarded = Hosts {
            forwarded: Some("go.corp.example"),
            ..Hosts::asked(&wrong)
        };
        assert_eq!(foreign(&wrong, &site(), forwarded), None);
        let cross = headers(&[(FETCH_SITE, "cross-site"), ("origin", OWN)]);
        let found = foreign(&cross, &site(), Hosts::asked(&cross));
        assert_eq!(found, Some(Foreign::Site));
    }

    #[test]
    fn a_foreign_origin_is_noted_once_a_minute() {
        let notes = OriginNotes::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        assert!(notes.is_due(now));
        assert!(!notes.is_due(now + Duration::seconds(59)));
        assert!(notes.is_due(now + NOTE_EVERY));
        assert!(notes.is_due(now), "the clock was set back");
    }
}

//! Requests that somebody's browser sends without them wanting it: telling them apart from their own.
//!
//! A form brings a token that is in a cookie, too, which no other site can read or set. What browsers say
//! about where a request comes from (`Sec-Fetch-Site`, `Origin`) must not speak against it. A request to
//! the API with a session either says that it comes from a page of this server, or brings the token.
//! Requests with an API token are not concerned: no browser sends one by itself.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use uuid::{Builder, Uuid};
use waypost_core::{Random, TokenHash};

use crate::errors::{ApiError, ErrorCode};
use crate::site::Site;

/// The header that brings the token to the API.
const HEADER: &str = "x-csrf-token";
/// The length of the mask of a token, in hexadecimal digits.
const MASK_LEN: usize = 32;
/// Where a request comes from, by the word of the browser (W3C Fetch Metadata §2.4).
const FETCH_SITE: &str = "sec-fetch-site";

/// The token for a form, and the cookie that it takes where the browser does not have it.
pub(crate) fn token(
    headers: &HeaderMap,
    site: &Site,
    random: &dyn Random,
) -> (String, Option<HeaderValue>) {
    let kept = site.csrf_of(headers).map(Uuid::try_parse);
    if let Some(Ok(kept)) = kept {
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

/// The token as it stands in a page: another text each time. Pages are compressed, and show what somebody else
/// may have chosen; the same text in each of them could be guessed from how short they are (BREACH).
fn masked(token: Uuid, random: &dyn Random) -> String {
    let mask = drawn(random);
    let both = Uuid::from_u128(token.as_u128() ^ mask.as_u128());
    format!("{}{}", mask.simple(), both.simple())
}

/// The token that a page shows masked.
fn unmasked(text: &str) -> Option<String> {
    let (mask, both) = text.split_at_checked(MASK_LEN)?;
    let (mask, both) = (Uuid::try_parse(mask).ok()?, Uuid::try_parse(both).ok()?);
    let token = Uuid::from_u128(mask.as_u128() ^ both.as_u128());
    Some(token.simple().to_string())
}

/// Whether a form was sent from a page of this server, with the token that the form brings.
///
/// # Errors
/// `CSRF` when it was not.
pub(crate) fn check_form(headers: &HeaderMap, site: &Site, token: &str) -> Result<(), ApiError> {
    check_origin(headers, site)?;
    if is_kept(headers, site, token) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Csrf,
        "the form has expired or came from another site; allow cookies for this site, reload the page \
         and try again",
    ))
}

/// Whether nothing speaks against that a page of this server sends a request.
///
/// # Errors
/// `CSRF` when the browser says that another one does.
pub(crate) fn check_origin(headers: &HeaderMap, site: &Site) -> Result<(), ApiError> {
    let foreign = match fetch_site(headers) {
        Some(b"same-origin" | b"none") | None => {
            let origin = headers.get(header::ORIGIN);
            origin.is_some_and(|origin| !site.is_own_origin(origin, headers))
        }
        Some(_) => true,
    };
    if foreign {
        return Err(ApiError::new(
            ErrorCode::Csrf,
            "the form came from another site; reload the page and try again; if it persists, \
             WAYPOST_BASE_URL may be wrong",
        ));
    }
    Ok(())
}

/// Whether a request to the API with a session may change something.
///
/// # Errors
/// `CSRF` when nothing says that a page of this server sends it.
pub(crate) fn check_api(method: &Method, headers: &HeaderMap, site: &Site) -> Result<(), ApiError> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let token = headers.get(HEADER).and_then(|token| token.to_str().ok());
    if token.is_some_and(|token| is_kept(headers, site, token)) {
        return Ok(());
    }
    let own = if let Some(says) = fetch_site(headers) {
        says == b"same-origin"
    } else {
        let origin = headers.get(header::ORIGIN);
        origin.is_some_and(|origin| site.is_own_origin(origin, headers))
    };
    if own {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::Csrf,
        "changes with a session require a page of this server or the header `X-CSRF-Token`; or use an API token",
    ))
}

fn fetch_site(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(FETCH_SITE).map(HeaderValue::as_bytes)
}

/// Whether it is the token in the cookie, masked or as it is. Hashes are compared: the time that it takes
/// says nothing.
fn is_kept(headers: &HeaderMap, site: &Site, token: &str) -> bool {
    let unmasked = unmasked(token);
    let token = unmasked.as_deref().unwrap_or(token);
    let kept = site.csrf_of(headers).filter(|kept| !kept.is_empty());
    kept.is_some_and(|kept| TokenHash::of(kept) == TokenHash::of(token))
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
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_form_needs_its_token_and_nothing_that_speaks_against_it() {
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
                    ("origin", "https://evil.example"),
                ],
                "kept",
                false,
            ),
        ] {
            let checked = check_form(&headers(&given), &site(), token);
            assert_eq!(checked.is_ok(), accepted, "{given:?} {token:?}");
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
            let checked = check_api(&Method::POST, &given, &site());
            assert_eq!(checked.is_ok(), accepted, "{given:?}");
            assert!(check_api(&Method::GET, &given, &site()).is_ok());
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
        // In each page it is another text.
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
            let checked = check_form(&headers, &site(), token);
            assert_eq!(checked.is_ok(), accepted, "{token}");
        }
    }
}

//! Requests that somebody's browser sends without them wanting it: telling them apart from their own.
//!
//! A form brings a token that is in a cookie, too, which no other site can read or set. What browsers say
//! about where a request comes from (`Sec-Fetch-Site`, `Origin`) must not speak against it. A request to
//! the API with a session either says that it comes from a page of this server, or brings the token.
//! Requests with an API token are not concerned: no browser sends one by itself.

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use uuid::Builder;
use waypost_core::{Random, TokenHash};

use crate::errors::{ApiError, ErrorCode};
use crate::site::Site;

/// The header that brings the token to the API.
const HEADER: &str = "x-csrf-token";
/// Where a request comes from, by the word of the browser (W3C Fetch Metadata §2.4).
const FETCH_SITE: &str = "sec-fetch-site";

/// The token for a form, and the cookie that it takes where the browser does not have it.
pub(crate) fn token(
    headers: &HeaderMap,
    site: &Site,
    random: &dyn Random,
) -> (String, Option<HeaderValue>) {
    let is_token = |text: &&str| uuid::Uuid::try_parse(text).is_ok();
    if let Some(kept) = site.csrf_of(headers).filter(is_token) {
        return (kept.to_owned(), None);
    }
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let token = Builder::from_random_bytes(bytes).into_uuid();
    let token = token.simple().to_string();
    let cookie = site.keep_csrf(&token);
    (token, cookie)
}

/// Whether a form was sent from a page of this server, with the token that the form brings.
///
/// # Errors
/// `CSRF` when it was not.
pub(crate) fn check_form(headers: &HeaderMap, site: &Site, token: &str) -> Result<(), ApiError> {
    let foreign = match fetch_site(headers) {
        Some(b"same-origin" | b"none") | None => {
            let origin = headers.get(header::ORIGIN);
            origin.is_some_and(|origin| !site.is_own_origin(origin, headers))
        }
        Some(_) => true,
    };
    if foreign || !is_kept(headers, site, token) {
        return Err(ApiError::new(
            ErrorCode::Csrf,
            "the form was not sent from a page of this server, or its page is too old; load the page again, \
             let the browser accept its cookies, and send the form once more",
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
        "with a session, changes are made from pages of this server; send `X-CSRF-Token`, or use an API token",
    ))
}

fn fetch_site(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(FETCH_SITE).map(HeaderValue::as_bytes)
}

/// Whether it is the token in the cookie. Hashes are compared: the time that it takes says nothing.
fn is_kept(headers: &HeaderMap, site: &Site, token: &str) -> bool {
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
        assert_eq!(pair, format!("__Host-waypost_csrf={token}"));
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
        assert_eq!(super::token(&headers, &site(), &random), (token, None));
    }
}

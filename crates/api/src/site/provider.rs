//! The cookies of sign-in with an OpenID provider: pending sign-ins, and what is needed to sign out
//! there.

use actix_web::http::header::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use time::Duration;
use waypost_core::SessionLifetime;

use super::Site;
use crate::cookies::{values, values_by_prefix};
use crate::oidc::{LASTS, SIGNED_OUT, is_id};

/// How long a browser keeps what it needs to sign out at the OpenID provider. The session at the
/// provider is over before.
const AT_PROVIDER_AGE: Duration = SessionLifetime::MAX_AGE;
/// How long a browser may take to return from signing out at the OpenID provider.
const LEFT_AGE: Duration = Duration::minutes(10);

impl Site {
    /// Returns the pending OpenID sign-ins of a request, by their IDs, without checking their
    /// format.
    pub(crate) fn all_pending<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pending = values_by_prefix(headers, self.pending);
        pending.filter(|(id, _)| is_id(id))
    }

    /// Returns the cookie that keeps a pending OpenID sign-in in the browser. It is `SameSite=Lax`
    /// because the browser returns from another site.
    pub(crate) fn keep_pending(&self, id: &str, value: &str) -> Option<HeaderValue> {
        self.keep(&format!("{}{id}", self.pending), value, "Lax", LASTS)
    }

    /// Returns the cookie that makes the browser forget a pending OpenID sign-in.
    pub(crate) fn forget_pending(&self, id: &str) -> Option<HeaderValue> {
        self.keep(&format!("{}{id}", self.pending), "", "Lax", Duration::ZERO)
    }

    /// Returns what the browser keeps to sign out at the OpenID provider, without checking it.
    pub(crate) fn at_provider_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        values(headers, self.at_provider).next()
    }

    /// Returns the cookie that keeps what is needed to sign out at the OpenID provider. The browser
    /// sends it to the page for signing out only.
    pub(crate) fn keep_at_provider(&self, value: &str) -> Option<HeaderValue> {
        self.keep_for_sign_out(self.at_provider, value, AT_PROVIDER_AGE)
    }

    /// Returns the cookie that makes the browser forget it.
    pub(crate) fn forget_at_provider(&self) -> Option<HeaderValue> {
        self.keep_for_sign_out(self.at_provider, "", Duration::ZERO)
    }

    /// Returns the path to continue at after the OpenID provider has signed the user out, without
    /// checking it. `None` if the browser does not return from there.
    pub(crate) fn left_of(&self, headers: &HeaderMap) -> Option<String> {
        let path = values(headers, self.left).next()?;
        let path = percent_decode_str(path).decode_utf8().ok()?;
        Some(path.into_owned())
    }

    /// Returns the cookie that keeps this path until the browser returns.
    pub(crate) fn keep_left(&self, path: &str) -> Option<HeaderValue> {
        let path = utf8_percent_encode(path, NON_ALPHANUMERIC).to_string();
        self.keep_for_sign_out(self.left, &path, LEFT_AGE)
    }

    /// Returns the cookie that makes the browser forget this path.
    pub(crate) fn forget_left(&self) -> Option<HeaderValue> {
        self.keep_for_sign_out(self.left, "", Duration::ZERO)
    }

    /// Returns a cookie for the page for signing out. It is `SameSite=Lax` because the browser
    /// returns there from another site.
    fn keep_for_sign_out(&self, name: &str, value: &str, age: Duration) -> Option<HeaderValue> {
        let path = format!("{}{SIGNED_OUT}", self.base);
        self.keep_at(&path, name, value, "Lax", age)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;

    use super::*;

    fn site(base_url: &str) -> Site {
        Site::of(&base_url.parse().unwrap())
    }

    fn headers(cookies: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static(cookies));
        headers
    }

    #[test]
    fn what_is_for_signing_out_is_sent_to_that_page_only() {
        let secure = site("https://go.example");
        let cookie = secure.keep_pending("0123456789abcdef", "begun").unwrap();
        assert_eq!(
            cookie,
            "__Host-waypost_oidc_0123456789abcdef=begun; HttpOnly; Secure; Path=/; SameSite=Lax; Max-Age=600"
        );
        let cookie = secure.keep_left("/a b").unwrap();
        assert_eq!(
            cookie,
            "__Secure-waypost_left=%2Fa%20b; HttpOnly; Secure; Path=/auth/logout; SameSite=Lax; Max-Age=600"
        );
        let below = site("https://example.com/go");
        let cookie = below.keep_at_provider("token").unwrap();
        assert_eq!(
            cookie,
            "__Secure-waypost_id_token=token; HttpOnly; Secure; Path=/go/auth/logout; SameSite=Lax; Max-Age=7776000"
        );
    }

    #[test]
    fn pending_sign_ins_are_found_by_their_ids() {
        let site = site("http://localhost");
        let given = "waypost_oidc_0123456789abcdef=a; waypost_oidc_=b; waypost_oidc=c; \
                     waypost_oidc_fedcba9876543210=d; __Host-waypost_oidc_0123456789abcdef=e";
        let headers = headers(given);
        let pending: Vec<_> = site.all_pending(&headers).collect();
        let expected = [("0123456789abcdef", "a"), ("fedcba9876543210", "d")];
        assert_eq!(pending, expected);
        let given = "waypost_left=%2Fa%3Fb%20";
        let left = super::tests::headers(given);
        assert_eq!(site.left_of(&left).as_deref(), Some("/a?b "));
    }
}

//! A pending sign-in: what the browser keeps until it returns from the provider.
//!
//! It is stored in a cookie, so that every server can complete the sign-in. Only the browser that
//! started it has its secrets, which are different for each sign-in.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use waypost_core::{Random, TokenHash};

/// Maximum duration of a sign-in.
pub(crate) const LASTS: Duration = Duration::minutes(10);
/// Maximum length of the path to continue at, in bytes. A longer one does not fit into the cookie.
const MAX_PATH: usize = 2_048;
/// Length of a secret: 32 bytes in base64.
const SECRET_LEN: usize = 43;

/// A pending sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Returned in the authorization response (RFC 6749 §10.12).
    pub(super) state: String,
    /// Returned in the ID token.
    pub(super) nonce: String,
    /// Sent with the code (RFC 7636); the provider already has its hash.
    pub(super) verifier: String,
    /// Path at which the browser continues.
    pub(crate) path: String,
    /// Unix time of the start, in seconds.
    begun_at: i64,
}

impl Pending {
    pub(super) fn begin(path: String, now: OffsetDateTime, random: &dyn Random) -> Self {
        let secret = || {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        Self {
            state: secret(),
            nonce: secret(),
            verifier: secret(),
            path: if path.len() > MAX_PATH {
                String::new()
            } else {
                path
            },
            begun_at: now.unix_timestamp(),
        }
    }

    /// Returns the value of the cookie.
    pub(crate) fn to_cookie(&self) -> String {
        // Strings and a number always serialise; an empty cookie would be no pending sign-in.
        let json = serde_json::to_vec(self).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Parses the value of a cookie. Returns `None` if it is invalid or too old.
    pub(crate) fn of_cookie(value: &str, now: OffsetDateTime) -> Option<Self> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        let pending: Self = serde_json::from_slice(&json).ok()?;
        let is_secret = |text: &String| {
            let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            text.len() == SECRET_LEN && text.bytes().all(is_digit)
        };
        let whole = [&pending.state, &pending.nonce, &pending.verifier]
            .into_iter()
            .all(is_secret);
        let age = now.unix_timestamp().saturating_sub(pending.begun_at);
        let lasts = (0..LASTS.whole_seconds()).contains(&age);
        (whole && lasts).then_some(pending)
    }

    /// Returns the hash of the state, under which the sign-in is answered once.
    pub(crate) fn state_hash(&self) -> TokenHash {
        TokenHash::of(&self.state)
    }

    /// Returns when it expires.
    pub(crate) fn expires_at(&self) -> OffsetDateTime {
        let begun_at = OffsetDateTime::from_unix_timestamp(self.begun_at);
        begun_at.unwrap_or(OffsetDateTime::UNIX_EPOCH) + LASTS
    }

    /// Whether an authorization response belongs to this sign-in. Compares hashes, so that the time
    /// reveals nothing about the secret.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        self.state_hash() == TokenHash::of(state)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::SeededRandom;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn pending(path: &str) -> Pending {
        Pending::begin(path.to_owned(), NOW, &SeededRandom::new(1))
    }

    #[test]
    fn a_cookie_keeps_it_for_ten_minutes() {
        let begun = pending("/wiki?a=b");
        let cookie = begun.to_cookie();
        let read = Pending::of_cookie(&cookie, NOW + Duration::seconds(599)).unwrap();
        assert_eq!(read.path, "/wiki?a=b");
        assert_eq!(read.verifier, begun.verifier);
        assert!(read.is_answered_by(&begun.state));
        assert!(!read.is_answered_by(&begun.nonce) && !read.is_answered_by(""));
        for at in [NOW + LASTS, NOW - Duration::SECOND] {
            assert!(Pending::of_cookie(&cookie, at).is_none());
        }
    }

    #[test]
    fn the_secrets_are_different_ones() {
        let Pending {
            state,
            nonce,
            verifier,
            ..
        } = pending("/");
        assert!(state != nonce && nonce != verifier && verifier != state);
    }

    #[test]
    fn it_fits_into_a_cookie_whatever_the_path() {
        for length in [MAX_PATH, MAX_PATH + 1, 100_000] {
            let path = format!("/{}", "x".repeat(length - 1));
            assert!(pending(&path).to_cookie().len() < 3_500);
        }
    }

    #[test]
    fn whatever_else_is_in_the_cookie_is_no_sign_in() {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let short = Pending {
            verifier: "x".to_owned(),
            ..pending("/")
        };
        for value in [
            "",
            "x",
            "ä",
            "====",
            &encode(""),
            &encode("{}"),
            &encode("null"),
            &encode("[1]"),
            &encode(r#"{"state":1}"#),
            &short.to_cookie(),
            &pending("/").to_cookie()[1..],
        ] {
            assert!(Pending::of_cookie(value, NOW).is_none(), "{value}");
        }
    }
}

//! A sign-in that was begun: what the browser keeps until it comes back from the provider.
//!
//! It is a cookie, so that no node has to remember it. Whoever reads it is the browser that began; for
//! anybody else, each of the secrets is a new one.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use waypost_core::{Random, TokenHash};

/// How long it takes at most.
pub(crate) const LASTS: Duration = Duration::minutes(10);
/// The longest path to go on to, in bytes; what is longer does not fit into a cookie with the rest.
const MAX_PATH: usize = 2_048;
/// How long the secrets are: 32 bytes in base64.
const SECRET_LEN: usize = 43;

/// A sign-in that was begun.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Comes back with the answer (RFC 6749 §10.12).
    pub(super) state: String,
    /// Comes back in the ID token.
    pub(super) nonce: String,
    /// Goes with the code (RFC 7636); the provider has seen its hash.
    pub(super) verifier: String,
    /// Where to go on to.
    pub(crate) path: String,
    /// In seconds of Unix time.
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

    /// As the value of a cookie.
    pub(crate) fn to_cookie(&self) -> String {
        // Strings and a number become JSON without fail; an empty cookie would be no sign-in.
        let json = serde_json::to_vec(self).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// What a cookie says, if that is a sign-in that can still be finished.
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

    /// Whether an answer belongs to it. Hashes are compared: the time that it takes says nothing.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        TokenHash::of(&self.state) == TokenHash::of(state)
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

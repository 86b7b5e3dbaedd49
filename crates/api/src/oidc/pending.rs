//! Pending sign-ins: what a browser keeps until it returns from the provider.
//!
//! Each is stored in a cookie of its own, so that every server can complete the sign-in, and so that
//! several tabs of a browser can sign in at the same time, in whatever order they return. Only the
//! browser that started a sign-in has its secret, which is different for each. What is sent to the
//! provider is derived from it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use waypost_core::{Random, TokenHash};

/// Maximum duration of a sign-in.
pub(crate) const LASTS: Duration = Duration::minutes(10);
/// Maximum number of pending sign-ins of a browser. The oldest are given up for new ones.
const MAX_PENDING: usize = 16;
/// Maximum length of the cookies of all pending sign-ins of a browser, in bytes. Many proxies accept
/// 8 KiB of cookies in all.
const MAX_COOKIES: usize = 4_096;
/// Length of the rest of a cookie besides its name and value, in bytes.
const COOKIE_OVERHEAD: usize = 32;
/// Maximum length of the path to continue at, in bytes. A longer one does not fit into the cookie.
const MAX_PATH: usize = 2_048;
/// Length of a secret: 32 bytes in base64.
const SECRET_LEN: usize = 43;
/// Length of the ID of a sign-in, in hexadecimal digits.
const ID_LEN: usize = 16;

/// A pending sign-in.
#[derive(Clone)]
pub(crate) struct Pending {
    /// Returned in the authorization response (RFC 6749 §10.12).
    pub(super) state: String,
    /// Returned in the ID token.
    pub(super) nonce: String,
    /// Sent with the code (RFC 7636); the provider already has its hash.
    pub(super) verifier: String,
    /// Path at which the browser continues.
    pub(crate) path: String,
    secret: String,
    /// Unix time of the start, in milliseconds.
    begun_at: i64,
}

impl Pending {
    pub(super) fn begin(path: String, now: OffsetDateTime, random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let path = if path.len() > MAX_PATH {
            String::new()
        } else {
            path
        };
        let secret = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Self::of_secret(secret, path, milliseconds(now))
    }

    fn of_secret(secret: String, path: String, begun_at: i64) -> Self {
        let derived = |purpose: &str| {
            let hasher = Sha256::new_with_prefix(purpose.as_bytes());
            let hasher = hasher.chain_update([0]).chain_update(&secret);
            BASE64_URL_SAFE_NO_PAD.encode(hasher.finalize())
        };
        Self {
            state: derived("state"),
            nonce: derived("nonce"),
            verifier: derived("verifier"),
            path,
            secret,
            begun_at,
        }
    }

    /// Returns the value of the cookie.
    pub(crate) fn to_cookie(&self) -> String {
        let path = BASE64_URL_SAFE_NO_PAD.encode(&self.path);
        format!("{}.{}.{path}", self.begun_at, self.secret)
    }

    /// Parses the value of a cookie. Returns `None` if it is invalid or too old.
    pub(crate) fn of_cookie(value: &str, now: OffsetDateTime) -> Option<Self> {
        let (begun_at, rest) = value.split_once('.')?;
        let (secret, path) = rest.split_once('.')?;
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_secret = secret.len() == SECRET_LEN && secret.bytes().all(is_digit);
        let begun_at = begun_at.parse().ok()?;
        let age = milliseconds(now).saturating_sub(begun_at);
        let lasts = (0..LASTS.whole_seconds() * 1_000).contains(&age);
        let path = BASE64_URL_SAFE_NO_PAD.decode(path).ok()?;
        let path = String::from_utf8(path).ok()?;
        let is_valid = is_secret && lasts && path.len() <= MAX_PATH;
        is_valid.then(|| Self::of_secret(secret.to_owned(), path, begun_at))
    }

    /// Returns the ID by which the cookie is found.
    pub(crate) fn id(&self) -> String {
        id_of(&self.state)
    }

    /// Returns the hash of the state, under which the sign-in is answered once.
    pub(crate) fn state_hash(&self) -> TokenHash {
        TokenHash::of(&self.state)
    }

    /// Returns when it expires.
    pub(crate) fn expires_at(&self) -> OffsetDateTime {
        let begun_at = OffsetDateTime::from_unix_timestamp(self.begun_at / 1_000);
        begun_at.unwrap_or(OffsetDateTime::UNIX_EPOCH) + LASTS
    }

    /// Whether an authorization response belongs to this sign-in. Compares hashes, so that the time
    /// reveals nothing about the secret.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        self.state_hash() == TokenHash::of(state)
    }
}

/// Returns the ID of the sign-in with this state. It reveals nothing about the state.
pub(super) fn id_of(state: &str) -> String {
    let hash = TokenHash::of(state);
    let mut id = String::new();
    for byte in hash.as_bytes() {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    id.truncate(ID_LEN);
    id
}

/// Whether a text can be the ID of a sign-in.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == ID_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the IDs of the pending sign-ins that a browser forgets when it starts another one: those
/// that are over, and the oldest of too many. `held` are the IDs and values of its cookies.
pub(crate) fn given_up<'c>(
    held: impl Iterator<Item = (&'c str, &'c str)>,
    begun: &Pending,
    now: OffsetDateTime,
) -> Vec<&'c str> {
    let mut held: Vec<_> = held
        .map(|(id, value)| {
            let begun_at = Pending::of_cookie(value, now).map(|pending| pending.begun_at);
            (begun_at, id, value.len())
        })
        .collect();
    // The newest first, and those that are over last.
    held.sort_by(|one, other| other.cmp(one));
    let mut number = 1;
    let mut length = begun.to_cookie().len() + COOKIE_OVERHEAD;
    let mut given_up = Vec::new();
    for (begun_at, id, len) in held {
        number += 1;
        length += len + COOKIE_OVERHEAD;
        if begun_at.is_none() || number > MAX_PENDING || length > MAX_COOKIES {
            given_up.push(id);
        }
    }
    given_up
}

/// Returns the Unix time in milliseconds.
fn milliseconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
        .saturating_mul(1_000)
        .saturating_add(i64::from(at.millisecond()))
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
        let begun = pending("/wiki?a=b&c=ä");
        let cookie = begun.to_cookie();
        let read = Pending::of_cookie(&cookie, NOW + Duration::seconds(599)).unwrap();
        assert_eq!(read.path, "/wiki?a=b&c=ä");
        assert_eq!(read.verifier, begun.verifier);
        assert_eq!(read.expires_at(), NOW + LASTS);
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
            secret,
            ..
        } = pending("/");
        let all = [state, nonce, verifier, secret];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|secret| secret.len() == SECRET_LEN));
        assert!(is_id(&pending("/").id()) && !is_id("") && !is_id("0123456789abcdeg"));
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
        let whole = pending("/").to_cookie();
        let (begun_at, rest) = whole.split_once('.').unwrap();
        for value in [
            "",
            "x",
            "ä",
            "..",
            "1.2.3",
            &whole[1..],
            &whole[..whole.len() - 3],
            &format!("x.{rest}"),
            &format!("99999999999999999999.{rest}"),
            &format!("{begun_at}.x{rest}"),
            &format!("{whole}=="),
            &format!("{whole}_w"),
        ] {
            assert!(Pending::of_cookie(value, NOW).is_none(), "{value}");
        }
    }

    /// Starts sign-ins one second after the other, and returns them with their cookies.
    fn several(number: u64, path: &str) -> Vec<(String, String)> {
        let begun = (0..number).map(|at| {
            let now = NOW + Duration::SECOND * u32::try_from(at).unwrap();
            let begun = Pending::begin(path.to_owned(), now, &SeededRandom::new(at));
            (begun.id(), begun.to_cookie())
        });
        begun.collect()
    }

    #[test]
    fn the_oldest_are_given_up_for_a_new_one() {
        let later = NOW + Duration::MINUTE;
        let given_up = |held: &[(String, String)], path: &str| {
            let begun = Pending::begin(path.to_owned(), later, &SeededRandom::new(99));
            let held = held.iter().map(|(id, value)| (&**id, &**value));
            let given_up = given_up(held, &begun, later);
            given_up.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let held = several(15, "/wiki");
        assert!(given_up(&held, "/wiki").is_empty());
        let held = several(17, "/wiki");
        assert_eq!(
            given_up(&held, "/wiki"),
            [held[1].0.clone(), held[0].0.clone()]
        );
        // Long paths leave room for fewer.
        let long = format!("/{}", "x".repeat(600));
        let held = several(5, &long);
        assert_eq!(
            given_up(&held, &long),
            [held[1].0.clone(), held[0].0.clone()]
        );
        // One that is over goes, whatever the number.
        let mut held = several(1, "/");
        held[0].1 = "1.2.3".to_owned();
        assert_eq!(given_up(&held, "/"), [held[0].0.clone()]);
    }
}

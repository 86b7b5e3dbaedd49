//! Passwords, stored as a hash that takes time and memory to compute (argon2id, RFC 9106), with a
//! salt of its own.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::Random;

/// A hash with the parameters of [`Password::hash`] and zeros as salt and hash.
const OF_NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as it was typed, before hashing. [`fmt::Debug`] does not show it.
pub struct Password(String);

impl Password {
    /// Minimum length in characters. NIST SP 800-63B-4 §3.1.1.2 requires 8 with a second factor and
    /// 15 without; this is in between. There are no rules besides length.
    pub const MIN_CHARS: usize = 10;
    /// Maximum length in bytes. Longer passwords are not safer, and take time to hash.
    pub const MAX_LEN: usize = 1_024;

    /// Parses a password, exactly as it was typed.
    ///
    /// # Errors
    /// [`PasswordError`] if it is too short or too long.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.chars().count() < Self::MIN_CHARS {
            return Err(PasswordError::TooShort);
        }
        if text.len() > Self::MAX_LEN {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// Computes the hash. Deliberately takes tens of milliseconds of a core and 19 MiB of memory
    /// (OWASP's first choice for argon2id: m = 19 MiB, t = 2, p = 1). Do not call it on a thread of
    /// the async runtime.
    ///
    /// # Errors
    /// [`PasswordHashError`] if memory cannot be allocated.
    pub fn hash(&self, random: &dyn Random) -> Result<PasswordHash, PasswordHashError> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let hash: phc::PasswordHash = Argon2::default()
            .hash_password_with_salt(self.0.as_bytes(), &salt)
            .map_err(|_| PasswordHashError)?;
        Ok(PasswordHash(hash.to_string()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The stored form of a password: algorithm, parameters, salt and hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Creates a hash from its stored text.
    ///
    /// # Errors
    /// [`PasswordHashError`] if the text is not a hash.
    pub fn from_stored(text: &str) -> Result<Self, PasswordHashError> {
        phc::PasswordHash::new(text).map_err(|_| PasswordHashError)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns a hash that no password matches, for accounts without a password. Comparing with it
    /// takes as long as with any other hash.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self(OF_NOBODY.to_owned())
    }

    /// Returns the hash for storing, in ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the hash of `presented`. Takes as long as [`Password::hash`], unless the
    /// text is longer than any password.
    #[must_use]
    pub fn is_of(&self, presented: &str) -> bool {
        // A longer text cannot be a password and would only take time.
        if presented.len() > Password::MAX_LEN {
            return false;
        }
        phc::PasswordHash::new(&self.0).is_ok_and(|hash| {
            let verified = Argon2::default().verify_password(presented.as_bytes(), &hash);
            verified.is_ok()
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Why a text is not a valid password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`Password::MIN_CHARS`].
    #[error("a password must have at least 10 characters")]
    TooShort,
    /// Longer than [`Password::MAX_LEN`].
    #[error("a password must have at most 1,024 bytes")]
    TooLong,
}

/// A password could not be hashed, or a stored text is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed, or the stored text is not a password hash")]
pub struct PasswordHashError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let random = SeededRandom::new(1);
        let password = Password::parse("correct horse").unwrap();
        let hash = password.hash(&random).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let stored = PasswordHash::from_stored(hash.as_str()).unwrap();
        assert!(stored.is_of("correct horse"));
        for other in ["", "Correct horse", "correct horse ", &"x".repeat(1_025)] {
            assert!(!stored.is_of(other), "{other:?}");
        }
        assert_ne!(password.hash(&random).unwrap(), hash, "another salt");
    }

    #[test]
    fn the_hash_of_nobody_takes_as_long_as_any_other() {
        let nobody = PasswordHash::of_nobody();
        assert_eq!(
            PasswordHash::from_stored(nobody.as_str()),
            Ok(nobody.clone())
        );
        let somebody = Password::parse("correct horse").unwrap();
        let somebody = somebody.hash(&SeededRandom::new(1)).unwrap();
        let parts = |hash: &PasswordHash| {
            let lengths = hash.as_str().split('$').skip(4).map(str::len);
            let parameters = hash.as_str().split('$').take(4).map(ToOwned::to_owned);
            (parameters.collect::<Vec<_>>(), lengths.collect::<Vec<_>>())
        };
        assert_eq!(parts(&nobody), parts(&somebody));
        assert!(!nobody.is_of("correct horse"));
    }

    #[test]
    fn length_is_all_that_is_asked_for() {
        assert!(Password::parse("ääääääääää").is_ok());
        for (text, error) in [
            ("", PasswordError::TooShort),
            ("nine char", PasswordError::TooShort),
            (&"x".repeat(1_025), PasswordError::TooLong),
        ] {
            assert_eq!(Password::parse(text).err(), Some(error));
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "secret", "$argon2id$"] {
            assert_eq!(PasswordHash::from_stored(text), Err(PasswordHashError));
        }
    }

    #[test]
    fn neither_is_shown_by_accident() {
        let password = Password::parse("correct horse").unwrap();
        let hash = password.hash(&SeededRandom::new(1)).unwrap();
        assert_eq!(
            format!("{password:?}{hash:?}"),
            "Password(…)PasswordHash(…)"
        );
    }
}

//! External identities: accounts at an identity provider with which users sign in.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// An account at an identity provider: `iss` and `sub`, which together are unique and never
/// reassigned (OpenID Connect Core 1.0 §2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalIdentity {
    issuer: Box<str>,
    subject: Box<str>,
}

impl ExternalIdentity {
    /// Maximum length of an issuer in bytes, as for a destination.
    pub const MAX_ISSUER_LEN: usize = 2_048;
    /// Maximum length of a subject in bytes (OpenID Connect Core 1.0 §2).
    pub const MAX_SUBJECT_LEN: usize = 255;

    /// Creates an identity from an issuer and a subject, exactly as they were issued.
    ///
    /// # Errors
    /// [`ExternalIdentityError`] if one of them is empty, too long, or contains other characters
    /// than printable ASCII.
    pub fn parse(issuer: &str, subject: &str) -> Result<Self, ExternalIdentityError> {
        let fits = |text: &str, max_len: usize| {
            let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            !text.is_empty() && text.len() <= max_len && is_printable
        };
        if !fits(issuer, Self::MAX_ISSUER_LEN) || !fits(subject, Self::MAX_SUBJECT_LEN) {
            return Err(ExternalIdentityError);
        }
        Ok(Self {
            issuer: issuer.into(),
            subject: subject.into(),
        })
    }

    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns an ID for people and programs: the digits of [`ExternalIdentity::key`].
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = String::new();
        for byte in self.key() {
            // Writing to a string does not fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    }

    /// Returns the SHA-256 of both, which has a fixed length for an index.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        // Neither contains a NUL, so different pairs have different encodings.
        let hasher = Sha256::new_with_prefix(self.issuer.as_bytes());
        let hasher = hasher.chain_update([0]).chain_update(&*self.subject);
        hasher.finalize().into()
    }
}

/// The standard does not allow the issuer or the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an issuer must have 1 to 2048 printable ASCII characters, a subject 1 to 255")]
pub struct ExternalIdentityError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_count_and_where_one_ends() {
        let identity = |issuer, subject| ExternalIdentity::parse(issuer, subject).unwrap();
        let key = identity("https://id.example", "1").key();
        assert_eq!(identity("https://id.example", "1").key(), key);
        for other in [
            identity("https://id.example", "2"),
            identity("https://id.example1", "1"),
            identity("https://id.exampl", "e1"),
            identity("https://ID.example", "1"),
        ] {
            assert_ne!(other.key(), key, "{other:?}");
        }
    }

    #[test]
    fn what_no_provider_may_issue_is_refused() {
        for (issuer, subject) in [
            ("", "1"),
            ("https://id.example", ""),
            ("https://id.example", "a\0b"),
            ("https://id.example", "ä"),
            ("https://id.example", &"1".repeat(256)),
            (&"x".repeat(2_049), "1"),
        ] {
            let parsed = ExternalIdentity::parse(issuer, subject);
            assert_eq!(parsed, Err(ExternalIdentityError), "{issuer:?} {subject:?}");
        }
    }
}

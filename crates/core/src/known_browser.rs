//! Known browsers: what a browser keeps to prove that a user has signed in with it before.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

use crate::{Email, PasswordHash, Random, ServerKey};

type HmacSha256 = Hmac<Sha256>;

/// What a MAC is for. Different purposes never have the same input.
const PROOF: &[u8] = b"waypost known browser 1\0";
const PASSWORD: &[u8] = b"waypost password of known browser 1\0";

/// The random ID of a proof.
pub type BrowserId = [u8; 16];

/// The proof that a user has signed in with a browser, authenticated by HMAC-SHA-256 with a key of
/// the server. It contains a random ID, the time and authentication codes, and nothing about the
/// user: it is checked against the email address that is entered.
///
/// It is valid for [`BrowserProof::LASTS`], and only while the user has the same email address and
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserProof {
    issued_at: i64,
    id: BrowserId,
    password: [u8; 16],
    mac: [u8; 32],
}

impl BrowserProof {
    /// How long a proof is valid.
    pub const LASTS: Duration = Duration::days(90);
    /// Length of the text.
    const TEXT_LEN: usize = 2 * (8 + 16 + 16 + 32);

    /// Issues a proof to a browser with which a user signs in.
    pub fn issue(
        key: &ServerKey,
        email: &Email,
        password: &PasswordHash,
        now: OffsetDateTime,
        random: &dyn Random,
    ) -> Self {
        let mut id = BrowserId::default();
        random.fill(&mut id);
        let mut proof = Self {
            issued_at: now.unix_timestamp(),
            id,
            password: [0; 16],
            mac: [0; 32],
        };
        let code: [u8; 32] = proof
            .of_password(key, password)
            .finalize()
            .into_bytes()
            .into();
        for (byte, computed) in proof.password.iter_mut().zip(code) {
            *byte = computed;
        }
        proof.mac = proof.of_email(key, email).finalize().into_bytes().into();
        proof
    }

    /// Returns the random ID.
    #[must_use]
    pub const fn id(&self) -> BrowserId {
        self.id
    }

    /// Whether it was issued for this email address, and has not expired.
    #[must_use]
    pub fn is_of(&self, key: &ServerKey, email: &Email, now: OffsetDateTime) -> bool {
        let age = now.unix_timestamp().saturating_sub(self.issued_at);
        let lasts = (0..Self::LASTS.whole_seconds()).contains(&age);
        lasts && self.of_email(key, email).verify_slice(&self.mac).is_ok()
    }

    /// Whether the user still had this password when it was issued.
    #[must_use]
    pub fn is_of_password(&self, key: &ServerKey, password: &PasswordHash) -> bool {
        let code = self.of_password(key, password);
        code.verify_truncated_left(&self.password).is_ok()
    }

    fn of_email(&self, key: &ServerKey, email: &Email) -> HmacSha256 {
        // All parts but the last one have a fixed length.
        code(key, PROOF)
            .chain_update(self.issued_at.to_be_bytes())
            .chain_update(self.id)
            .chain_update(self.password)
            .chain_update(email.as_str())
    }

    fn of_password(&self, key: &ServerKey, password: &PasswordHash) -> HmacSha256 {
        code(key, PASSWORD)
            .chain_update(self.id)
            .chain_update(password.as_str())
    }
}

fn code(key: &ServerKey, purpose: &[u8]) -> HmacSha256 {
    // HMAC fills a shorter key with zeros.
    let mut block = [0; 64];
    for (byte, of_key) in block.iter_mut().zip(key.as_bytes()) {
        *byte = *of_key;
    }
    HmacSha256::new(&block.into()).chain_update(purpose)
}

/// Writes hexadecimal digits.
impl fmt::Display for BrowserProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.issued_at)?;
        let bytes = self.id.iter().chain(&self.password).chain(&self.mac);
        bytes
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for BrowserProof {
    type Err = BrowserProofError;

    fn from_str(text: &str) -> Result<Self, BrowserProofError> {
        if text.len() != Self::TEXT_LEN || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BrowserProofError);
        }
        let mut bytes = text.as_bytes().chunks_exact(2).map(|digits| {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            u8::from_str_radix(digits, 16).unwrap_or_default()
        });
        let mut time = [0; 8];
        let mut proof = Self {
            issued_at: 0,
            id: BrowserId::default(),
            password: [0; 16],
            mac: [0; 32],
        };
        let parts: [&mut [u8]; 4] = [
            &mut time,
            &mut proof.id,
            &mut proof.password,
            &mut proof.mac,
        ];
        for byte in parts.into_iter().flatten() {
            *byte = bytes.next().ok_or(BrowserProofError)?;
        }
        proof.issued_at = i64::from_be_bytes(time);
        Ok(proof)
    }
}

/// The text is not a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the proof of a known browser")]
pub struct BrowserProofError;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::{Password, SeededRandom};

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn a_proof_is_of_its_key_its_email_address_and_its_password_for_ninety_days() {
        let random = SeededRandom::new(1);
        let [key, other_key] = [(); 2].map(|()| ServerKey::generate(&random));
        let hash = |text: &str| Password::parse(text).unwrap().hash(&random).unwrap();
        let (password, same_again) = (hash("correct horse"), hash("correct horse"));
        let ada = email("ada@example.com");
        let proof = BrowserProof::issue(&key, &ada, &password, NOW, &random);
        let text = proof.to_string();
        assert_eq!(text.len(), BrowserProof::TEXT_LEN);
        let read: BrowserProof = text.parse().unwrap();
        assert_eq!(read, proof);
        let last = NOW + BrowserProof::LASTS - Duration::SECOND;
        assert!(read.is_of(&key, &ada, NOW) && read.is_of(&key, &ada, last));
        assert!(read.is_of_password(&key, &password));
        for at in [NOW - Duration::SECOND, NOW + BrowserProof::LASTS] {
            assert!(!read.is_of(&key, &ada, at));
        }
        assert!(!read.is_of(&key, &email("eve@example.com"), NOW));
        assert!(!read.is_of(&other_key, &ada, NOW));
        // A password that is set again is another one.
        assert!(!read.is_of_password(&key, &same_again));
        assert!(!read.is_of_password(&other_key, &password));
        let next = BrowserProof::issue(&key, &ada, &password, NOW, &random);
        assert_ne!(next.id(), proof.id());
    }

    #[test]
    fn no_part_of_a_proof_can_be_changed() {
        let random = SeededRandom::new(1);
        let key = ServerKey::generate(&random);
        let password = Password::parse("correct horse").unwrap();
        let password = password.hash(&random).unwrap();
        let ada = email("ada@example.com");
        let text = BrowserProof::issue(&key, &ada, &password, NOW, &random).to_string();
        for place in 0..text.len() {
            let mut digits = text.clone().into_bytes();
            digits[place] = if digits[place] == b'0' { b'1' } else { b'0' };
            let changed: BrowserProof = String::from_utf8(digits).unwrap().parse().unwrap();
            assert!(!changed.is_of(&key, &ada, NOW), "{place}");
        }
        for wrong in ["", "x", &text[1..], &format!("{text}0"), &"g".repeat(144)] {
            assert_eq!(wrong.parse::<BrowserProof>(), Err(BrowserProofError));
        }
    }
}

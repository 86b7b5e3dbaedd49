//! Tokens that the provider has signed (JWS in compact form, RFC 7515 §7.1): ID tokens, and the
//! userinfo responses of some providers.
//!
//! The cryptography is that of the crate `openidconnect` ([`JsonWebKey::verify_signature`]). Its
//! own types of tokens are not used, because they also read, strictly, all the claims that nobody
//! needs here: an unusual `updated_at` would keep everybody out.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use openidconnect::core::{
    CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm as Algorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, JsonWebKey as _, JsonWebKeyId, SignatureVerificationError,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Base64 as in tokens. Bits behind the last byte are ignored.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
/// Accepted signature algorithms. HMAC with the client secret is not accepted: anyone who can
/// verify such a token can also issue one.
const ALGORITHMS: [Algorithm; 10] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EcdsaP521Sha512,
    Algorithm::EdDsa,
];

/// Why a token is not accepted. Never contains the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignedError {
    /// It does not have the form of a signed token.
    #[error("it is not a signed token")]
    Form,
    /// It is a token for another purpose, such as an access token (RFC 8725 §3.11).
    #[error("it is of another type of token")]
    Type,
    /// It has extensions that must be understood (RFC 7515 §4.1.11) or contains another token.
    #[error("it has an unknown critical header or content type")]
    Header,
    /// It has no signature.
    #[error("no signature found")]
    NotSigned,
    /// Its algorithm is not accepted.
    #[error("its signature algorithm is not accepted")]
    Algorithm,
    /// The provider has no such key.
    #[error("no matching key found")]
    NoKey,
    /// The signature does not match.
    #[error("the signature does not match")]
    Signature(#[source] SignatureVerificationError),
}

/// The header of a token (RFC 7515 §4.1).
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
}

/// The content of a token whose signature is right.
pub(super) struct Verified<'k> {
    pub(super) payload: Vec<u8>,
    algorithm: Algorithm,
    key: &'k CoreJsonWebKey,
}

impl Verified<'_> {
    /// Whether `hash` is that of an access token (OpenID Connect Core 1.0 §3.1.3.6).
    pub(super) fn is_hash_of(&self, token: &AccessToken, hash: &str) -> bool {
        let expected = AccessTokenHash::from_token(token, &self.algorithm, self.key);
        expected.is_ok_and(|expected| expected.as_str() == hash)
    }
}

/// Verifies the signature of a token with one of the keys of the provider.
///
/// # Errors
/// [`SignedError`]; with other keys, `NoKey` and `Signature` may not occur.
pub(super) fn verify<'k>(
    token: &str,
    keys: &'k CoreJsonWebKeySet,
) -> Result<Verified<'k>, SignedError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(SignedError::Form)?;
    let (header, _) = signed.split_once('.').ok_or(SignedError::Form)?;
    let header: Header =
        serde_json::from_slice(&decoded(header)?).map_err(|_| SignedError::Form)?;
    let algorithm = checked(&header)?;
    let payload = payload(token).ok_or(SignedError::Form)?;
    let signature = decoded(signature)?;
    let named = header.kid.map(JsonWebKeyId::new);
    let is_named = |key: &&CoreJsonWebKey| named.is_none() || key.key_id() == named.as_ref();
    let mut failed = SignedError::NoKey;
    for key in keys.keys().iter().filter(is_named) {
        match key.verify_signature(&algorithm, signed.as_bytes(), &signature) {
            Ok(()) => {
                return Ok(Verified {
                    payload,
                    algorithm,
                    key,
                });
            }
            // A key for encryption or for another algorithm.
            Err(SignatureVerificationError::InvalidKey(_)) => {}
            Err(error) => failed = SignedError::Signature(error),
        }
    }
    Err(failed)
}

/// Returns the content of a token, without verifying anything.
pub(super) fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    decoded(payload).ok()
}

fn decoded(part: &str) -> Result<Vec<u8>, SignedError> {
    BASE64.decode(part).map_err(|_| SignedError::Form)
}

/// Returns the algorithm of a header that is accepted.
fn checked(header: &Header) -> Result<Algorithm, SignedError> {
    let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    if !matches!(typ, "jwt" | "jose") {
        return Err(SignedError::Type);
    }
    if header.cty.is_some() || header.crit.is_some() {
        return Err(SignedError::Header);
    }
    if header.alg == "none" {
        return Err(SignedError::NotSigned);
    }
    let algorithm = serde_json::from_value(Value::String(header.alg.clone()));
    let algorithm = algorithm.map_err(|_| SignedError::Algorithm)?;
    if !ALGORITHMS.contains(&algorithm) {
        return Err(SignedError::Algorithm);
    }
    Ok(algorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns why a token with this header and a signature of no key is refused.
    fn refused(header: &str) -> SignedError {
        let encode = |text: &str| BASE64.encode(text);
        let token = format!("{}.{}.c2ln", encode(header), encode("{}"));
        let keys = CoreJsonWebKeySet::default();
        let verified = verify(&token, &keys);
        verified.err().expect("refused")
    }

    #[test]
    fn only_the_plain_form_of_a_signed_token_is_read() {
        let keys = CoreJsonWebKeySet::default();
        for token in [
            "",
            "x",
            "a.b",
            "a.b.c",
            "e30.e30.c2ln",
            "e30.e30.c2ln.e30.e30",
            "..",
            "ä.b.c",
        ] {
            let refused = verify(token, &keys).err();
            assert!(matches!(refused, Some(SignedError::Form)), "{token}");
        }
        assert_eq!(payload("e30.e30.").as_deref(), Some(&b"{}"[..]));
        assert!(payload("e30.e30").is_none() && payload("e30.e30.e30.e30").is_none());
    }

    #[test]
    fn a_header_says_no_more_than_how_the_token_is_signed() {
        for header in [
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"RS256","typ":"JWT"}"#,
            r#"{"alg":"ES256","typ":"application/jwt","kid":"1","x5t":"x","jku":1}"#,
            r#"{"alg":"EdDSA","typ":"JOSE","crit":null}"#,
        ] {
            assert!(matches!(refused(header), SignedError::NoKey), "{header}");
        }
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"none","typ":"JWT"}"#] {
            assert!(
                matches!(refused(header), SignedError::NotSigned),
                "{header}"
            );
        }
        for header in [
            r#"{"alg":"HS256"}"#,
            r#"{"alg":"None"}"#,
            r#"{"alg":"RSA-OAEP"}"#,
        ] {
            assert!(
                matches!(refused(header), SignedError::Algorithm),
                "{header}"
            );
        }
        for typ in ["at+jwt", "logout+jwt", "application/at+jwt", "JWE", ""] {
            let header = format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#);
            assert!(matches!(refused(&header), SignedError::Type), "{header}");
        }
        for header in [
            r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"RS256","cty":"JWT"}"#,
        ] {
            assert!(matches!(refused(header), SignedError::Header), "{header}");
        }
        assert!(matches!(refused(r#"{"alg":1}"#), SignedError::Form));
    }
}

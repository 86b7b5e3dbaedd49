//! ID tokens: the claims with which a provider says whom it has signed in, for whom and when
//! (OpenID Connect Core 1.0 §2 and §3.1.3.7). They are read strictly.

use openidconnect::AccessToken;
use openidconnect::core::CoreJsonWebKeySet;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::error::Refused;
use super::object::{Object, Problem, Unusable};
use super::signed;

/// Maximum difference in seconds between the issue time of an ID token and the clock of this
/// server.
const CLOCK_SKEW_S: i64 = 300;
/// The claims that are read strictly.
pub(super) const CLAIMS: [&str; 8] = ["iss", "sub", "aud", "azp", "exp", "iat", "nonce", "at_hash"];

/// What an ID token must say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    pub(super) access_token: &'e AccessToken,
    pub(super) now: OffsetDateTime,
}

/// A verified ID token.
#[derive(Debug)]
pub(super) struct IdToken {
    pub(super) subject: String,
    /// The claims in which [`verify`] was interested, these included.
    pub(super) claims: Object,
}

/// Verifies an ID token, and reads the claims that are `wanted` besides those of the protocol.
///
/// # Errors
/// [`Refused`] names the first claim that is not as expected.
pub(super) fn verify(
    token: &str,
    keys: &CoreJsonWebKeySet,
    expected: &Expected<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<IdToken, Refused> {
    let verified = signed::verify(token, keys)?;
    let is_read = |name: &str| CLAIMS.contains(&name) || wanted(name);
    let claims = Object::read(&verified.payload, is_read)?;
    check_issuer(&claims, expected.issuer)?;
    check_audience(&claims, expected.client_id)?;
    let now = expected.now.unix_timestamp();
    if claims.required_time("exp")? <= now {
        return Err(Refused::Expired);
    }
    let age = now.saturating_sub(claims.required_time("iat")?);
    if !(-CLOCK_SKEW_S..=CLOCK_SKEW_S).contains(&age) {
        return Err(Refused::IssueTime(age));
    }
    // The hashes are compared, so that the time reveals nothing about the nonce.
    let nonce = claims.required_text("nonce")?;
    if Sha256::digest(nonce) != Sha256::digest(expected.nonce) {
        return Err(Refused::Other("nonce"));
    }
    if let Some(hash) = claims.text("at_hash")?
        && !verified.is_hash_of(expected.access_token, hash)
    {
        return Err(Refused::AccessTokenHash);
    }
    let subject = claims.required_text("sub")?.to_owned();
    Ok(IdToken { subject, claims })
}

/// Checks the issuer, which is compared literally.
pub(super) fn check_issuer(claims: &Object, expected: &str) -> Result<(), Refused> {
    if claims.required_text("iss")? == expected {
        return Ok(());
    }
    Err(Refused::Issuer(expected.to_owned()))
}

/// Checks that the token is for this client, and was issued to this client if it is also for
/// others.
pub(super) fn check_audience(claims: &Object, client_id: &str) -> Result<(), Refused> {
    let audience = claims.get("aud")?;
    let audience = audience.ok_or_else(|| Unusable::new("aud", Problem::Missing))?;
    let texts = match audience {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let not_texts = || Unusable::new("aud", Problem::Not("a text or a list of texts"));
    let texts = texts.ok_or_else(not_texts)?;
    if !texts.contains(&client_id) {
        return Err(Refused::Other("aud"));
    }
    let is_ours = match claims.text("azp")? {
        Some(party) => party == client_id,
        None => texts.iter().all(|text| *text == client_id),
    };
    if is_ours {
        Ok(())
    } else {
        Err(Refused::AuthorizedParty)
    }
}

//! The response of the token endpoint (OpenID Connect Core 1.0 §3.1.3.3), of which only the two
//! tokens are read. Some providers write, for instance, `expires_in` as a text.

use std::fmt;
use std::time::Duration;

use openidconnect::core::{
    CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreTokenType,
};
use openidconnect::{
    AccessToken, EmptyAdditionalClaims, IdToken, OAuth2TokenResponse, RefreshToken, Scope,
    TokenResponse,
};
use serde::{Deserialize, Serialize};

/// The tokens for a code. [`fmt::Debug`] does not show them.
#[derive(Deserialize, Serialize)]
pub(super) struct Tokens {
    pub(super) access_token: AccessToken,
    /// The ID token, which is not verified yet.
    pub(super) id_token: Option<String>,
    /// Used with the access token by the library. All providers have this one.
    #[serde(skip, default = "bearer")]
    token_type: CoreTokenType,
}

fn bearer() -> CoreTokenType {
    CoreTokenType::Bearer
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl OAuth2TokenResponse for Tokens {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &CoreTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

impl
    TokenResponse<
        EmptyAdditionalClaims,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    > for Tokens
{
    /// Returns `None`: the ID token is read by [`super::id_token`].
    fn id_token(
        &self,
    ) -> Option<
        &IdToken<
            EmptyAdditionalClaims,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
    > {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_is_in_a_response_is_not_read() {
        let json = r#"{
            "access_token": "secret", "id_token": "secret", "expires_in": "3599",
            "token_type": "bearer_token", "scope": ["openid"], "refresh_token": 1
        }"#;
        let tokens: Tokens = serde_json::from_str(json).unwrap();
        assert_eq!(tokens.access_token.secret(), "secret");
        assert_eq!(tokens.id_token.as_deref(), Some("secret"));
        assert_eq!(format!("{tokens:?}"), "Tokens { .. }");
    }
}

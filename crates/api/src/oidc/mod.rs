//! Sign-in with an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0
//! §3.1, RFC 7636, RFC 9700).
//!
//! | subject | where |
//! | --- | --- |
//! | settings | `settings.rs`: [`OidcSettings`] |
//! | requests to the provider | `http.rs` |
//! | its metadata and keys | `provider.rs` |
//! | the sign-in cookie of the browser | `pending.rs` |
//! | claims about the user | `claims.rs` |
//! | errors | `error.rs`; shown to people: `answer.rs` |
//!
//! The domain crate maps an identity to an account:
//! [`waypost_service::Accounts::user_of_identity`]. The handlers are in `handlers/auth/oidc.rs`.

pub(crate) mod answer;
mod claims;
mod error;
mod http;
mod pending;
mod provider;
mod settings;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use claims::{OtherClaims, Told};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreGenderClaim, CoreJwsSigningAlgorithm as Algorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClaimsVerificationError, CsrfToken,
    IdTokenClaims, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse as _, UserInfoClaims,
};
use serde::Deserialize;
use time::OffsetDateTime;
use waypost_core::{BaseUrl, Clock, ExternalIdentity, Random};
use waypost_service::{AllowedDomains, ProvenIdentity};

pub(crate) use error::OidcError;
use error::Refused;
use http::HttpClient;
pub(crate) use pending::{LASTS, Pending};
use provider::{Known, Provider, Token};
pub use settings::OidcSettings;

/// Path to which the provider redirects browsers.
const CALLBACK: &str = "/auth/oidc/callback";
/// Maximum difference in seconds between the issue time of an ID token and the clock of this
/// server.
const CLOCK_SKEW_S: i64 = 300;
/// Maximum length of a code that is passed on, in bytes.
const MAX_CODE: usize = 4_096;
/// Accepted signature algorithms of ID tokens. HMAC with the client secret is not accepted: anyone
/// who can verify such a token can also issue one.
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

/// Signs users in with an OpenID provider.
pub struct Oidc {
    provider: Provider,
    random: Arc<dyn Random>,
}

/// Sign-in with an OpenID provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OidcSetupError {
    /// The certificates of the system cannot be read.
    #[error("cannot prepare connections to the OpenID provider")]
    HttpClient(#[source] std::io::Error),
    /// The base URL does not yield a valid redirect URI.
    #[error("the base URL does not yield a valid redirect URI for the OpenID provider")]
    BaseUrl,
}

/// The authorization response (RFC 6749 §4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
pub(crate) struct Response {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Response {
    /// Whether it belongs to a pending sign-in.
    pub(crate) fn answers(&self, pending: &Pending) -> bool {
        pending.is_answered_by(self.state.as_deref().unwrap_or_default())
    }
}

impl Oidc {
    /// Sets up sign-in with a provider. Sends no request yet.
    ///
    /// # Errors
    /// [`OidcSetupError`] if the certificates of the system cannot be read, or the base URL does
    /// not yield a redirect URI.
    pub fn new(
        settings: OidcSettings,
        base_url: &BaseUrl,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, OidcSetupError> {
        let http = HttpClient::new().map_err(OidcSetupError::HttpClient)?;
        let redirect_url = RedirectUrl::new(format!("{}{CALLBACK}", base_url.as_str()));
        let redirect_url = redirect_url.map_err(|_| OidcSetupError::BaseUrl)?;
        Ok(Self {
            provider: Provider::new(settings, http, clock, redirect_url),
            random,
        })
    }

    /// Returns the host of the provider, by which people know it.
    pub(crate) fn host(&self) -> &str {
        let issuer = self.provider.settings.issuer.url();
        issuer.host_str().unwrap_or_default()
    }

    /// Returns the email domains whose users may sign in.
    pub(crate) fn allowed_domains(&self) -> &AllowedDomains {
        &self.provider.settings.allowed_domains
    }

    /// Starts a sign-in that continues at `path`. Returns the URL to redirect the browser to, and
    /// what the browser keeps in a cookie.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] if the provider does not respond.
    pub(crate) async fn begin(&self, path: String) -> Result<(String, Pending), OidcError> {
        let known = self.provider.known().await?;
        let now = self.provider.clock.now();
        let pending = Pending::begin(path, now, &*self.random);
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let settings = &self.provider.settings;
        let state = CsrfToken::new(pending.state.clone());
        let nonce = Nonce::new(pending.nonce.clone());
        let request = known
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .set_pkce_challenge(challenge)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()));
        // Some providers reject a request with an unknown scope.
        let groups = &settings.groups_claim;
        let request = if settings.admin_group.is_some() && known.has_scope(groups) {
            request.add_scope(Scope::new(groups.clone()))
        } else {
            request
        };
        let (url, _, _) = request.url();
        Ok((url.into(), pending))
    }

    /// Completes a sign-in with the authorization response, which the browser has not brought
    /// before. Returns the identity that the provider has proven.
    ///
    /// # Errors
    /// [`OidcError`] if the response is invalid or the provider is unavailable.
    pub(crate) async fn finish(
        &self,
        pending: &Pending,
        response: Response,
    ) -> Result<ProvenIdentity, OidcError> {
        if !response.answers(pending) {
            return Err(OidcError::NotBegun);
        }
        let known = self.provider.known().await?;
        let issuer = self.provider.settings.issuer.as_str();
        let is_ours = match &response.iss {
            Some(named) => named == issuer,
            None => !known.names_itself(),
        };
        if !is_ours {
            return Err(Refused::ResponseIssuer.into());
        }
        if let Some(error) = response.error {
            let description = response.error_description;
            return Err(OidcError::Declined { error, description });
        }
        let code = response
            .code
            .filter(|code| !code.is_empty() && code.len() <= MAX_CODE);
        let code = AuthorizationCode::new(code.ok_or(Refused::NoCode)?);
        let tokens = known
            .client
            .exchange_code(code)?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(&self.provider.http)
            .await?;
        let id_token = tokens.id_token().ok_or(Refused::NoIdToken)?;
        let nonce = Nonce::new(pending.nonce.clone());
        let access_token = tokens.access_token();
        let claims = self.verify(known.clone(), id_token, &nonce, access_token);
        let claims = claims.await?;
        self.identity(&known, &claims, access_token).await
    }

    /// Returns the verified claims of an ID token. If its signature does not match, loads the
    /// current keys of the provider and verifies again.
    async fn verify(
        &self,
        known: Arc<Known>,
        id_token: &Token,
        nonce: &Nonce,
        access_token: &AccessToken,
    ) -> Result<IdTokenClaims<OtherClaims, CoreGenderClaim>, OidcError> {
        let now = self.provider.clock.now();
        let verified = verify_with(&known, id_token, nonce, access_token, now);
        let Err(OidcError::Refused(Refused::Claims(
            ClaimsVerificationError::SignatureVerification(_),
        ))) = verified
        else {
            return verified;
        };
        match self.provider.with_new_keys(&known).await? {
            Some(known) => verify_with(&known, id_token, nonce, access_token, now),
            None => verified,
        }
    }

    async fn identity(
        &self,
        known: &Known,
        claims: &IdTokenClaims<OtherClaims, CoreGenderClaim>,
        access_token: &AccessToken,
    ) -> Result<ProvenIdentity, OidcError> {
        let settings = &self.provider.settings;
        let subject = claims.subject();
        let identity = ExternalIdentity::parse(&settings.issuer, subject);
        let identity = identity.map_err(|_| Refused::Subject)?;
        let claim = settings.groups_claim.as_str();
        let mut told = Told::of(
            (claims.email(), claims.email_verified()),
            claims.name(),
            claims.additional_claims().get(claim),
        );
        if told.lacks_something(settings) && known.client.user_info_url().is_some() {
            // The subject must be the same (OpenID Connect Core 1.0 §5.3.2).
            let asked = known
                .client
                .user_info(access_token.clone(), Some(subject.clone()))?;
            let answer: UserInfoClaims<OtherClaims, CoreGenderClaim> =
                asked.request_async(&self.provider.http).await?;
            told = told.or(Told::of(
                (answer.email(), answer.email_verified()),
                answer.name(),
                answer.additional_claims().get(claim),
            ));
        }
        Ok(told.about(identity, settings))
    }
}

fn verify_with(
    known: &Known,
    id_token: &Token,
    nonce: &Nonce,
    access_token: &AccessToken,
    now: OffsetDateTime,
) -> Result<IdTokenClaims<OtherClaims, CoreGenderClaim>, OidcError> {
    let now = now.unix_timestamp();
    let issued = move |at: DateTime<Utc>| {
        let age = now.saturating_sub(at.timestamp());
        let is_new = (-CLOCK_SKEW_S..=CLOCK_SKEW_S).contains(&age);
        is_new
            .then_some(())
            .ok_or_else(|| format!("issued {age} s ago"))
    };
    let verifier = known
        .client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || DateTime::from_timestamp(now, 0).unwrap_or_default())
        .set_issue_time_verifier_fn(issued)
        // The authorized party is checked below.
        .set_other_audience_verifier_fn(|_| true);
    let claims = id_token.claims(&verifier, nonce)?;
    let party = claims.authorized_party();
    let is_ours = match party {
        Some(party) => party == known.client.client_id(),
        None => claims.audiences().len() == 1,
    };
    if !is_ours {
        return Err(Refused::AuthorizedParty.into());
    }
    if let Some(expected) = claims.access_token_hash() {
        let broken = |error| ClaimsVerificationError::SignatureVerification(error);
        let algorithm = id_token.signing_alg().map_err(broken)?;
        let key = id_token.signing_key(&verifier).map_err(broken)?;
        let hash = AccessTokenHash::from_token(access_token, algorithm, key);
        if hash.ok().as_ref() != Some(expected) {
            return Err(Refused::AccessTokenHash.into());
        }
    }
    Ok(claims.clone())
}

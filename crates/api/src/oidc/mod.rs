//! Sign-in with an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0
//! §3.1, RFC 7636, RFC 9700).
//!
//! | subject | where |
//! | --- | --- |
//! | settings | `settings.rs`: [`OidcSettings`] |
//! | requests to the provider | `http.rs` |
//! | its metadata and keys | `metadata.rs`, `provider.rs` |
//! | pending sign-ins of a browser | `pending.rs` |
//! | tokens, and the claims that are read strictly | `tokens.rs`, `signed.rs`, `id_token.rs` |
//! | claims about the user, which may be anything | `object.rs`, `claims.rs`, `groups.rs` |
//! | signing out at the provider | `logout.rs` |
//! | what is wrong with the provider, for admins | `notices.rs` |
//! | errors | `error.rs`; shown to people: `answer.rs` |
//!
//! The domain crate maps an identity to an account:
//! [`waypost_service::Accounts::user_of_identity`]. The handlers are in `handlers/auth/oidc.rs`.

pub(crate) mod answer;
mod claims;
mod error;
mod groups;
mod http;
mod id_token;
mod logout;
mod metadata;
mod notices;
mod object;
mod pending;
mod provider;
mod settings;
mod signed;
mod tokens;

use std::sync::Arc;

use claims::{Missing, Told};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{
    AuthorizationCode, CsrfToken, HttpResponse, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use serde::Deserialize;
use url::Url;
use waypost_core::{BaseUrl, Clock, ExternalIdentity, Random};
use waypost_service::{AllowedDomains, ProvenIdentity};

pub(crate) use error::OidcError;
use error::Refused;
use http::HttpClient;
use id_token::{Expected, IdToken};
pub(crate) use logout::SIGNED_OUT;
pub(crate) use notices::Notice;
use notices::Subject;
use object::Object;
pub(crate) use pending::{LASTS, Pending, given_up, is_id};
use provider::{Known, Provider};
pub use settings::OidcSettings;
use signed::SignedError;
use tokens::Tokens;

/// Path to which the provider redirects browsers.
const CALLBACK: &str = "/auth/oidc/callback";
/// Maximum length of a code that is passed on, in bytes.
const MAX_CODE: usize = 4_096;
/// Signs users in with an OpenID provider.
pub struct Oidc {
    provider: Provider,
    random: Arc<dyn Random>,
    /// Where the provider sends browsers after signing out.
    signed_out_url: String,
}

/// A completed sign-in.
pub(crate) struct SignedIn {
    /// The identity that the provider has proven.
    pub(crate) identity: ProvenIdentity,
    /// What the browser keeps to sign out at the provider, if the provider supports that.
    pub(crate) kept: Option<String>,
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
    /// Returns the ID of the pending sign-in to which it belongs.
    pub(crate) fn id(&self) -> Option<String> {
        self.state.as_deref().map(pending::id_of)
    }

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
        let provider = Provider::new(settings, http, clock, redirect_url);
        let claim = &provider.settings.groups_claim;
        if provider.settings.admin_group.is_some() && claim.is_standard() {
            let claim = claim.as_str();
            let text = format!(
                "WAYPOST_OIDC_GROUPS_CLAIM is `{claim}`, which is a standard claim and never read \
                 as groups, because users may change it themselves; set it to another claim"
            );
            provider.notices.note(Subject::GroupsSetting, text);
        }
        Ok(Self {
            provider,
            random,
            signed_out_url: format!("{}{SIGNED_OUT}", base_url.as_str()),
        })
    }

    /// Returns what is wrong with the provider or its settings.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.provider.notices.list()
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
        let request = request.add_scopes(settings.scopes.iter().cloned().map(Scope::new));
        // Some providers reject a request with an unknown scope.
        let groups = settings.groups_claim.as_str();
        let is_known = settings.admin_group.is_some() && known.has_scope(groups);
        let request = if is_known && !settings.scopes.iter().any(|scope| scope == groups) {
            request.add_scope(Scope::new(groups.to_owned()))
        } else {
            request
        };
        let (url, _, _) = request.url();
        Ok((url.into(), pending))
    }

    /// Completes a sign-in with the authorization response, which the browser has not brought
    /// before.
    ///
    /// # Errors
    /// [`OidcError`] if the response is invalid or the provider is unavailable.
    pub(crate) async fn finish(
        &self,
        pending: &Pending,
        response: Response,
    ) -> Result<SignedIn, OidcError> {
        if !response.answers(pending) {
            return Err(OidcError::NotBegun);
        }
        let known = self.provider.known().await?;
        let is_ours = match &response.iss {
            Some(named) => named == known.metadata.issuer.as_str(),
            None => !known.metadata.names_itself,
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
            .exchange_code(code)
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.clone()))
            .request_async(&self.provider.http)
            .await?;
        let id_token = tokens.id_token.as_deref().ok_or(Refused::NoIdToken)?;
        let verified = self
            .verify(&known, &tokens, id_token, &pending.nonce)
            .await?;
        let keeps = self.provider.settings.logout && known.metadata.end_session_endpoint.is_some();
        Ok(SignedIn {
            identity: self.identity(&known, verified, &tokens).await?,
            kept: keeps.then(|| self.kept(id_token)),
        })
    }

    /// Returns the verified ID token. If its signature does not match, loads the current keys of
    /// the provider and verifies again.
    async fn verify(
        &self,
        known: &Arc<Known>,
        tokens: &Tokens,
        id_token: &str,
        nonce: &str,
    ) -> Result<IdToken, OidcError> {
        let settings = &self.provider.settings;
        let expected = Expected {
            issuer: known.metadata.issuer.as_str(),
            client_id: settings.client_id.as_str(),
            nonce,
            access_token: &tokens.access_token,
            now: self.provider.clock.now(),
        };
        let is_read = |name: &str| claims::is_read(name, settings);
        let verified = id_token::verify(id_token, &known.keys, &expected, is_read);
        let unknown_key = matches!(
            verified,
            Err(Refused::Signed(
                SignedError::NoKey | SignedError::Signature(_)
            ))
        );
        if unknown_key && let Some(known) = self.provider.with_new_keys(known).await? {
            return Ok(id_token::verify(id_token, &known.keys, &expected, is_read)?);
        }
        Ok(verified?)
    }

    async fn identity(
        &self,
        known: &Known,
        id_token: IdToken,
        tokens: &Tokens,
    ) -> Result<ProvenIdentity, OidcError> {
        let settings = &self.provider.settings;
        let IdToken { subject, claims } = id_token;
        let identity = ExternalIdentity::parse(known.metadata.issuer.as_str(), &subject);
        let identity = identity.map_err(|_| Refused::Subject)?;
        let mut told = Told::of(claims, settings);
        let missing = told.missing(settings);
        if missing != Missing::Nothing
            && let Some(url) = &known.metadata.userinfo_endpoint
        {
            match self.user_info(known, url, tokens, &subject).await {
                Ok(claims) => told = told.or(Told::of(claims, settings)),
                Err(error) if missing == Missing::Something => return Err(error),
                // It would only say whether the email address is verified.
                Err(error) => tracing::debug!(%error, "cannot ask the provider about a user"),
            }
        }
        told.report(settings, &self.provider.notices);
        Ok(told.about(identity, settings))
    }

    /// Asks the userinfo endpoint (OpenID Connect Core 1.0 §5.3), which answers with JSON or with a
    /// signed token.
    async fn user_info(
        &self,
        known: &Known,
        url: &Url,
        tokens: &Tokens,
        subject: &str,
    ) -> Result<Object, OidcError> {
        let http = &self.provider.http;
        let response = http.get(url, Some(&tokens.access_token)).await?;
        if response.status() != StatusCode::OK {
            return Err(Refused::UserInfo(response.status()).into());
        }
        let claims = self.claims_of(known, &response)?;
        // It is about the same user (§5.3.2).
        if claims.required_text("sub").map_err(Refused::from)? != subject {
            return Err(Refused::Other("sub").into());
        }
        Ok(claims)
    }

    fn claims_of(&self, known: &Known, response: &HttpResponse) -> Result<Object, Refused> {
        let settings = &self.provider.settings;
        let is_protocol = |name: &str| id_token::CLAIMS.contains(&name);
        let is_read = |name: &str| is_protocol(name) || claims::is_read(name, settings);
        if !is_signed(response) {
            return Ok(Object::read(response.body(), is_read)?);
        }
        let token = std::str::from_utf8(response.body()).map_err(|_| SignedError::Form)?;
        let verified = signed::verify(token.trim(), &known.keys)?;
        let claims = Object::read(&verified.payload, is_read)?;
        id_token::check_issuer(&claims, known.metadata.issuer.as_str())?;
        id_token::check_audience(&claims, settings.client_id.as_str())?;
        Ok(claims)
    }
}

/// Whether a userinfo response is a signed token (OpenID Connect Core 1.0 §5.3.2).
fn is_signed(response: &HttpResponse) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|media_type| media_type.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/jwt"))
}

//! The metadata and keys of the provider.
//!
//! They are loaded at the first sign-in, not when the server starts, so that the server also starts
//! without the provider. They are loaded again after an hour. The keys alone are loaded again when
//! an ID token is signed with an unknown key.

use std::sync::Arc;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, Client, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IdToken, IdTokenFields, ProviderMetadata, RedirectUrl,
    StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use waypost_core::Clock;

use super::claims::OtherClaims;
use super::error::{OidcError, Unavailable};
use super::http::HttpClient;
use super::settings::{OidcSettings, is_safe};

/// How long the metadata is cached.
const BELIEVED_FOR: Duration = Duration::HOUR;
/// Minimum time between two requests for the keys, whatever tokens are signed with.
const KEYS_EVERY: Duration = Duration::seconds(5);
/// Minimum time between two requests while the provider does not respond. Sign-ins that wait for a
/// failing request fail with it instead of sending requests one after the other.
const FAILS_EVERY: Duration = Duration::SECOND;

/// An ID token.
pub(super) type Token = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// A client of a provider whose endpoints are known.
pub(super) type KnownClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            OtherClaims,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Metadata that the library does not define.
#[derive(Debug, Clone, Deserialize, Serialize)]
struct MoreMetadata {
    /// Whether every authorization response names the issuer (RFC 9207 §3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// The provider.
pub(super) struct Provider {
    pub(super) settings: OidcSettings,
    pub(super) http: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    redirect_url: RedirectUrl,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    known: Option<Arc<Known>>,
    failed_at: Option<OffsetDateTime>,
}

/// The metadata of the provider and a client for it.
pub(super) struct Known {
    pub(super) client: KnownClient,
    metadata: Metadata,
    fetched_at: OffsetDateTime,
    /// When the keys alone were last loaded.
    keys_fetched_at: Option<OffsetDateTime>,
}

impl Known {
    /// Whether the provider announces a scope.
    pub(super) fn has_scope(&self, name: &str) -> bool {
        let scopes = self.metadata.scopes_supported();
        scopes.is_some_and(|scopes| scopes.iter().any(|scope| scope.as_str() == name))
    }

    /// Whether every authorization response names the issuer.
    pub(super) fn names_itself(&self) -> bool {
        let more = self.metadata.additional_metadata();
        more.authorization_response_iss_parameter_supported
    }
}

/// Whether two times are less than `span` apart, in either direction: a clock that was set back
/// must not make a time valid for ever.
fn is_within(span: Duration, at: OffsetDateTime, now: OffsetDateTime) -> bool {
    (now - at).abs() < span
}

impl Provider {
    pub(super) fn new(
        settings: OidcSettings,
        http: HttpClient,
        clock: Arc<dyn Clock>,
        redirect_url: RedirectUrl,
    ) -> Self {
        Self {
            settings,
            http,
            clock,
            redirect_url,
            cache: Mutex::default(),
        }
    }

    /// What the provider says about itself, asked for if that is too long ago.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] if the provider does not respond.
    pub(super) async fn known(&self) -> Result<Arc<Known>, OidcError> {
        let mut cache = self.cache.lock().await;
        // Waiting for the lock may have taken long.
        let now = self.clock.now();
        if let Some(known) = &cache.known
            && is_within(BELIEVED_FOR, known.fetched_at, now)
        {
            return Ok(Arc::clone(known));
        }
        if cache
            .failed_at
            .is_some_and(|at| is_within(FAILS_EVERY, at, now))
        {
            return Err(OidcError::Unavailable(Unavailable::JustFailed));
        }
        match self.discover(now).await {
            Ok(known) => {
                let known = Arc::new(known);
                cache.known = Some(Arc::clone(&known));
                cache.failed_at = None;
                Ok(known)
            }
            Err(error) => {
                cache.failed_at = Some(self.clock.now());
                Err(error)
            }
        }
    }

    async fn discover(&self, now: OffsetDateTime) -> Result<Known, OidcError> {
        let issuer = self.settings.issuer.clone();
        let metadata = Metadata::discover_async(issuer, &self.http).await?;
        if !is_safe(metadata.authorization_endpoint().url()) {
            let problem = "its authorization endpoint is not https".to_owned();
            return Err(OidcError::Unavailable(Unavailable::Configuration(problem)));
        }
        Ok(Known {
            client: self.client(metadata.clone()),
            metadata,
            fetched_at: now,
            keys_fetched_at: None,
        })
    }

    /// Returns the metadata with the current keys of the provider, if the keys of `before` are not
    /// enough. Returns `None` if the keys were loaded just now.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] if the provider does not respond.
    pub(super) async fn with_new_keys(
        &self,
        before: &Arc<Known>,
    ) -> Result<Option<Arc<Known>>, OidcError> {
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        if let Some(known) = &cache.known
            && !Arc::ptr_eq(known, before)
        {
            return Ok(Some(Arc::clone(known)));
        }
        if before
            .keys_fetched_at
            .is_some_and(|at| is_within(KEYS_EVERY, at, now))
        {
            return Ok(None);
        }
        let url = before.metadata.jwks_uri();
        let keys = CoreJsonWebKeySet::fetch_async(url, &self.http).await?;
        let metadata = before.metadata.clone().set_jwks(keys);
        let known = Arc::new(Known {
            client: self.client(metadata.clone()),
            metadata,
            fetched_at: before.fetched_at,
            keys_fetched_at: Some(now),
        });
        cache.known = Some(Arc::clone(&known));
        Ok(Some(known))
    }

    fn client(&self, metadata: Metadata) -> KnownClient {
        let OidcSettings {
            client_id,
            client_secret,
            ..
        } = &self.settings;
        // The default is the header (OpenID Connect Discovery 1.0 §3).
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let client =
            KnownClient::from_provider_metadata(metadata, client_id.clone(), client_secret.clone());
        let client = client.set_redirect_uri(self.redirect_url.clone());
        if in_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use time::macros::datetime;
    use tokio::net::TcpListener;
    use waypost_core::ManualClock;
    use waypost_core::settings::SettingsReader;

    use super::*;

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_last_for_ever() {
        let at = datetime!(2026-03-01 12:00 UTC);
        assert!(is_within(Duration::HOUR, at, at + Duration::minutes(59)));
        for now in [at + Duration::HOUR, at - Duration::HOUR] {
            assert!(!is_within(Duration::HOUR, at, now));
        }
    }

    /// Returns a provider with only its issuer set.
    fn provider(listener: &TcpListener, clock: Arc<ManualClock>) -> Arc<Provider> {
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let mut reader = SettingsReader::of_variables(&[
            ("WAYPOST_OIDC_ISSUER", &issuer),
            ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
        ]);
        let settings = OidcSettings::read(&mut reader).unwrap().unwrap();
        let url = RedirectUrl::new("http://localhost/".to_owned()).unwrap();
        let http = HttpClient::new().unwrap();
        Arc::new(Provider::new(settings, http, clock, url))
    }

    #[tokio::test]
    async fn sign_ins_that_wait_for_a_failing_provider_do_not_wait_one_after_the_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clock = Arc::new(ManualClock::new(datetime!(2026-03-01 12:00 UTC)));
        let provider = provider(&listener, clock.clone());
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let provider = Arc::clone(&provider);
            asking.spawn(async move { provider.known().await.err() });
        }
        // It accepts the first request, waits, and closes the connection.
        let (connection, _) = listener.accept().await.unwrap();
        clock.advance(Duration::seconds(9));
        drop(connection);
        let errors = asking.join_all().await;
        let just_failed = errors.iter().filter(|error| {
            let error = error.as_ref().unwrap();
            matches!(error, OidcError::Unavailable(Unavailable::JustFailed))
        });
        assert_eq!(just_failed.count(), 2, "{errors:?}");
        // A second later there is another request.
        clock.advance(FAILS_EVERY);
        let again = tokio::spawn(async move { provider.known().await.err() });
        let accepted = tokio::time::timeout(StdDuration::from_secs(20), listener.accept()).await;
        drop(accepted.unwrap().unwrap());
        assert!(again.await.unwrap().is_some());
    }
}

//! The metadata and keys of the provider.
//!
//! They are loaded at the first sign-in, not when the server starts, so that the server also starts
//! without the provider. They are loaded again after an hour. The keys alone are loaded again when
//! an ID token is signed with an unknown key.

use std::sync::Arc;

use hyper::StatusCode;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
};
use openidconnect::{
    AuthType, Client, EmptyAdditionalClaims, EndpointNotSet, EndpointSet, IssuerUrl, RedirectUrl,
    StandardErrorResponse,
};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use url::Url;
use waypost_core::Clock;

use super::error::{OidcError, Unavailable};
use super::http::HttpClient;
use super::metadata::{DOCUMENT, Metadata, MetadataError};
use super::notices::{Notices, Subject};
use super::settings::OidcSettings;
use super::tokens::Tokens;

/// How long the metadata is cached.
const BELIEVED_FOR: Duration = Duration::HOUR;
/// Minimum time between two requests for the keys, whatever tokens are signed with.
const KEYS_EVERY: Duration = Duration::seconds(5);
/// Minimum time between two requests while the provider does not respond. Sign-ins that wait for a
/// failing request fail with it instead of sending requests one after the other.
const FAILS_EVERY: Duration = Duration::SECOND;

/// A client of a provider whose endpoints are known.
pub(super) type KnownClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// The provider.
pub(super) struct Provider {
    pub(super) settings: OidcSettings,
    pub(super) http: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notices: Notices,
    redirect_url: RedirectUrl,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    known: Option<Arc<Known>>,
    failed: Option<Failure>,
}

/// A failed request for the metadata.
struct Failure {
    at: OffsetDateTime,
    error: OidcError,
}

/// The metadata and keys of the provider, and a client for it.
pub(super) struct Known {
    pub(super) client: KnownClient,
    pub(super) metadata: Metadata,
    pub(super) keys: CoreJsonWebKeySet,
    fetched_at: OffsetDateTime,
    /// When the keys alone were last loaded.
    keys_fetched_at: Option<OffsetDateTime>,
}

impl Known {
    /// Whether the provider announces a scope.
    pub(super) fn has_scope(&self, name: &str) -> bool {
        self.metadata.scopes.iter().any(|scope| scope == name)
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
            notices: Notices::new(Arc::clone(&clock)),
            clock,
            redirect_url,
            cache: Mutex::default(),
        }
    }

    /// What the provider says about itself, asked for if that is too long ago.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] if the provider does not respond, [`OidcError::Misconfigured`] if
    /// it is not the configured one.
    pub(super) async fn known(&self) -> Result<Arc<Known>, OidcError> {
        let mut cache = self.cache.lock().await;
        // Waiting for the lock may have taken long.
        let now = self.clock.now();
        if let Some(known) = &cache.known
            && is_within(BELIEVED_FOR, known.fetched_at, now)
        {
            return Ok(Arc::clone(known));
        }
        if let Some(failure) = &cache.failed
            && is_within(FAILS_EVERY, failure.at, now)
        {
            return Err(failure.error.again());
        }
        match self.discover(now).await {
            Ok(known) => {
                let known = Arc::new(known);
                cache.known = Some(Arc::clone(&known));
                cache.failed = None;
                Ok(known)
            }
            Err(error) => {
                cache.failed = Some(Failure {
                    at: self.clock.now(),
                    error: error.again(),
                });
                Err(error)
            }
        }
    }

    async fn discover(&self, now: OffsetDateTime) -> Result<Known, OidcError> {
        let metadata = self.metadata().await?;
        let keys = self.keys(&metadata).await?;
        Ok(Known {
            client: self.client(&metadata),
            metadata,
            keys,
            fetched_at: now,
            keys_fetched_at: None,
        })
    }

    /// Loads what the provider says about itself, and notes what is wrong with its issuer.
    ///
    /// # Errors
    /// As for [`Provider::known`].
    pub(super) async fn metadata(&self) -> Result<Metadata, OidcError> {
        let configured = &self.settings.issuer;
        let document = self.load(&document_of(configured)).await?;
        let metadata = Metadata::read(configured, &document);
        match &metadata {
            Ok(metadata) if metadata.issuer == *configured => {
                self.notices.settle(Subject::Issuer);
            }
            Ok(metadata) => self.notices.note(
                Subject::Issuer,
                format!(
                    "the provider writes its issuer as `{0}`, and WAYPOST_OIDC_ISSUER is `{1}`; \
                     both stand for the same URL; set WAYPOST_OIDC_ISSUER to `{0}`",
                    metadata.issuer.as_str(),
                    configured.as_str()
                ),
            ),
            Err(MetadataError::Issuer(other)) => {
                let text = format!("{other}; {}", other.advice());
                self.notices.note(Subject::Issuer, text);
            }
            Err(error) => self.notices.note(Subject::Issuer, error.to_string()),
        }
        Ok(metadata?)
    }

    async fn keys(&self, metadata: &Metadata) -> Result<CoreJsonWebKeySet, OidcError> {
        let keys = self.load(&metadata.jwks_uri).await?;
        let keys = serde_json::from_slice(&keys);
        keys.map_err(|_| OidcError::Unavailable(Unavailable::Keys))
    }

    /// Loads a document of the provider.
    async fn load(&self, url: &Url) -> Result<Vec<u8>, OidcError> {
        let response = self.http.get(url, None).await?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        Err(OidcError::Unavailable(Unavailable::Document {
            url: url.clone(),
            status: response.status(),
        }))
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
        let metadata = before.metadata.clone();
        let keys = self.keys(&metadata).await?;
        let known = Arc::new(Known {
            client: self.client(&metadata),
            metadata,
            keys,
            fetched_at: before.fetched_at,
            keys_fetched_at: Some(now),
        });
        cache.known = Some(Arc::clone(&known));
        Ok(Some(known))
    }

    /// Returns a client that authenticates as the provider demands. It verifies no tokens, and
    /// needs no keys.
    fn client(&self, metadata: &Metadata) -> KnownClient {
        let OidcSettings {
            client_id,
            client_secret,
            ..
        } = &self.settings;
        // The default is the header (OpenID Connect Discovery 1.0 §3).
        let in_body = metadata.authentication.as_ref().is_some_and(|methods| {
            let has = |name: &str| methods.iter().any(|method| method == name);
            has("client_secret_post") && !has("client_secret_basic")
        });
        let keys = CoreJsonWebKeySet::default();
        let client = Client::new(client_id.clone(), metadata.issuer.clone(), keys)
            .set_auth_uri(metadata.authorization_endpoint.clone())
            .set_token_uri(metadata.token_endpoint.clone())
            .set_redirect_uri(self.redirect_url.clone());
        let client = match client_secret {
            Some(secret) => client.set_client_secret(secret.clone()),
            None => client,
        };
        if in_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        }
    }
}

/// Returns the URL of the document about an issuer (OpenID Connect Discovery 1.0 §4.1).
fn document_of(issuer: &IssuerUrl) -> Url {
    let mut url = issuer.url().clone();
    let path = format!("{}{DOCUMENT}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
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

    #[test]
    fn an_issuer_has_one_document_with_and_without_a_slash() {
        for (issuer, path) in [
            ("https://id.example", "/.well-known/openid-configuration"),
            ("https://id.example/", "/.well-known/openid-configuration"),
            (
                "https://id.example/a",
                "/a/.well-known/openid-configuration",
            ),
            (
                "https://id.example/a/",
                "/a/.well-known/openid-configuration",
            ),
        ] {
            let issuer = IssuerUrl::new(issuer.to_owned()).unwrap();
            assert_eq!(document_of(&issuer).path(), path);
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

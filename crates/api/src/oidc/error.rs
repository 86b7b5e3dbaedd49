//! Why the provider did not sign a user in.

use openidconnect::core::CoreRequestTokenError;
use openidconnect::{ClaimsVerificationError, ConfigurationError, DiscoveryError};
use openidconnect::{RequestTokenError, UserInfoError};

use super::http::HttpError;

/// An error of a sign-in. Never contains codes, tokens or the client secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The provider is unavailable.
    #[error("the provider is unavailable")]
    Unavailable(#[source] Unavailable),
    /// This browser has not started this sign-in, or started it too long ago, or has already
    /// completed it.
    #[error("this browser has not started this sign-in")]
    NotBegun,
    /// The user declined, or the provider rejected the sign-in.
    #[error("the provider responded with {error}")]
    Declined {
        /// The error code (RFC 6749 §4.1.2.1).
        error: String,
        /// The description for people.
        description: Option<String>,
    },
    /// The response, of the provider or of an impostor, is invalid.
    #[error("the response of the provider is invalid")]
    Refused(#[source] Refused),
}

/// Why the provider is unavailable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    /// A request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Its configuration is invalid.
    #[error("invalid configuration: {0}")]
    Configuration(String),
    /// A request failed a moment ago, and it is too early for another.
    #[error("a request failed a moment ago")]
    JustFailed,
}

/// Why a response is invalid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The authorization response names another issuer, or none although it must (RFC 9207).
    #[error("the authorization response names another issuer, or none")]
    ResponseIssuer,
    /// The authorization response has no valid code.
    #[error("the authorization response has no authorization code")]
    NoCode,
    /// The code could not be exchanged.
    #[error("the authorization code could not be exchanged: {0}")]
    Exchange(String),
    /// The token response has no ID token.
    #[error("the token response has no ID token")]
    NoIdToken,
    /// The claims of the ID token or of the userinfo response are invalid.
    #[error("the claims are invalid")]
    Claims(#[from] ClaimsVerificationError),
    /// The ID token is not for this client.
    #[error("the ID token was issued to another party")]
    AuthorizedParty,
    /// The access token does not match the ID token.
    #[error("the access token does not match the ID token")]
    AccessTokenHash,
    /// The subject is invalid.
    #[error("the subject is invalid")]
    Subject,
    /// The userinfo response cannot be read.
    #[error("the userinfo response cannot be read: {0}")]
    UserInfo(&'static str),
}

impl From<Refused> for OidcError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<HttpError> for OidcError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<ClaimsVerificationError> for OidcError {
    fn from(error: ClaimsVerificationError) -> Self {
        Self::Refused(error.into())
    }
}

/// A required endpoint is missing.
impl From<ConfigurationError> for OidcError {
    fn from(error: ConfigurationError) -> Self {
        Self::Unavailable(Unavailable::Configuration(error.to_string()))
    }
}

impl From<DiscoveryError<HttpError>> for OidcError {
    fn from(error: DiscoveryError<HttpError>) -> Self {
        Self::Unavailable(match error {
            DiscoveryError::Request(error) => error.into(),
            DiscoveryError::Response(status, ..) => HttpError::Status(status).into(),
            DiscoveryError::Parse(error) => Unavailable::Configuration(error.to_string()),
            error => Unavailable::Configuration(error.to_string()),
        })
    }
}

impl From<CoreRequestTokenError<HttpError>> for OidcError {
    fn from(error: CoreRequestTokenError<HttpError>) -> Self {
        match error {
            RequestTokenError::Request(error) => error.into(),
            // Only the code: the description may quote the request.
            RequestTokenError::ServerResponse(answer) => {
                Refused::Exchange(answer.error().to_string()).into()
            }
            // The response may contain tokens and is not quoted.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Refused::Exchange("the response cannot be read".to_owned()).into()
            }
        }
    }
}

impl From<UserInfoError<HttpError>> for OidcError {
    fn from(error: UserInfoError<HttpError>) -> Self {
        match error {
            UserInfoError::Request(error) => error.into(),
            UserInfoError::ClaimsVerification(error) => error.into(),
            UserInfoError::Response(..) => Refused::UserInfo(
                "the endpoint responded with an \
                error",
            )
            .into(),
            _ => Refused::UserInfo("it contains no claims").into(),
        }
    }
}

//! Why somebody was not signed in by the provider.

use openidconnect::core::CoreRequestTokenError;
use openidconnect::{ClaimsVerificationError, ConfigurationError, DiscoveryError};
use openidconnect::{RequestTokenError, UserInfoError};

use super::http::HttpError;

/// Nothing in here is secret: neither codes nor tokens nor the client's secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The provider cannot be asked just now.
    #[error("the provider is not available")]
    Unavailable(#[source] Unavailable),
    /// This browser has begun no such sign-in, or too long ago, or has finished it already.
    #[error("this browser has begun no such sign-in")]
    NotBegun,
    /// Somebody declined, or the provider refused them.
    #[error("the provider answers {error}")]
    Declined {
        /// Its code (RFC 6749 §4.1.2.1).
        error: String,
        /// What it says to people.
        description: Option<String>,
    },
    /// What the provider, or whoever pretends to be it, said is not acceptable.
    #[error("the provider's word is not acceptable")]
    Refused(#[source] Refused),
}

/// Why the provider cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    /// It did not answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What it says about itself cannot be used.
    #[error("its configuration cannot be used: {0}")]
    Configuration(String),
    /// It did not answer a moment ago, and is not asked again so soon.
    #[error("it did not answer a moment ago")]
    JustFailed,
}

/// What is not acceptable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The answer in the browser is from another provider (RFC 9207), or does not say from which.
    #[error("the answer names another issuer, or none")]
    ResponseIssuer,
    /// The answer in the browser has no code that could be one.
    #[error("the answer has no authorization code")]
    NoCode,
    /// The code was not exchanged.
    #[error("the authorization code is not exchanged: {0}")]
    Exchange(String),
    /// There is no ID token in the answer.
    #[error("there is no ID token")]
    NoIdToken,
    /// The ID token, or what is said of the user, is not what it should be.
    #[error("the claims are not acceptable")]
    Claims(#[from] ClaimsVerificationError),
    /// The ID token is not one for this client.
    #[error("the ID token was issued to another party")]
    AuthorizedParty,
    /// The access token is not the one that the ID token was issued with.
    #[error("the access token does not belong to the ID token")]
    AccessTokenHash,
    /// Neither issuer nor subject may look like this.
    #[error("the subject is not one")]
    Subject,
    /// What is said of the user cannot be read.
    #[error("the userinfo answer cannot be read: {0}")]
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

/// An endpoint that is needed is missing.
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
            // Its code alone: what it says besides may quote what it was sent.
            RequestTokenError::ServerResponse(answer) => {
                Refused::Exchange(answer.error().to_string()).into()
            }
            // Nor is an answer quoted that may have tokens in it.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Refused::Exchange("the answer cannot be read".to_owned()).into()
            }
        }
    }
}

impl From<UserInfoError<HttpError>> for OidcError {
    fn from(error: UserInfoError<HttpError>) -> Self {
        match error {
            UserInfoError::Request(error) => error.into(),
            UserInfoError::ClaimsVerification(error) => error.into(),
            UserInfoError::Response(..) => Refused::UserInfo("it is an error").into(),
            _ => Refused::UserInfo("it is no set of claims").into(),
        }
    }
}

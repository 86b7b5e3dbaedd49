//! Why the provider did not sign a user in.

use hyper::StatusCode;
use openidconnect::RequestTokenError;
use openidconnect::core::CoreRequestTokenError;
use url::Url;

use super::http::HttpError;
use super::metadata::{MetadataError, OtherIssuer};
use super::object::{NotAnObject, Unusable};
use super::signed::SignedError;

/// An error of a sign-in. Never contains codes, tokens or the client secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The provider is unavailable.
    #[error("the provider is unavailable")]
    Unavailable(#[source] Unavailable),
    /// The configured issuer is not that of the provider.
    #[error(transparent)]
    Misconfigured(OtherIssuer),
    /// This browser has not started this sign-in, or started it too long ago, or has already
    /// completed it.
    #[error("this browser has not started this sign-in, or it is over or already complete")]
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
    /// Its document is invalid.
    #[error(transparent)]
    Metadata(MetadataError),
    /// A document is not there.
    #[error("{url} responded with {status}")]
    Document {
        /// Its URL.
        url: Url,
        /// The status of the response.
        status: StatusCode,
    },
    /// Its keys cannot be read.
    #[error("its keys cannot be read")]
    Keys,
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
    /// A token of the provider is not signed as it must be.
    #[error("the token of the provider is invalid")]
    Signed(#[from] SignedError),
    /// A claim that must be there is missing or of no use.
    #[error("the claim {0}")]
    Claim(#[from] Unusable),
    /// The claims are not an object.
    #[error("the claims cannot be read: {0}")]
    Claims(#[from] NotAnObject),
    /// A token is of another issuer.
    #[error("the claim `iss` is not the issuer `{0}`")]
    Issuer(String),
    /// The ID token has expired.
    #[error("the ID token has expired: the time of the claim `exp` is over")]
    Expired,
    /// The ID token is too old or too new.
    #[error(
        "the claim `iat` says that the ID token was issued {0} s ago; the clocks of this server \
         and of the provider must agree"
    )]
    IssueTime(i64),
    /// A claim has another value than this sign-in requires.
    #[error("the claim `{0}` is not that of this sign-in")]
    Other(&'static str),
    /// The ID token is not for this client.
    #[error("the ID token was issued to another party, named by the claims `aud` and `azp`")]
    AuthorizedParty,
    /// The access token does not match the ID token.
    #[error("the access token does not match the ID token and its claim `at_hash`")]
    AccessTokenHash,
    /// The subject is invalid.
    #[error("the subject is invalid: the claim `sub` must have 1 to 255 printable characters")]
    Subject,
    /// The userinfo endpoint responded with an error.
    #[error("the userinfo endpoint responded with {0}")]
    UserInfo(StatusCode),
}

impl OidcError {
    /// Returns the error for those who ask again a moment later.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Misconfigured(other) => Self::Misconfigured(other.clone()),
            _ => Self::Unavailable(Unavailable::JustFailed),
        }
    }
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

impl From<SignedError> for OidcError {
    fn from(error: SignedError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<MetadataError> for OidcError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Issuer(other) => Self::Misconfigured(other),
            error => Self::Unavailable(Unavailable::Metadata(error)),
        }
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

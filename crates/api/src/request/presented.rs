//! The credentials of a request that is answered by a stream: they are looked at again while it runs,
//! because a stream must not outlast the rights of its caller.

use actix_web::HttpRequest;
use waypost_core::Actor;

use crate::errors::ApiError;
use crate::request::caller::session_secret;
use crate::request::credentials::Bearer;
use crate::state::State;

/// The credentials that a request presented. Secret: never printed.
pub(crate) enum Presented {
    /// An API token, or that of the operator.
    Token(String),
    /// The secret of a session.
    Session(String),
    Nothing,
}

impl Presented {
    /// Returns the credentials of a request whose caller was authenticated. A token comes before a
    /// session, as in [`super::caller`].
    pub(crate) fn of(request: &HttpRequest) -> Self {
        if let Some(presented) = Bearer::of(request.headers()) {
            return Self::Token(presented.token().unwrap_or_default().to_owned());
        }
        session_secret(request).map_or(Self::Nothing, Self::Session)
    }

    /// Returns the caller whose credentials these are now.
    ///
    /// # Errors
    /// `UNAUTHORIZED` if they are no longer accepted.
    pub(crate) async fn actor(&self, state: &State) -> Result<Actor, ApiError> {
        let accounts = state.accounts();
        match self {
            Self::Token(token) => {
                let actor = accounts.authenticate(token).await?;
                actor.ok_or_else(|| ApiError::unauthorized(true))
            }
            Self::Session(secret) => {
                let actor = accounts.actor_of_session(secret).await?;
                actor.ok_or_else(|| ApiError::unauthorized(false))
            }
            Self::Nothing => Err(ApiError::unauthorized(false)),
        }
    }
}

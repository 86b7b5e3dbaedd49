//! Who sends a request, and whether they may what its route does.
//!
//! Each row of the table in [`crate::routes`] says for whom its route is ([`Access`]); [`authorise`] stands
//! around its handler, so that no route can forget to ask. What only the link itself can tell is asked
//! by the domain functions, of the same table ([`decide`]).

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use waypost_core::{Action, Actor, Decision, UserId, decide};
use waypost_store::permit;

use crate::errors::ApiError;
use crate::state::State;

/// The scheme of a token in the header `Authorization` (RFC 6750 §2.1), in any case (RFC 9110 §11.1).
const BEARER: &str = "bearer";
/// The longest header that is looked at, in bytes.
const MAX_CREDENTIALS: usize = 2_048;

/// For whom a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// For everybody.
    Open,
    /// For those who may do this.
    For(Action),
    /// For those who may do this and, with `WAYPOST_ANONYMOUS_LINKS`, for everybody as far as links go
    /// that nobody owns.
    OrAnonymous(Action),
}

/// Who sent the request.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor);

impl Caller {
    /// The user who sent it.
    ///
    /// # Errors
    /// `FORBIDDEN` for the operator, who is none.
    pub(crate) fn user_id(&self) -> Result<UserId, ApiError> {
        let message = "this is about the user of a token; the operator's token has none";
        let id = self.0.user_id();
        id.ok_or_else(|| ApiError::forbidden(message))
    }
}

/// From what [`authorise`] found out.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        let missing = || ApiError::internal("nobody asked who sends this request");
        ready(caller.ok_or_else(missing))
    }
}

/// Who presents these headers. Without credentials that is nobody in particular.
///
/// # Errors
/// `UNAUTHORIZED` for credentials that are not accepted.
pub(crate) async fn authenticate(headers: &HeaderMap, state: &State) -> Result<Actor, ApiError> {
    let Some(credentials) = headers.get(header::AUTHORIZATION) else {
        return Ok(Actor::Anonymous);
    };
    let presented = credentials
        .to_str()
        .ok()
        .filter(|credentials| credentials.len() <= MAX_CREDENTIALS)
        .and_then(|credentials| credentials.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER))
        .map(|(_, token)| token.trim());
    let actor = match presented {
        Some(token) => state.accounts().authenticate(token).await?,
        None => None,
    };
    actor.ok_or_else(|| ApiError::unauthorized(true))
}

/// Stands around a handler: finds out who asks, and sends away who may not.
pub(crate) async fn authorise(
    access: Access,
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if access != Access::Open {
        match admit(access, &state, request.headers()).await {
            Ok(caller) => _ = request.extensions_mut().insert(caller),
            // An answer like any other: what stands around completes it and writes its line.
            Err(error) => return Ok(request.error_response(error)),
        }
    }
    next.call(request).await
}

async fn admit(access: Access, state: &State, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let actor = authenticate(headers, state).await?;
    check(access, &actor, state.anonymous_links())?;
    Ok(Caller(actor))
}

fn check(access: Access, actor: &Actor, anonymous_links: bool) -> Result<(), ApiError> {
    let action = match access {
        Access::Open => return Ok(()),
        Access::OrAnonymous(_) if anonymous_links && *actor == Actor::Anonymous => return Ok(()),
        Access::For(action) | Access::OrAnonymous(action) => action,
    };
    match decide(actor, action, None) {
        // Which link it is about is seen later.
        Decision::Hidden => Ok(()),
        Decision::Forbidden => Err(ApiError::forbidden("this is for admins")),
        decision => Ok(permit(decision)?),
    }
}

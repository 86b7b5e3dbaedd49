//! Who sends a request, and whether they may what its route does.
//!
//! Each row of the table in [`crate::routes`] says for whom its route is ([`Access`]); [`authorise`] stands
//! around its handler, so that no route can forget to ask. What only the link itself can tell is asked
//! by the domain functions, of the same table ([`decide`]).

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use waypost_core::{Action, Actor, Decision, SessionId, UserId, decide};
use waypost_store::{KnownSession, permit};

use crate::csrf;
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

/// The session that the request was sent with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurrentSession(pub(crate) SessionId);

/// Who presents these headers. Without credentials that is nobody in particular.
///
/// # Errors
/// `UNAUTHORIZED` for credentials that are not accepted.
pub(crate) async fn authenticate(headers: &HeaderMap, state: &State) -> Result<Actor, ApiError> {
    if headers.contains_key(header::AUTHORIZATION) {
        return by_token(headers, state).await;
    }
    let known = by_session(headers, state).await?;
    Ok(known.map_or(Actor::Anonymous, |known| known.actor()))
}

/// Whose session these headers present. A browser goes on presenting one that has ended: that is nobody
/// in particular.
async fn by_session(headers: &HeaderMap, state: &State) -> Result<Option<KnownSession>, ApiError> {
    match state.site().session_of(headers) {
        Some(presented) => Ok(state.accounts().authenticate_session(presented).await?),
        None => Ok(None),
    }
}

async fn by_token(headers: &HeaderMap, state: &State) -> Result<Actor, ApiError> {
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
        let known = match admit(access, &state, request.request()).await {
            Ok(known) => known,
            // An answer like any other: what stands around completes it and writes its line.
            Err(error) => return Ok(request.error_response(error)),
        };
        if let Some(known) = known.filter(|known| known.extended) {
            let cookie = renewed(&known, &state, request.headers());
            let mut answer = next.call(request).await?;
            if let Some(cookie) = cookie {
                let headers = answer.headers_mut();
                headers.append(header::SET_COOKIE, cookie);
            }
            return Ok(answer);
        }
    }
    next.call(request).await
}

/// The cookie of a session that lasts longer from now on.
fn renewed(known: &KnownSession, state: &State, headers: &HeaderMap) -> Option<HeaderValue> {
    let secret = state.site().session_of(headers)?;
    let age = known.session.expires_at - state.clock().now();
    state.site().keep_session(secret, age)
}

/// Notes who sends a request, if they may, and gives back the session that they send it with.
async fn admit(
    access: Access,
    state: &State,
    request: &HttpRequest,
) -> Result<Option<KnownSession>, ApiError> {
    let headers = request.headers();
    let (actor, known) = if headers.contains_key(header::AUTHORIZATION) {
        (by_token(headers, state).await?, None)
    } else {
        match by_session(headers, state).await? {
            Some(known) => (known.actor(), Some(known)),
            None => (Actor::Anonymous, None),
        }
    };
    check(access, &actor, state.anonymous_links())?;
    if let Some(known) = &known {
        csrf::check_api(request.method(), headers, state.site())?;
        request
            .extensions_mut()
            .insert(CurrentSession(known.session.id));
    }
    request.extensions_mut().insert(Caller(actor));
    Ok(known)
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

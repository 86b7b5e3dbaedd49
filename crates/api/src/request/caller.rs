//! Who sends a request, and whether they may what its route does.
//!
//! Each row of the table in [`crate::routes`] says for whom its route is ([`Access`]); [`authorise`] stands
//! around its handler, and [`authorise_page`] around that of a page, so that no route can forget to ask. What only the link itself can tell is asked
//! by the domain functions, of the same table ([`decide`]).

mod pages;

pub(crate) use pages::{SignedIn, authorise_page};

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use waypost_core::{Action, Actor, Decision, SessionId, UserId, decide};
use waypost_service::{KnownSession, permit};

use crate::errors::ApiError;
use crate::request::csrf;
use crate::request::quota;
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
        let message = "this requires a user; the operator's token belongs to none";
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

/// The cookie of a session that lasts longer from now on, noted for the answer.
struct Renewed(HeaderValue);

/// Who sends a request that nothing stands around; [`renew_session`] completes its answer. Without
/// credentials that is nobody in particular.
///
/// # Errors
/// `UNAUTHORIZED` for credentials that are not accepted.
pub(crate) async fn authenticate(request: &HttpRequest, state: &State) -> Result<Actor, ApiError> {
    let headers = request.headers();
    if headers.contains_key(header::AUTHORIZATION) {
        return by_token(request, state).await;
    }
    let known = visitor(request, state).await?;
    Ok(known.map_or(Actor::Anonymous, |known| known.actor()))
}

/// Whose session a request presents that nothing stands around; [`renew_session`] completes its answer.
/// `None` for nobody in particular, for whom nothing is looked up.
///
/// # Errors
/// `TOO_MANY_REQUESTS` for who presented too many that were not accepted.
pub(crate) async fn visitor(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<KnownSession>, ApiError> {
    let known = by_session(request, state).await?;
    if let Some(known) = &known
        && known.extended
        && let Some(cookie) = renewed(known, state, request.headers())
    {
        request.extensions_mut().insert(Renewed(cookie));
    }
    Ok(known)
}

/// Tells the browser that its session lasts longer, where [`authenticate`] found that it does.
pub(crate) fn renew_session(request: &HttpRequest, answer: &mut HttpResponse) {
    if let Some(Renewed(cookie)) = request.extensions_mut().remove() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Whose session a request presents. A browser goes on presenting one that has ended: that is nobody in
/// particular, and counts as something that is not accepted.
async fn by_session(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<KnownSession>, ApiError> {
    let Some(presented) = state.site().session_of(request.headers()) else {
        return Ok(None);
    };
    quota::check_refused(request, state)?;
    let known = state.accounts().authenticate_session(presented).await?;
    if known.is_none() {
        quota::note_refused(request, state);
    }
    Ok(known)
}

/// Whose token a request presents; an address that guesses them is not listened to for a while.
async fn by_token(request: &HttpRequest, state: &State) -> Result<Actor, ApiError> {
    let Some(credentials) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(Actor::Anonymous);
    };
    let presented = credentials
        .to_str()
        .ok()
        .filter(|credentials| credentials.len() <= MAX_CREDENTIALS)
        .and_then(|credentials| credentials.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(BEARER))
        .map(|(_, token)| token.trim());
    if !presented.is_some_and(|token| state.accounts().is_operator(token)) {
        quota::check_refused(request, state)?;
    }
    let actor = match presented {
        Some(token) => state.accounts().authenticate(token).await?,
        None => None,
    };
    actor.ok_or_else(|| {
        quota::note_refused(request, state);
        ApiError::unauthorized(true)
    })
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
            Err(error) => {
                let mut answer = request.error_response(error);
                tell_quota(&mut answer);
                return Ok(answer);
            }
        };
        let extended = known.filter(|known| known.extended);
        let cookie = extended.and_then(|known| renewed(&known, &state, request.headers()));
        let mut answer = next.call(request).await?;
        tell_quota(&mut answer);
        if let Some(cookie) = cookie {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        return Ok(answer);
    }
    next.call(request).await
}

fn tell_quota(answer: &mut ServiceResponse<BoxBody>) {
    let request = answer.request().clone();
    quota::tell(&request, answer.headers_mut());
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
    let (actor, known) = presented(request, state).await?;
    quota::pay_request(request, &actor, state)?;
    check(access, &actor, state.anonymous_links())?;
    if let Some(known) = &known {
        csrf::check_api(request.method(), request.headers(), state.site())?;
        request
            .extensions_mut()
            .insert(CurrentSession(known.session.id));
    }
    request.extensions_mut().insert(Caller(actor));
    Ok(known)
}

/// Who sends a request, and the session that they send it with.
async fn presented(
    request: &HttpRequest,
    state: &State,
) -> Result<(Actor, Option<KnownSession>), ApiError> {
    let headers = request.headers();
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok((by_token(request, state).await?, None));
    }
    let known = by_session(request, state).await?;
    let actor = known.as_ref().map_or(Actor::Anonymous, KnownSession::actor);
    Ok((actor, known))
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
        Decision::Forbidden => Err(ApiError::forbidden("this requires an admin")),
        decision => Ok(permit(decision)?),
    }
}

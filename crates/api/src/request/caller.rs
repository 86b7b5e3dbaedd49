//! Authenticates the caller of a request and checks their access to its route.
//!
//! Each row of the table in [`crate::routes`] says who has access to its route ([`Access`]).
//! [`authorise`] wraps its handler, and [`authorise_page`] that of a page, so that no route can
//! forget the check. Access that depends on a link is checked by the domain functions, with the
//! same rules ([`decide`]).

mod pages;

pub(crate) use pages::{SignedIn, authorise_page};

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use waypost_core::{Action, Actor, Decision, IpHash, SessionId, UserId, decide};
use waypost_service::{Accounts, Blocklist, KnownSession, Links, Requester, permit};

use crate::errors::{ApiError, ErrorCode};
use crate::request::client::origin;
use crate::request::credentials::Bearer;
use crate::request::csrf;
use crate::request::quota;
use crate::state::State;

/// Who has access to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anyone, without authentication.
    Open,
    /// Callers who may perform the action.
    For(Action),
    /// Callers who may perform the action and, with `WAYPOST_ANONYMOUS_LINKS`, anyone for links
    /// without an owner.
    OrAnonymous(Action),
}

/// The caller of a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor, pub(crate) Option<IpHash>);

impl Caller {
    /// Returns the caller of this request, who was authenticated as `actor`.
    pub(crate) fn new(actor: Actor, request: &HttpRequest, state: &State) -> Self {
        Self(actor, origin(request, state))
    }

    fn requester(&self) -> Arc<Requester> {
        Arc::new(Requester {
            actor: self.0.clone(),
            origin: self.1,
        })
    }

    /// Returns the links for changes by this caller, as the audit trail names them.
    pub(crate) fn links(&self, state: &State) -> Links {
        state.links().requested_by(self.requester())
    }

    /// Returns the accounts for changes by this caller.
    pub(crate) fn accounts(&self, state: &State) -> Accounts {
        state.accounts().requested_by(self.requester())
    }

    /// Returns the blocklist for changes by this caller.
    pub(crate) fn blocklist(&self, state: &State) -> Blocklist {
        state.blocklist().requested_by(self.requester())
    }

    /// Returns the ID of the user.
    ///
    /// # Errors
    /// `FORBIDDEN` for the operator, who is not a user.
    pub(crate) fn user_id(&self) -> Result<UserId, ApiError> {
        let message = "this requires a user; the operator's token belongs to none";
        let id = self.0.user_id();
        id.ok_or_else(|| ApiError::forbidden(message))
    }
}

/// Extracts the caller that [`authorise`] stored.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        let missing = || ApiError::internal("the caller of this request was not authenticated");
        ready(caller.ok_or_else(missing))
    }
}

/// The session of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurrentSession(pub(crate) SessionId);

/// The cookie of an extended session, stored in the request for its response.
struct Renewed(HeaderValue);

/// The secret of the session of a request, of those that it presents. Never printed.
struct AcceptedSecret(String);

/// Identifies the caller of a request that no middleware wraps; [`renew_session`] completes its
/// response. Returns [`Actor::Anonymous`] without credentials.
///
/// # Errors
/// `UNAUTHORIZED` for rejected credentials.
pub(crate) async fn authenticate(request: &HttpRequest, state: &State) -> Result<Actor, ApiError> {
    if let Some(presented) = Bearer::of(request.headers()) {
        return by_token(request, state, presented).await;
    }
    let known = visitor(request, state).await?;
    Ok(known.map_or(Actor::Anonymous, |known| known.actor()))
}

/// Returns the session of a request that no middleware wraps; [`renew_session`] completes its
/// response. Returns `None` without a look-up if the request has no session.
///
/// # Errors
/// `TOO_MANY_REQUESTS` for a client with too many rejected credentials.
pub(crate) async fn visitor(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<KnownSession>, ApiError> {
    let known = by_session(request, state).await?;
    if let Some(known) = &known
        && known.extended
        && let Some(cookie) = renewed(known, state, request)
    {
        request.extensions_mut().insert(Renewed(cookie));
    }
    Ok(known)
}

/// Sets the cookie of the session, if [`authenticate`] extended it.
pub(crate) fn renew_session(request: &HttpRequest, answer: &mut HttpResponse) {
    if let Some(Renewed(cookie)) = request.extensions_mut().remove() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Returns the session of a request. Browsers keep sending a session that has ended: such a request
/// is anonymous, and counts as rejected credentials. If several sessions are presented, the first
/// valid one counts, and only a request without a valid one is charged, once.
async fn by_session(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<KnownSession>, ApiError> {
    let mut outcome = Ok(None);
    for presented in state.site().sessions_of(request.headers()) {
        let look_up = match quota::look_up(request, state, Some(presented)).await {
            Ok(look_up) => look_up,
            Err(error) => {
                outcome = Err(error);
                continue;
            }
        };
        let known = state.accounts().authenticate_session(presented).await?;
        let rejected = look_up.answered(known.is_some());
        if known.is_some() {
            let accepted = AcceptedSecret(presented.to_owned());
            request.extensions_mut().insert(accepted);
            return Ok(known);
        }
        if outcome.is_ok() {
            outcome = Ok(rejected);
        }
    }
    match outcome? {
        Some(rejected) => rejected.charge(request).map(|()| None),
        None => Ok(None),
    }
}

/// Returns the secret of the session by which the caller of a request was authenticated.
pub(crate) fn session_secret(request: &HttpRequest) -> Option<String> {
    let extensions = request.extensions();
    let accepted = extensions.get::<AcceptedSecret>();
    accepted.map(|AcceptedSecret(secret)| secret.clone())
}

/// Returns the session of a request for a page. An IP address with too many rejected credentials
/// gets the pages that everyone sees, and can sign in.
pub(crate) async fn session_for_page(
    request: &HttpRequest,
    state: &State,
) -> Result<Option<KnownSession>, ApiError> {
    match by_session(request, state).await {
        Err(error) if error.code() == ErrorCode::TooManyRequests => Ok(None),
        known => known,
    }
}

/// Authenticates the token of a request. A valid token is accepted even if its IP address has sent
/// too many wrong ones.
async fn by_token(
    request: &HttpRequest,
    state: &State,
    presented: Bearer<'_>,
) -> Result<Actor, ApiError> {
    let presented = presented.token();
    if presented.is_some_and(|token| state.accounts().is_operator(token)) {
        return Ok(Actor::Operator);
    }
    let look_up = quota::look_up(request, state, presented).await?;
    let actor = match presented {
        Some(token) => state.accounts().authenticate(token).await?,
        None => None,
    };
    look_up.end(request, actor.is_some())?;
    actor.ok_or_else(|| ApiError::unauthorized(true))
}

/// Wraps a handler: authenticates the caller, and rejects callers without access.
pub(crate) async fn authorise(
    access: Access,
    state: web::Data<State>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if access != Access::Open {
        let known = match admit(access, &state, request.request()).await {
            Ok(known) => known,
            // Return a response, which the outer middleware completes and logs.
            Err(error) => {
                let mut answer = request.error_response(error);
                tell_quota(&mut answer);
                return Ok(answer);
            }
        };
        let extended = known.filter(|known| known.extended);
        let cookie = extended.and_then(|known| renewed(&known, &state, request.request()));
        let mut answer = next.call(request).await?;
        tell_quota(&mut answer);
        keep_extended(cookie, &mut answer, &state);
        return Ok(answer);
    }
    next.call(request).await
}

fn tell_quota(answer: &mut ServiceResponse<BoxBody>) {
    let request = answer.request().clone();
    quota::tell(&request, answer.headers_mut());
}

/// Adds the cookie of an extended session, unless the response sets another one.
fn keep_extended(
    cookie: Option<HeaderValue>,
    answer: &mut ServiceResponse<BoxBody>,
    state: &State,
) {
    if let Some(cookie) = cookie
        && !state.site().sets_session(answer.headers())
    {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Returns the cookie of an extended session.
fn renewed(known: &KnownSession, state: &State, request: &HttpRequest) -> Option<HeaderValue> {
    let secret = session_secret(request)?;
    let age = known.session.expires_at - state.clock().now();
    state.site().keep_session(&secret, age)
}

/// Stores the caller in the request, if they have access, and returns the session of the request.
async fn admit(
    access: Access,
    state: &State,
    request: &HttpRequest,
) -> Result<Option<KnownSession>, ApiError> {
    let (actor, known) = presented(request, state).await?;
    quota::pay_request(request, &actor, state)?;
    check(access, &actor, state.anonymous_links())?;
    if let Some(known) = &known {
        csrf::check_api(request, state)?;
        request
            .extensions_mut()
            .insert(CurrentSession(known.session.id));
    }
    request
        .extensions_mut()
        .insert(Caller::new(actor, request, state));
    Ok(known)
}

/// Returns the caller of a request and its session.
async fn presented(
    request: &HttpRequest,
    state: &State,
) -> Result<(Actor, Option<KnownSession>), ApiError> {
    if let Some(presented) = Bearer::of(request.headers()) {
        return Ok((by_token(request, state, presented).await?, None));
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
        // The link is not known yet; its handler checks access to it.
        Decision::Hidden => Ok(()),
        Decision::Forbidden => Err(ApiError::forbidden("this requires an admin")),
        decision => Ok(permit(decision)?),
    }
}

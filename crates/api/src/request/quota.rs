//! Charges requests to the budgets of their callers, and reports what is left.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use waypost_core::{Actor, LinkId, ShortCode};

use crate::errors::ApiError;
use crate::request::budget::{network_of, seconds};
use crate::request::client::client_address;
use crate::request::limits::{Kind, Quota, Who};
use crate::request::trials::Turn;
use crate::state::State;

/// The look-up of a credential that a request presents.
#[must_use = "the outcome counts"]
pub(crate) struct LookUp<'s> {
    state: &'s State,
    presented: Option<&'s str>,
    /// The kind of budget, and the IP address that pays if the credential is rejected; `None` if
    /// there are no limits.
    payer: Option<(&'s Kind, Who)>,
    /// Whether the IP address has used up its rejected credentials.
    is_over: bool,
    turn: Turn<'s>,
}

/// Begins the look-up of a credential; `presented` is `None` for one that cannot be read. If the
/// IP address of the client has sent too many wrong ones, the look-up may wait for its turn.
///
/// # Errors
/// `TOO_MANY_REQUESTS` if the credential is not to be looked up.
pub(crate) async fn look_up<'s>(
    request: &HttpRequest,
    state: &'s State,
    presented: Option<&'s str>,
) -> Result<LookUp<'s>, ApiError> {
    let mut look_up = LookUp {
        state,
        presented,
        payer: None,
        is_over: false,
        turn: None,
    };
    let Some(kind) = &state.limits().refused else {
        return Ok(look_up);
    };
    let Some(address) = client_address(request, state).map(network_of) else {
        return Ok(look_up);
    };
    let (who, now) = (Who::Address(address), state.clock().now());
    look_up.payer = Some((kind, who));
    look_up.is_over = kind.spent().left(&who, kind.budget, now).remaining == 0;
    if look_up.is_over {
        let refused = |()| too_many_rejected(request, kind, who, state);
        let presented = presented.ok_or(()).map_err(refused)?;
        let turn = state.limits().trials.turn(presented, now).await;
        look_up.turn = turn.map_err(|_| refused(()))?;
    }
    Ok(look_up)
}

impl<'s> LookUp<'s> {
    /// Ends the look-up. A rejected credential is charged to the IP address of the client.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if the credential is rejected and the IP address has sent too many wrong
    /// ones before.
    pub(crate) fn end(self, request: &HttpRequest, is_accepted: bool) -> Result<(), ApiError> {
        let rejected = self.answered(is_accepted);
        rejected.map_or(Ok(()), |rejected| rejected.charge(request))
    }

    /// Ends the look-up without charging it. Returns the rejected credential, if there are limits.
    pub(crate) fn answered(self, is_accepted: bool) -> Option<Rejected<'s>> {
        drop(self.turn);
        let (kind, who) = self.payer?;
        if let Some(presented) = self.presented {
            let trials = &self.state.limits().trials;
            trials.remember(presented, is_accepted, self.state.clock().now());
        }
        (!is_accepted).then_some(Rejected {
            state: self.state,
            kind,
            who,
            is_over: self.is_over,
        })
    }
}

/// A credential that was looked up and rejected.
#[must_use = "a request with rejected credentials only is charged"]
pub(crate) struct Rejected<'s> {
    state: &'s State,
    kind: &'s Kind,
    who: Who,
    is_over: bool,
}

impl Rejected<'_> {
    /// Charges it to the IP address of the client.
    ///
    /// # Errors
    /// As [`LookUp::end`].
    pub(crate) fn charge(self, request: &HttpRequest) -> Result<(), ApiError> {
        let Self {
            state, kind, who, ..
        } = self;
        if self.is_over {
            return Err(too_many_rejected(request, kind, who, state));
        }
        let _ = kind.take(who, 1, state.clock().now());
        Ok(())
    }
}

fn too_many_rejected(request: &HttpRequest, kind: &Kind, who: Who, state: &State) -> ApiError {
    let left = kind.spent().left(&who, kind.budget, state.clock().now());
    let quota = Quota {
        limit: kind.budget.burst,
        left,
    };
    request.extensions_mut().insert(quota);
    let message = "too many rejected credentials from this IP address";
    ApiError::too_many_requests(message, kind.budget.every)
}

/// Charges a request.
///
/// # Errors
/// `TOO_MANY_REQUESTS` if nothing is left.
pub(crate) fn pay_request(
    request: &HttpRequest,
    actor: &Actor,
    state: &State,
) -> Result<(), ApiError> {
    let kind = state.limits().requests.as_ref();
    pay(kind, request, actor, state, 1, "too many requests")
}

/// Charges a look-up of similar codes; returns whether one was left.
pub(crate) fn may_look_up(request: &HttpRequest, actor: &Actor, state: &State) -> bool {
    let kind = state.limits().look_ups.as_ref();
    pay(kind, request, actor, state, 1, "").is_ok()
}

/// Charges links that are to be created.
///
/// # Errors
/// `TOO_MANY_REQUESTS` if fewer are left, `BAD_REQUEST` for more than the whole budget.
pub(crate) fn pay_links(
    request: &HttpRequest,
    actor: &Actor,
    state: &State,
    count: usize,
) -> Result<(), ApiError> {
    let kind = state.limits().links.as_ref();
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    pay(kind, request, actor, state, count, "too many links")
}

/// Charges the code that a link gets, unless it is or was its code already.
///
/// # Errors
/// `TOO_MANY_REQUESTS` if nothing is left; those of a look-up.
pub(crate) async fn pay_new_code(
    request: &HttpRequest,
    actor: &Actor,
    state: &State,
    link: LinkId,
    code: Option<&ShortCode>,
) -> Result<(), ApiError> {
    let Some(code) = code else { return Ok(()) };
    let resolver = state.router().resolver();
    let known = resolver.resolve(code.as_str()).await?;
    if known.is_some_and(|known| known.link_id == link) {
        return Ok(());
    }
    pay_links(request, actor, state, 1)
}

fn pay(
    kind: Option<&Kind>,
    request: &HttpRequest,
    actor: &Actor,
    state: &State,
    amount: i32,
    message: &'static str,
) -> Result<(), ApiError> {
    let who = match actor {
        Actor::Operator => None,
        Actor::User { id, .. } => Some(Who::User(*id)),
        Actor::Anonymous => {
            let address = client_address(request, state);
            address.map(|address| Who::Address(network_of(address)))
        }
    };
    let Some((kind, who)) = kind.zip(who) else {
        return Ok(());
    };
    if amount > kind.budget.burst {
        return Err(ApiError::bad_request(format!(
            "at most {} links can be created in one request",
            kind.budget.burst
        )));
    }
    match kind.take(who, amount, state.clock().now()) {
        Ok(quota) => {
            request.extensions_mut().insert(quota);
            Ok(())
        }
        Err((quota, wait)) => {
            request.extensions_mut().insert(quota);
            Err(ApiError::too_many_requests(message, wait))
        }
    }
}

/// Adds headers with what is left of the budget that the request was charged to.
pub(crate) fn tell(request: &HttpRequest, headers: &mut HeaderMap) {
    let Some(quota) = request.extensions().get::<Quota>().copied() else {
        return;
    };
    let mut set = |name: &'static str, value: i64| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    };
    set("ratelimit-limit", quota.limit.into());
    set("ratelimit-remaining", quota.left.remaining.into());
    set("ratelimit-reset", seconds(quota.left.full_in));
}

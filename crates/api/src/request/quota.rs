//! Paying for a request from the budget of whoever sends it, and telling them what is left.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use waypost_core::Actor;

use crate::errors::ApiError;
use crate::request::budget::{network_of, seconds};
use crate::request::client::client_address;
use crate::request::limits::{Kind, Quota, Who};
use crate::state::State;

/// Turns away who presented too much that was not accepted, before anything is looked up.
///
/// # Errors
/// `TOO_MANY_REQUESTS`.
pub(crate) fn check_refused(request: &HttpRequest, state: &State) -> Result<(), ApiError> {
    let Some(kind) = &state.limits().refused else {
        return Ok(());
    };
    let Some(address) = client_address(request, state) else {
        return Ok(());
    };
    let who = Who::Address(network_of(address));
    let left = kind.spent().left(&who, kind.budget, state.clock().now());
    if left.remaining > 0 {
        return Ok(());
    }
    let quota = Quota {
        limit: kind.budget.burst,
        left,
    };
    request.extensions_mut().insert(quota);
    let message = "too many rejected credentials from this IP address";
    Err(ApiError::too_many_requests(message, kind.budget.every))
}

/// Notes that what was presented was not accepted.
pub(crate) fn note_refused(request: &HttpRequest, state: &State) {
    if let Some(kind) = &state.limits().refused
        && let Some(address) = client_address(request, state)
    {
        let who = Who::Address(network_of(address));
        let _ = kind.take(who, 1, state.clock().now());
    }
}

/// Pays for a request.
///
/// # Errors
/// `TOO_MANY_REQUESTS` when there is nothing left.
pub(crate) fn pay_request(
    request: &HttpRequest,
    actor: &Actor,
    state: &State,
) -> Result<(), ApiError> {
    let kind = state.limits().requests.as_ref();
    pay(kind, request, actor, state, 1, "too many requests")
}

/// Whether there is a look-up left for who typed a code that no link has; takes it.
pub(crate) fn may_look_up(request: &HttpRequest, actor: &Actor, state: &State) -> bool {
    let kind = state.limits().look_ups.as_ref();
    pay(kind, request, actor, state, 1, "").is_ok()
}

/// Pays for links that are to be made.
///
/// # Errors
/// `TOO_MANY_REQUESTS` when there is not as much left.
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

/// Says in an answer what is left of the budget that its request was paid from.
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

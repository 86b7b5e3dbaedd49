//! How often somebody may use the API, and how many links they may make.
//!
//! Whoever asks is known by their user, whichever token or session they send, and otherwise by their address (of
//! IPv6, by the network /64). The operator has no limit. It is kept in memory by each server for itself: behind n
//! servers, everybody has n budgets. Redirects are never limited, nor is what is open to everybody.
//!
//! Answers say what is left (`RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`, as in
//! draft-ietf-httpapi-ratelimit-headers-03).

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest};
use time::{Duration, OffsetDateTime};
use waypost_core::{Actor, UserId};

use crate::errors::ApiError;
use crate::handlers::auth::client_address;
use crate::request::budget::{Budget, Left, Spent, network_of, seconds};
use crate::settings::LimitSettings;
use crate::state::State;

/// Credentials that are not accepted, of an address: sixty, then one a second.
const REFUSED: Budget = Budget {
    burst: 60,
    every: Duration::SECOND,
};

/// Pages that look for links which somebody may have meant: thirty, then one every two seconds. Beyond that
/// they come without.
const LOOK_UPS: Budget = Budget {
    burst: 30,
    every: Duration::seconds(2),
};

/// Who has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(UserId),
    Address(IpAddr),
}

/// One kind of budget, and what everybody spent of it.
struct Kind {
    budget: Budget,
    spent: Mutex<Spent<Who>>,
}

/// The limits of this server.
pub(crate) struct Limits {
    requests: Option<Kind>,
    links: Option<Kind>,
    refused: Option<Kind>,
    look_ups: Option<Kind>,
}

/// What is left of the budget that a request was paid from: noted with the request, for its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    limit: i32,
    left: Left,
}

impl Kind {
    /// `None` for 0.
    fn of(burst: u32, within: Duration) -> Option<Self> {
        let burst = i32::try_from(burst).ok().filter(|burst| *burst > 0)?;
        let every = within / burst;
        Some(Self::with(Budget { burst, every }))
    }

    fn with(budget: Budget) -> Self {
        Self {
            budget,
            spent: Mutex::default(),
        }
    }

    fn spent(&self) -> MutexGuard<'_, Spent<Who>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, who: Who, amount: i32, now: OffsetDateTime) -> Result<Quota, (Quota, Duration)> {
        let mut spent = self.spent();
        let limit = self.budget.burst;
        match spent.take(who, self.budget, amount, now) {
            Ok(left) => Ok(Quota { limit, left }),
            Err(wait) => {
                let left = spent.left(&who, self.budget, now);
                Err((Quota { limit, left }, wait))
            }
        }
    }
}

impl Limits {
    pub(crate) fn new(settings: LimitSettings) -> Self {
        let requests = Kind::of(settings.requests_per_minute, Duration::MINUTE);
        Self {
            refused: requests.is_some().then(|| Kind::with(REFUSED)),
            look_ups: requests.is_some().then(|| Kind::with(LOOK_UPS)),
            requests,
            links: Kind::of(settings.links_per_hour, Duration::HOUR),
        }
    }
}

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
    let message = "too much was sent from this address that is not accepted";
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
            "at most {} at once: more are never let through here",
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

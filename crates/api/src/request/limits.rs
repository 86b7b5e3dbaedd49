//! Limits of requests to the API and of created links.
//!
//! A signed-in caller has one budget, whichever token or session they use; others have one per IP
//! address (per /64 network for IPv6). The operator has no limits. Each server keeps its budgets in
//! memory: with n servers, every caller has n budgets. Redirects and open routes are never limited.
//! A valid credential is limited by the budget of its user alone; rejected ones are charged to the
//! IP address.
//!
//! Responses say what is left (`RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`, as in
//! draft-ietf-httpapi-ratelimit-headers-03).

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::{Duration, OffsetDateTime};
use waypost_core::UserId;

use crate::request::budget::{Budget, Budgets, Remaining};
use crate::request::large_bodies::LargeBodies;
use crate::request::trials::Trials;
use crate::settings::LimitSettings;

/// Rejected credentials per IP address: 60, then 1 per second. Beyond the limit, valid credentials
/// are accepted all the same ([`Trials`]).
const REFUSED: Budget = Budget {
    burst: 60,
    every: Duration::SECOND,
};

/// Look-ups of similar codes for error pages: 30, then 1 every two seconds. Beyond the limit, pages
/// have no such suggestions.
const LOOK_UPS: Budget = Budget {
    burst: 30,
    every: Duration::seconds(2),
};

/// The owner of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Who {
    User(UserId),
    Address(IpAddr),
}

/// A kind of budget, and the budgets of all callers.
pub(super) struct Kind {
    pub(super) budget: Budget,
    spent: Mutex<Budgets<Who>>,
}

/// The limits of this server.
pub(crate) struct Limits {
    pub(super) requests: Option<Kind>,
    pub(super) links: Option<Kind>,
    pub(super) refused: Option<Kind>,
    pub(super) look_ups: Option<Kind>,
    pub(super) trials: Trials,
    pub(crate) large_bodies: LargeBodies,
}

/// What is left of the budget that a request was charged to; stored in the request for its
/// response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quota {
    pub(super) limit: i32,
    pub(super) left: Remaining,
}

impl Kind {
    /// Creates a kind of budget; `None` for 0, which means no limit.
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

    pub(super) fn spent(&self) -> MutexGuard<'_, Budgets<Who>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(
        &self,
        who: Who,
        amount: i32,
        now: OffsetDateTime,
    ) -> Result<Quota, (Quota, Duration)> {
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
            trials: Trials::default(),
            large_bodies: LargeBodies::default(),
        }
    }
}

//! Large bodies that are being received or processed: each takes its length in memory, and a slow
//! client could keep many of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::Duration;
use waypost_core::UserId;

use crate::errors::ApiError;

/// Maximum number of large bodies at a time.
const ALL: usize = 16;
/// Maximum number of large bodies of a user at a time.
const OF_USER: usize = 4;

/// The large bodies of this server.
#[derive(Default)]
pub(crate) struct LargeBodies(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: usize,
    users: HashMap<UserId, usize>,
}

/// The place of a large body, which is free again when this is dropped.
pub(crate) struct LargeBody<'a> {
    bodies: &'a LargeBodies,
    user: Option<UserId>,
}

impl LargeBodies {
    /// Takes a place; `user` is `None` for the operator.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if the user or the server has no place left.
    pub(crate) fn take(&self, user: Option<UserId>) -> Result<LargeBody<'_>, ApiError> {
        let mut taken = self.taken();
        let of_user = user.and_then(|user| taken.users.get(&user)).copied();
        if taken.all >= ALL || of_user >= Some(OF_USER) {
            let what = "too many large requests at the same time";
            return Err(ApiError::too_many_requests(what, Duration::SECOND));
        }
        taken.all += 1;
        if let Some(user) = user {
            *taken.users.entry(user).or_default() += 1;
        }
        Ok(LargeBody { bodies: self, user })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LargeBody<'_> {
    fn drop(&mut self) {
        let mut taken = self.bodies.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(user) = self.user
            && let Some(count) = taken.users.get_mut(&user)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.users.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::SeededRandom;

    use super::*;

    #[test]
    fn a_user_has_some_of_the_places_and_all_are_bounded() {
        let random = SeededRandom::new(7);
        let user = || UserId::new(datetime!(2026-03-01 12:00 UTC), &random);
        let (ada, bob) = (user(), user());
        let bodies = LargeBodies::default();
        let mut of_ada: Vec<_> = (0..OF_USER)
            .map(|_| bodies.take(Some(ada)).unwrap())
            .collect();
        assert!(bodies.take(Some(ada)).is_err());
        let _of_bob = bodies.take(Some(bob)).unwrap();
        of_ada.pop();
        of_ada.push(bodies.take(Some(ada)).unwrap());
        let others: Vec<_> = (OF_USER + 1..ALL)
            .map(|_| bodies.take(None).unwrap())
            .collect();
        assert!(bodies.take(None).is_err() && bodies.take(Some(bob)).is_err());
        drop((of_ada, others));
        assert!(bodies.taken().users.len() == 1 && bodies.taken().all == 1);
    }
}

//! Sessions of browsers after sign-in, and the secret that creates the first admin.
//!
//! A session expires when it is not used for some time, and at the latest some months after the
//! sign-in. It can also be signed out.

use time::{Duration, OffsetDateTime};

use crate::secret::secret;
use crate::{SessionId, UserAgent, UserId};

secret! {
    /// The secret of a session: `wps_` and 43 digits of base 62. Only the session cookie contains
    /// it. [`std::fmt::Debug`] does not show it.
    SessionSecret("wps_"),
    /// The SHA-256 of the secret of a session, which is stored, looked up, and written to the
    /// journal with clicks.
    SessionHash
}

secret! {
    /// The secret of a set-up link, with which anyone can create the first admin: `wpi_` and 43
    /// digits of base 62. [`std::fmt::Debug`] does not show it.
    SetupSecret("wpi_"),
    /// The SHA-256 of the secret of a set-up link, which is stored and looked up.
    SetupHash
}

/// A session of a signed-in user, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its ID.
    pub id: SessionId,
    /// The user who signed in.
    pub user_id: UserId,
    /// When the user signed in, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When it was last used, to some minutes ([`SessionLifetime::EXTEND_AFTER`]).
    pub last_used_at: OffsetDateTime,
    /// When it expires, unless use extends it.
    pub expires_at: OffsetDateTime,
    /// When it was signed out; `None` if it was not.
    pub ended_at: Option<OffsetDateTime>,
    /// The user agent of the browser at sign-in.
    pub user_agent: Option<UserAgent>,
}

impl Session {
    /// Whether the session is valid at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// The lifetime of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetime {
    idle: Duration,
}

impl SessionLifetime {
    /// Minimum and maximum in days.
    pub const DAYS: std::ops::RangeInclusive<u16> = 1..=365;
    /// Maximum age of a session, however much it is used, unless the configured lifetime without
    /// use is longer.
    pub const MAX_AGE: Duration = Duration::days(90);
    /// Minimum time between two updates of the last use and the expiry of a session, so that not
    /// every request writes to the database.
    pub const EXTEND_AFTER: Duration = Duration::minutes(5);

    /// Creates a lifetime of `days` without use. Returns `None` outside [`SessionLifetime::DAYS`].
    #[must_use]
    pub fn of_days(days: u16) -> Option<Self> {
        let idle = Duration::days(days.into());
        Self::DAYS.contains(&days).then_some(Self { idle })
    }

    /// Returns when a session expires that was created at `created_at` and last used at `used_at`.
    #[must_use]
    pub fn expires_at(self, created_at: OffsetDateTime, used_at: OffsetDateTime) -> OffsetDateTime {
        let longest = created_at.saturating_add(Self::MAX_AGE.max(self.idle));
        used_at.saturating_add(self.idle).min(longest)
    }

    /// Returns the new expiry of a session that is used at `now`. Returns `None` if the last update
    /// is recent, or the expiry would not change.
    #[must_use]
    pub fn extended(self, session: &Session, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let expires_at = self.expires_at(session.created_at, now);
        let is_due = now - session.last_used_at >= Self::EXTEND_AFTER;
        (is_due && expires_at > session.expires_at).then_some(expires_at)
    }
}

impl Default for SessionLifetime {
    /// 14 days.
    fn default() -> Self {
        Self {
            idle: Duration::days(14),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::SeededRandom;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn session() -> Session {
        let random = SeededRandom::new(1);
        Session {
            id: SessionId::new(START, &random),
            user_id: UserId::new(START, &random),
            created_at: START,
            last_used_at: START,
            expires_at: START + Duration::days(14),
            ended_at: None,
            user_agent: None,
        }
    }

    #[test]
    fn a_session_is_valid_until_it_expires_or_is_ended() {
        let session = session();
        assert!(session.is_valid_at(START));
        assert!(!session.is_valid_at(session.expires_at));
        let ended = Session {
            ended_at: Some(START + Duration::HOUR),
            ..session
        };
        assert!(
            !ended.is_valid_at(START),
            "whatever the clocks of two nodes"
        );
    }

    #[test]
    fn use_makes_a_session_last_longer_and_not_for_ever() {
        let lifetime = SessionLifetime::default();
        let session = session();
        assert_eq!(lifetime.extended(&session, START), None);
        let soon = START + SessionLifetime::EXTEND_AFTER;
        assert_eq!(lifetime.extended(&session, soon - Duration::SECOND), None);
        let extended = lifetime.extended(&session, soon);
        assert_eq!(extended, Some(soon + Duration::days(14)));
        let end = START + Duration::days(90);
        assert_eq!(lifetime.expires_at(START, end - Duration::DAY), end);
        let old = Session {
            expires_at: end,
            ..session
        };
        assert_eq!(lifetime.extended(&old, end - Duration::DAY), None);
    }

    #[test]
    fn a_year_without_use_is_the_longest_that_can_be_set() {
        let year = SessionLifetime::of_days(365).unwrap();
        assert_eq!(year.expires_at(START, START), START + Duration::days(365));
        for days in [0, 366] {
            assert_eq!(SessionLifetime::of_days(days), None);
        }
    }

    #[test]
    fn each_kind_of_secret_is_known_by_its_prefix() {
        let random = SeededRandom::new(1);
        let (session, setup) = (
            SessionSecret::generate(&random),
            SetupSecret::generate(&random),
        );
        let hash = SessionHash::of_well_formed(session.reveal());
        assert_eq!(hash, Some(session.hash()));
        assert_eq!(SessionHash::of_well_formed(setup.reveal()), None);
        assert_eq!(SetupHash::of_well_formed(session.reveal()), None);
        let shown = format!("{session:?} {setup:?}");
        assert_eq!(shown, "SessionSecret(…) SetupSecret(…)");
    }
}

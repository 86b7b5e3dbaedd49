//! Sessions: what a browser is known by after somebody signed in, and the secret that makes the first
//! admin.
//!
//! A session ends when nobody uses it for a while, some months after the sign-in in any case, and when
//! somebody says so.

use time::{Duration, OffsetDateTime};

use crate::secret::secret;
use crate::{SessionId, UserAgent, UserId};

secret! {
    /// The secret of a session: `wps_` and 43 digits of base 62. It is the value of the session cookie and
    /// nowhere else; [`std::fmt::Debug`] does not show it.
    SessionSecret("wps_"),
    /// The SHA-256 of the secret of a session: what is stored, looked up, and journalled with clicks.
    SessionHash
}

secret! {
    /// The secret in a set-up link: whoever has it makes the first admin. `wpi_` and 43 digits of base 62;
    /// [`std::fmt::Debug`] does not show it.
    SetupSecret("wpi_"),
    /// The SHA-256 of the secret in a set-up link: what is stored, and looked up.
    SetupHash
}

/// Somebody signed in with a browser. The secret is no part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// Who signed in.
    pub user_id: UserId,
    /// When, UTC, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When it was last used, or up to some minutes before.
    pub last_used_at: OffsetDateTime,
    /// From when on it is not accepted, unless it is used before.
    pub expires_at: OffsetDateTime,
    /// Since when it is not accepted any more because somebody signed out or was signed out.
    pub ended_at: Option<OffsetDateTime>,
    /// What the browser called itself at the sign-in.
    pub user_agent: Option<UserAgent>,
}

impl Session {
    /// Whether it is accepted at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetime {
    idle: Duration,
}

impl SessionLifetime {
    /// The shortest and the longest, in days.
    pub const DAYS: std::ops::RangeInclusive<u16> = 1..=365;
    /// A session ends so long after the sign-in, however much it is used; later only where an unused one
    /// may last longer than that.
    pub const MAX_AGE: Duration = Duration::days(90);
    /// A session is only noted as used, and made to last longer, when the last time is so long ago: not
    /// every request is a change in the database.
    pub const EXTEND_AFTER: Duration = Duration::minutes(5);

    /// Sessions that end when they were not used for so many days. `None` outside of
    /// [`SessionLifetime::DAYS`].
    #[must_use]
    pub fn of_days(days: u16) -> Option<Self> {
        let idle = Duration::days(days.into());
        Self::DAYS.contains(&days).then_some(Self { idle })
    }

    /// When a session ends that began at `created_at` and was used at `used_at`.
    #[must_use]
    pub fn expires_at(self, created_at: OffsetDateTime, used_at: OffsetDateTime) -> OffsetDateTime {
        let longest = created_at.saturating_add(Self::MAX_AGE.max(self.idle));
        used_at.saturating_add(self.idle).min(longest)
    }

    /// Until when a session lasts that is used at `now`; `None` while it was noted as used a moment ago, or
    /// nothing makes it last longer.
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

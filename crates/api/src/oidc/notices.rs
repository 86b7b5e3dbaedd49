//! What is wrong with the provider or its settings, for the log and for admins.
//!
//! A notice goes to the log when it first occurs and at most once an hour after that: a wrong
//! setting concerns every sign-in. The page *System* shows those that have not been settled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};
use tracing::warn;
use waypost_core::Clock;

/// Minimum time between two lines about the same.
const LOGGED_EVERY: Duration = Duration::HOUR;
/// Maximum number of texts whose last line in the log is remembered. There are some ten kinds.
const MAX: usize = 32;

/// The subject of a notice, by which it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The issuer, or the document about it.
    Issuer,
    /// The setting of the groups.
    GroupsSetting,
    /// The groups of a user.
    Groups,
    /// Another claim, by its name.
    Claim(&'static str),
}

/// A notice for admins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What is the case and what to do about it.
    pub(crate) text: String,
    /// When it last occurred.
    pub(crate) last_at: OffsetDateTime,
    /// How often it occurred since the server started.
    pub(crate) times: u64,
}

#[derive(Default)]
struct Kept {
    notices: BTreeMap<Subject, Notice>,
    /// When each text was last logged, also of those that are settled.
    logged: BTreeMap<String, OffsetDateTime>,
}

/// The notices since the server started.
pub(super) struct Notices {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

impl Notices {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let kept = Mutex::default();
        Self { clock, kept }
    }

    /// Notes that something is wrong, and logs it unless the same was logged a moment ago.
    pub(super) fn note(&self, subject: Subject, text: impl Into<String>) {
        let (text, now) = (text.into(), self.clock.now());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let logged_at = kept.logged.get(&text);
        if logged_at.is_none_or(|at| (now - *at).abs() >= LOGGED_EVERY) {
            warn!("OpenID Connect: {text}");
            if kept.logged.len() >= MAX {
                // A provider that names itself anew each time.
                kept.logged.clear();
            }
            kept.logged.insert(text.clone(), now);
        }
        let times = kept.notices.get(&subject).map_or(0, |known| known.times) + 1;
        let notice = Notice {
            text,
            last_at: now,
            times,
        };
        kept.notices.insert(subject, notice);
    }

    /// Removes what was noted about a subject.
    pub(super) fn settle(&self, subject: Subject) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.notices.remove(&subject);
    }

    /// Returns all notices.
    pub(super) fn list(&self) -> Vec<Notice> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.notices.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use waypost_core::ManualClock;

    use super::*;

    #[test]
    fn a_notice_is_counted_until_it_is_settled() {
        let clock = Arc::new(ManualClock::new(datetime!(2026-03-01 12:00 UTC)));
        let notices = Notices::new(clock.clone());
        for _ in 0..3 {
            notices.note(Subject::Groups, "no groups");
            clock.advance(Duration::MINUTE);
        }
        notices.note(Subject::Claim("email"), "no email");
        let [groups, email] = &notices.list()[..] else {
            panic!("{:?}", notices.list());
        };
        assert_eq!((groups.times, groups.text.as_str()), (3, "no groups"));
        assert_eq!(groups.last_at, datetime!(2026-03-01 12:02 UTC));
        assert_eq!(email.times, 1);
        notices.settle(Subject::Groups);
        assert_eq!(notices.list().len(), 1);
        // Settled and noted again: it is not logged again at once.
        let logged = notices.kept.lock().unwrap().logged.clone();
        notices.note(Subject::Groups, "no groups");
        assert_eq!(notices.kept.lock().unwrap().logged, logged);
        clock.advance(LOGGED_EVERY);
        notices.note(Subject::Groups, "no groups");
        assert_ne!(notices.kept.lock().unwrap().logged, logged);
        for number in 0..100 {
            notices.note(Subject::Issuer, format!("issuer {number}"));
        }
        assert!(notices.kept.lock().unwrap().logged.len() <= MAX);
        assert_eq!(notices.list().len(), 3);
    }
}

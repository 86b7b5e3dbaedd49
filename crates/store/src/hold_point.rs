//! Places at which a test can stop a process permanently, to check what survives `kill -9` at
//! exactly this moment.

/// In a debug build, holds the calling thread forever if the environment variable `HOLD_AT` names
/// this place, after printing `held at NAME` to standard error. `HOLD_AT` is `NAME`, or `NAME:N`
/// for the N-th time that the place is reached; it is read once. Does nothing in a release build.
#[inline]
pub fn hold_point(name: &str) {
    #[cfg(debug_assertions)]
    debug::hold_where_asked(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod debug {
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static HOLD: LazyLock<Option<Hold>> =
        LazyLock::new(|| std::env::var("HOLD_AT").ok().as_deref().map(Hold::parse));

    pub(super) fn hold_where_asked(name: &str) {
        if HOLD.as_ref().is_some_and(|hold| hold.is_reached_at(name)) {
            // The thread is held even if standard error is closed.
            let _ = writeln!(std::io::stderr(), "held at {name}");
            loop {
                std::thread::park();
            }
        }
    }

    /// Where to hold.
    struct Hold {
        name: String,
        /// The number of the visit to hold at, from 1.
        nth: u64,
        reached: AtomicU64,
    }

    impl Hold {
        fn parse(text: &str) -> Self {
            let numbered = text
                .rsplit_once(':')
                .and_then(|(name, nth)| Some((name, nth.parse().ok()?)));
            let (name, nth) = numbered.unwrap_or((text, 1));
            Self {
                name: name.to_owned(),
                nth,
                reached: AtomicU64::new(0),
            }
        }

        /// Counts a visit of this place. Returns whether this is the one to hold at.
        fn is_reached_at(&self, name: &str) -> bool {
            name == self.name && self.reached.fetch_add(1, Ordering::Relaxed) + 1 == self.nth
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_holds_the_first_time_and_a_number_says_which() {
            let hold = Hold::parse("ingest.inside");
            assert!(!hold.is_reached_at("ingest.before"));
            assert!(hold.is_reached_at("ingest.inside"));
            assert!(!hold.is_reached_at("ingest.inside"));

            let hold = Hold::parse("ingest.inside:3");
            let reached = ["inside", "before", "inside", "inside", "inside"]
                .map(|place| hold.is_reached_at(&format!("ingest.{place}")));
            assert_eq!(reached, [false, false, false, true, false]);
        }
    }
}

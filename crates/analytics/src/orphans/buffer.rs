//! Requests to unknown paths that are not written yet, by visitor, and detection of scanners.
//!
//! A visitor is identified by a number that reveals nothing about them, and is forgotten a minute
//! after their last request. All collections have limits; requests beyond them are not kept.

use std::collections::HashMap;

use time::{Date, Duration, OffsetDateTime};
use waypost_core::OrphanPath;

/// Maximum number of distinct paths of a person within [`WINDOW`]. A visitor with more is a
/// scanner.
pub(super) const PATHS_OF_A_PERSON: usize = 10;
/// The time in which paths are counted, and after which a visitor without further requests is
/// forgotten.
pub(super) const WINDOW: Duration = Duration::MINUTE;
/// Maximum number of visitors.
pub(super) const MAX_VISITORS: usize = 10_000;
/// Maximum number of entries. A path that a visitor requests on a day is one entry, however often.
pub(super) const MAX_TRIES: usize = 10_000;
/// Maximum length of a user agent in bytes.
const MAX_AGENT: usize = 512;

/// A path that a visitor requested.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) day: Date,
    pub(super) path: OrphanPath,
    /// The `User-Agent` of the visitor's first request.
    pub(super) agent: Option<Box<str>>,
    pub(super) hits: u64,
    pub(super) first_at: OffsetDateTime,
    pub(super) last_at: OffsetDateTime,
}

/// The outcome of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// The request is kept.
    Kept,
    /// The request is not kept, because the visitor is a scanner. The number counts this and
    /// earlier requests that are removed.
    Scanner(u64),
    /// The request is not kept, because a limit is reached.
    Full,
}

/// The visitors and their requests.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    visitors: HashMap<u64, Visitor>,
    /// Number of entries of all visitors.
    tries: usize,
}

#[derive(Debug)]
struct Visitor {
    /// Requests within [`WINDOW`], written or not: hashes of paths, and the time of the last
    /// request.
    seen: Vec<(u64, OffsetDateTime)>,
    tries: Vec<Try>,
    last_at: OffsetDateTime,
    is_scanner: bool,
}

impl Buffer {
    /// Records that a visitor requested a path with this hash now.
    pub(super) fn note(
        &mut self,
        visitor: u64,
        (path, hash): (OrphanPath, u64),
        agent: Option<&[u8]>,
        (day, now): (Date, OffsetDateTime),
    ) -> Noted {
        if self.visitors.len() >= MAX_VISITORS && !self.visitors.contains_key(&visitor) {
            return Noted::Full;
        }
        let visitor = self.visitors.entry(visitor).or_insert_with(|| Visitor {
            seen: Vec::new(),
            tries: Vec::new(),
            last_at: now,
            is_scanner: false,
        });
        visitor.is_scanner &= now - visitor.last_at < WINDOW;
        visitor.last_at = now;
        if visitor.is_scanner {
            return Noted::Scanner(1);
        }
        visitor.seen.retain(|(_, at)| now - *at < WINDOW);
        match visitor.seen.iter_mut().find(|(seen, _)| *seen == hash) {
            Some((_, at)) => *at = now,
            None => visitor.seen.push((hash, now)),
        }
        if visitor.seen.len() > PATHS_OF_A_PERSON {
            visitor.is_scanner = true;
            visitor.seen = Vec::new();
            let dropped = std::mem::take(&mut visitor.tries);
            self.tries = self.tries.saturating_sub(dropped.len());
            let hits: u64 = dropped.iter().map(|tried| tried.hits).sum();
            return Noted::Scanner(hits.saturating_add(1));
        }
        let mut tries = visitor.tries.iter_mut();
        if let Some(tried) = tries.find(|tried| tried.day == day && tried.path == path) {
            tried.hits = tried.hits.saturating_add(1);
            tried.last_at = now;
            return Noted::Kept;
        }
        if self.tries >= MAX_TRIES {
            return Noted::Full;
        }
        self.tries += 1;
        visitor.tries.push(Try {
            day,
            path,
            agent: agent.map(text),
            hits: 1,
            first_at: now,
            last_at: now,
        });
        Noted::Kept
    }

    /// Takes all entries, and forgets visitors without requests for a minute.
    pub(super) fn take(&mut self, now: OffsetDateTime) -> Vec<Try> {
        let mut taken = Vec::with_capacity(self.tries);
        for visitor in self.visitors.values_mut() {
            taken.append(&mut visitor.tries);
        }
        self.tries = 0;
        self.visitors
            .retain(|_, visitor| now - visitor.last_at < WINDOW);
        taken
    }
}

/// Returns the beginning of a user agent as text.
fn text(agent: &[u8]) -> Box<str> {
    let beginning = agent.get(..MAX_AGENT).unwrap_or(agent);
    String::from_utf8_lossy(beginning).into()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn note(buffer: &mut Buffer, visitor: u64, path: &str, after_s: i64) -> Noted {
        let now = START + Duration::seconds(after_s);
        let hash = path
            .bytes()
            .fold(7, |hash, byte| hash * 31 + u64::from(byte));
        let path = OrphanPath::parse(path).unwrap();
        buffer.note(visitor, (path, hash), Some(b"agent"), (now.date(), now))
    }

    fn taken(buffer: &mut Buffer, after_s: i64) -> Vec<(String, u64)> {
        let mut tries: Vec<_> = buffer
            .take(START + Duration::seconds(after_s))
            .into_iter()
            .map(|tried| (tried.path.to_string(), tried.hits))
            .collect();
        tries.sort();
        tries
    }

    #[test]
    fn tries_of_a_visitor_add_up_until_they_are_taken() {
        let mut buffer = Buffer::default();
        for (path, after_s) in [("wiki", 0), ("docs", 1), ("wiki", 2)] {
            assert_eq!(note(&mut buffer, 1, path, after_s), Noted::Kept);
        }
        assert_eq!(note(&mut buffer, 2, "wiki", 3), Noted::Kept);
        let tries = buffer.take(START + Duration::seconds(3));
        let wiki = tries.iter().find(|tried| tried.hits == 2).unwrap();
        assert_eq!(wiki.path.as_str(), "wiki");
        assert_eq!(wiki.agent.as_deref(), Some("agent"));
        assert_eq!(wiki.first_at, START);
        assert_eq!(wiki.last_at, START + Duration::seconds(2));
        assert_eq!(tries.len(), 3);
        assert_eq!(taken(&mut buffer, 3), []);
    }

    #[test]
    fn who_tries_more_than_ten_paths_within_a_minute_is_a_scanner_until_they_pause() {
        let mut buffer = Buffer::default();
        assert_eq!(note(&mut buffer, 2, "wiki", 0), Noted::Kept);
        for number in 0..10 {
            let path = format!("guess-{number}");
            assert_eq!(note(&mut buffer, 1, &path, 0), Noted::Kept);
            // Repeated paths do not count again.
            assert_eq!(note(&mut buffer, 1, &path, 1), Noted::Kept);
        }
        assert_eq!(note(&mut buffer, 1, "guess-10", 2), Noted::Scanner(21));
        assert_eq!(note(&mut buffer, 1, "wiki", 61), Noted::Scanner(1));
        assert_eq!(taken(&mut buffer, 62), [("wiki".to_owned(), 1)]);
        assert_eq!(note(&mut buffer, 1, "wiki", 120), Noted::Scanner(1));
        assert_eq!(note(&mut buffer, 1, "wiki", 180), Noted::Kept);
    }

    #[test]
    fn who_tries_them_in_the_course_of_time_is_none_whether_they_are_written_or_not() {
        let mut buffer = Buffer::default();
        for number in 0..40 {
            let path = format!("word-{number}");
            assert_eq!(note(&mut buffer, 1, &path, number * 6), Noted::Kept);
        }
        // Paths that were written within the minute count.
        assert_eq!(taken(&mut buffer, 234).len(), 40);
        assert_eq!(note(&mut buffer, 1, "one", 235), Noted::Scanner(1));
    }

    #[test]
    fn what_has_no_room_is_not_kept() {
        let mut buffer = Buffer::default();
        let most = u64::try_from(MAX_VISITORS).unwrap();
        for visitor in 0..most {
            assert_eq!(note(&mut buffer, visitor, "wiki", 0), Noted::Kept);
        }
        assert_eq!(note(&mut buffer, most, "wiki", 0), Noted::Full);
        assert_eq!(note(&mut buffer, 0, "docs", 0), Noted::Full);
        assert_eq!(note(&mut buffer, 0, "wiki", 1), Noted::Kept);
        assert_eq!(taken(&mut buffer, 30).len(), MAX_TRIES);
        assert_eq!(note(&mut buffer, most, "wiki", 30), Noted::Full);
        assert_eq!(note(&mut buffer, 0, "docs", 30), Noted::Kept);
        // A minute later the paths are forgotten.
        assert_eq!(taken(&mut buffer, 61).len(), 1);
        assert_eq!(note(&mut buffer, most, "wiki", 61), Noted::Kept);
    }
}

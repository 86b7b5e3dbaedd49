//! The numbers of the change feed that have been seen. They may appear in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// How long a number is read again: a transaction that drew a smaller one has ended by then.
const LOOK_BACK: Duration = Duration::from_secs(60);
/// Maximum number of changes that are read again: otherwise, a bulk change would make every node
/// read the same rows again each second. A change that commits after more than this many later
/// numbers is left to the time to live of the cache.
pub(super) const MOST_LOOKED_BACK: u64 = 10_000;

/// The numbers seen, from a floor on.
///
/// The floor moves up when no number can appear below it any longer: over numbers without a gap
/// before them at once, over others a minute after they were first seen.
#[derive(Debug)]
pub(super) struct Window {
    floor: u64,
    /// Numbers above the floor, each with the beginning of the read that saw it first.
    seen: BTreeMap<u64, Instant>,
}

impl Window {
    /// Creates a window that has seen nothing above `floor` and ignores what is below.
    pub(super) const fn above(floor: u64) -> Self {
        Self {
            floor,
            seen: BTreeMap::new(),
        }
    }

    /// Returns the number after which to read.
    pub(super) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Returns the greatest number seen.
    pub(super) fn newest(&self) -> u64 {
        let newest = self.seen.last_key_value();
        newest.map_or(self.floor, |(number, _)| *number)
    }

    /// Records a number that a read saw, and returns whether it is new.
    pub(super) fn note(&mut self, number: u64, began: Instant) -> bool {
        let new = number > self.floor && !self.seen.contains_key(&number);
        if new {
            self.seen.insert(number, began);
        }
        new
    }

    /// Moves the floor up, after a read to the end of the feed that began at `began`: a number that
    /// was known for a minute then has no unseen numbers before it.
    pub(super) fn settle(&mut self, began: Instant) {
        let most = usize::try_from(MOST_LOOKED_BACK).unwrap_or(usize::MAX);
        while let Some(first) = self.seen.first_entry() {
            let number = *first.key();
            let next_in_line = self.floor.checked_add(1) == Some(number);
            let old = began.saturating_duration_since(*first.get()) >= LOOK_BACK;
            if !next_in_line && !old && self.seen.len() <= most {
                return;
            }
            self.seen.remove(&number);
            self.floor = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(window: &mut Window, feed: &[u64], at: Instant) -> Vec<u64> {
        let behind = window.floor();
        let read = feed.iter().filter(|number| **number > behind);
        let new = read.filter(|number| window.note(**number, at)).copied();
        let new = new.collect();
        window.settle(at);
        new
    }

    #[test]
    fn a_number_is_new_once_also_when_it_comes_after_greater_ones() {
        let start = Instant::now();
        let mut window = Window::above(10);
        assert_eq!(read(&mut window, &[9, 11, 14], start), [11, 14]);
        assert_eq!(read(&mut window, &[11, 13, 14], start), [13]);
        assert_eq!(read(&mut window, &[11, 12, 13, 14, 15], start), [12, 15]);
        assert!(read(&mut window, &[11, 12, 13, 14, 15], start).is_empty());
    }

    #[test]
    fn the_floor_passes_a_gap_after_a_minute_and_the_reading_that_ends_it() {
        let start = Instant::now();
        let mut window = Window::above(0);
        read(&mut window, &[1, 2, 4], start);
        assert_eq!(window.floor(), 2);
        read(&mut window, &[1, 2, 4], start + Duration::from_secs(59));
        assert_eq!(window.floor(), 2);
        let late = read(&mut window, &[1, 2, 3, 4], start + Duration::from_secs(90));
        assert_eq!((late, window.floor()), (vec![3], 4));
    }

    #[test]
    fn numbers_without_gaps_are_read_once() {
        let mut window = Window::above(0);
        let feed: Vec<u64> = (1..=100_000).collect();
        assert_eq!(read(&mut window, &feed, Instant::now()), feed);
        assert_eq!((window.floor(), window.seen.len()), (100_000, 0));
    }

    #[test]
    fn a_bulk_of_numbers_with_gaps_is_bounded() {
        let mut window = Window::above(0);
        let feed: Vec<u64> = (1..=100_000).map(|number| number * 3).collect();
        assert_eq!(read(&mut window, &feed, Instant::now()), feed);
        assert_eq!(window.floor(), 270_000);
    }

    proptest! {
        /// Each change draws its number in turn and commits up to a minute later; some never do.
        #[test]
        fn whatever_the_order_of_commits_each_change_is_seen_once(
            delays in proptest::collection::vec((0_u64..5, proptest::option::weighted(0.9, 0_u64..60)), 1..200)
        ) {
            let start = Instant::now();
            let mut drawn_at = 0;
            let mut commits = BTreeMap::new();
            for (number, (pause, delay)) in (1_u64..).zip(delays) {
                drawn_at += pause;
                if let Some(delay) = delay {
                    commits.insert(number, drawn_at + delay);
                }
            }
            let mut window = Window::above(0);
            let mut seen = Vec::new();
            for second in 0..=drawn_at + 120 {
                let committed = commits.iter().filter(|(_, at)| **at <= second);
                let feed: Vec<u64> = committed.map(|(number, _)| *number).collect();
                seen.extend(read(&mut window, &feed, start + Duration::from_secs(second)));
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, commits.keys().copied().collect::<Vec<_>>());
            prop_assert!(window.seen.is_empty());
        }
    }
}

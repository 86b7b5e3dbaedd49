//! Which versions of a link are kept: a link that is changed all the time must not fill the disk.
//!
//! The newest [`VERSIONS_KEPT`], the first one, and of the others the last of each day (UTC). Each
//! change drops what it pushes out of the newest ones, and at most [`VERSIONS_THINNED`] versions that
//! were written before this rule.

use time::OffsetDateTime;

/// Number of the newest versions of a link that are all kept.
pub const VERSIONS_KEPT: u32 = 100;
/// Maximum number of versions that a change examines, which bounds its work.
pub const VERSIONS_THINNED: u32 = 100;

/// Returns the number of the newest version that need not be kept, when the link has this many; the
/// version after it decides whether it was the last of its day.
#[must_use]
pub const fn newest_thinned(version: u32) -> Option<u32> {
    match version.checked_sub(VERSIONS_KEPT) {
        None | Some(0 | 1) => None,
        number => number,
    }
}

/// Returns the versions that are dropped: those with a later version on the same day, except the
/// first. `versions` are some versions with their times, newest first; the first of them is kept.
#[must_use]
pub fn superseded(versions: &[(u32, OffsetDateTime)]) -> Vec<u32> {
    let pairs = versions.windows(2);
    pairs
        .filter_map(|pair| match pair {
            [(_, newer), (number, at)] => {
                let day = |at: &OffsetDateTime| at.to_offset(time::UtcOffset::UTC).date();
                (*number > 1 && day(newer) == day(at)).then_some(*number)
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_last_version_of_each_day_and_the_first_of_all_are_kept() {
        let versions = [
            (9, datetime!(2026-03-03 00:00 UTC)),
            (8, datetime!(2026-03-02 23:59 UTC)),
            (6, datetime!(2026-03-02 12:00 UTC)),
            (5, datetime!(2026-03-03 00:30 +1)),
            (3, datetime!(2026-03-01 09:00 UTC)),
            (2, datetime!(2026-03-01 08:00 UTC)),
            (1, datetime!(2026-03-01 07:00 UTC)),
        ];
        assert_eq!(superseded(&versions), [6, 5, 2]);
        assert_eq!(superseded(&versions[..1]), [0; 0]);
        assert_eq!(superseded(&[]), [0; 0]);
    }

    #[test]
    fn the_newest_versions_are_not_thinned() {
        assert_eq!(newest_thinned(1), None);
        assert_eq!(newest_thinned(101), None);
        assert_eq!(newest_thinned(102), Some(2));
        assert_eq!(newest_thinned(250), Some(150));
    }
}

//! The protocol holds in every order of all possible events within a size, and the search finds
//! each injected fault.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "test code: it fails by panicking"
)]

use waypost_histories::model::{Action, Broken, Fault, Sizes, search};

/// Returns the sizes of the long form (`WAYPOST_TEST_PROTOCOL=long`), or of the short one.
fn long_or_short(long: Sizes, short: Sizes) -> Sizes {
    match std::env::var("WAYPOST_TEST_PROTOCOL").as_deref() {
        Ok("long") => long,
        _ => short,
    }
}

fn holds(what: &str, sizes: &Sizes) {
    let found = search(sizes);
    println!("{what}: {} states", found.states);
    if let Some((history, broken)) = found.counterexample {
        panic!("{what}: {broken:?} after {history:#?}");
    }
}

/// Returns the invariant that breaks after the shortest history, and that history.
fn breaks(what: &str, sizes: &Sizes) -> (Broken, Vec<Action>) {
    let found = search(sizes);
    let Some((history, broken)) = found.counterexample else {
        panic!("{what}: nothing was found in {} states", found.states);
    };
    println!(
        "{what}: {broken:?} among {} states, after {} actions: {history:?}",
        found.states,
        history.len()
    );
    (broken, history)
}

#[test]
fn copies_are_told_apart() {
    let short = Sizes {
        clicks: 2,
        crashes: 1,
        losses: 1,
        copies: 1,
        ..Sizes::QUIET
    };
    let long = Sizes { clicks: 3, ..short };
    holds("copies", &long_or_short(long, short));
}

#[test]
fn a_copy_of_a_copy_is_told_apart() {
    let short = Sizes {
        clicks: 1,
        copies: 2,
        ..Sizes::QUIET
    };
    let long = Sizes { clicks: 2, ..short };
    holds("copies of copies", &long_or_short(long, short));
}

#[test]
fn what_is_forgotten_is_stored_again_or_counted_as_lost() {
    let short = Sizes {
        clicks: 2,
        crashes: 1,
        losses: 1,
        set_backs: 1,
        releases: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        clicks: 3,
        crashes: 2,
        losses: 2,
        set_backs: 2,
        ..short
    };
    holds("set-backs", &long_or_short(long, short));
}

#[test]
fn copies_and_set_backs_may_come_together() {
    let short = Sizes {
        clicks: 2,
        copies: 1,
        crashes: 1,
        set_backs: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        losses: 1,
        releases: 1,
        ..short
    };
    holds("copies and set-backs", &long_or_short(long, short));
}

#[test]
fn copies_are_told_apart_after_their_rows_are_purged() {
    let short = Sizes {
        clicks: 2,
        crashes: 1,
        copies: 1,
        purges: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        clicks: 3,
        losses: 1,
        ..short
    };
    holds("copies and purges", &long_or_short(long, short));
}

/// The limit of the guarantee: a journal that met clicks of another one does not record which of
/// its clicks those were.
#[test]
fn rows_may_not_be_purged_while_a_copy_that_stored_some_of_them_has_others_pending() {
    let sizes = Sizes {
        clicks: 2,
        crashes: 1,
        copies: 1,
        purges: 1,
        purges_after_duplicates: true,
        ..Sizes::QUIET
    };
    let (broken, _) = breaks("copies and purges after duplicates", &sizes);
    assert_eq!(broken, Broken::Doubled);
}

#[test]
fn copies_of_copies_are_told_apart_after_their_rows_are_purged() {
    let short = Sizes {
        clicks: 1,
        copies: 2,
        purges: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        clicks: 2,
        crashes: 1,
        ..short
    };
    holds("copies of copies, and purges", &long_or_short(long, short));
}

#[test]
fn what_is_deleted_outlives_the_power() {
    let short = Sizes {
        clicks: 3,
        crashes: 1,
        losses: 1,
        releases: 2,
        power_failures: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        losses: 2,
        power_failures: 2,
        ..short
    };
    holds("power failures", &long_or_short(long, short));
}

/// Without IDs, copies alone and restored backups alone do no harm.
#[test]
fn without_rows_copies_are_told_apart() {
    let short = Sizes {
        keeps_rows: false,
        clicks: 2,
        crashes: 1,
        losses: 1,
        copies: 1,
        releases: 1,
        ..Sizes::QUIET
    };
    let long = Sizes { clicks: 3, ..short };
    holds("copies without rows", &long_or_short(long, short));
}

#[test]
fn without_rows_what_is_forgotten_is_stored_again_or_counted_as_lost() {
    let short = Sizes {
        keeps_rows: false,
        clicks: 2,
        crashes: 1,
        losses: 1,
        set_backs: 1,
        releases: 1,
        ..Sizes::QUIET
    };
    let long = Sizes {
        clicks: 3,
        losses: 2,
        set_backs: 2,
        ..short
    };
    holds("set-backs without rows", &long_or_short(long, short));
}

/// The limit of the guarantee: a click that a copy has stored cannot be distinguished from one that
/// was never stored.
#[test]
fn without_rows_a_database_may_not_be_set_back_to_before_a_copy() {
    let both = Sizes {
        keeps_rows: false,
        clicks: 2,
        copies: 1,
        losses: 1,
        set_backs: 1,
        ..Sizes::QUIET
    };
    let (broken, _) = breaks("both without rows", &both);
    assert_eq!(broken, Broken::Missing);
    // Restoring a state in which each directory had its own ID is allowed.
    let apart = Sizes {
        backs_up_apart: true,
        crashes: 1,
        ..both
    };
    holds("both without rows, apart", &apart);
}

/// Asserts that a fault is found within these sizes, with this broken invariant.
fn fault(fault: Fault, sizes: Sizes, expected: Broken) {
    let faulty = Sizes {
        fault: Some(fault),
        ..sizes
    };
    let (broken, history) = breaks(&format!("{fault:?}"), &faulty);
    assert_eq!(broken, expected, "{history:?}");
}

const COPIES: Sizes = Sizes {
    clicks: 2,
    copies: 1,
    ..Sizes::QUIET
};
const SET_BACKS: Sizes = Sizes {
    clicks: 2,
    losses: 1,
    set_backs: 1,
    releases: 1,
    ..Sizes::QUIET
};

#[test]
fn the_search_finds_a_batch_that_counts_as_committed_by_its_position_alone() {
    fault(Fault::PositionAlone, COPIES, Broken::Missing);
    fault(Fault::PreparedIsSent, COPIES, Broken::Missing);
}

#[test]
fn the_search_finds_a_process_that_does_not_go_back() {
    fault(Fault::NoRewind, SET_BACKS, Broken::Renamed);
}

#[test]
fn the_search_finds_a_copy_that_keeps_its_id() {
    fault(Fault::CopyKeepsId, COPIES, Broken::Ahead);
}

#[test]
fn the_search_finds_clicks_that_are_stored_without_looking_for_their_ids() {
    fault(Fault::NoIds, COPIES, Broken::Doubled);
}

#[test]
fn the_search_finds_positions_of_other_journals_that_nobody_asks_for() {
    let purged = Sizes {
        purges: 1,
        crashes: 1,
        ..COPIES
    };
    fault(Fault::RelativesAreIgnored, purged, Broken::Doubled);
}

#[test]
fn the_search_finds_segments_that_are_deleted_before_they_are_durable() {
    let power = Sizes {
        clicks: 2,
        releases: 1,
        power_failures: 1,
        ..Sizes::QUIET
    };
    fault(Fault::DeletedBeforeDurable, power, Broken::Lost);
}

#[test]
fn the_search_finds_clicks_that_are_gone_and_not_counted_as_lost() {
    let copies = Sizes {
        copies: 1,
        ..SET_BACKS
    };
    fault(Fault::MissingIsNotLost, copies, Broken::Missing);
}

#[test]
fn the_search_finds_an_owner_that_is_forgotten() {
    fault(Fault::TriedIsForgotten, SET_BACKS, Broken::Renamed);
}

#[test]
fn the_search_finds_a_late_batch_that_is_taken_for_that_of_another_process() {
    let without_rows = Sizes {
        keeps_rows: false,
        ..SET_BACKS
    };
    fault(Fault::LateIsForeign, without_rows, Broken::Renamed);
}

//! Many histories, on all cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use waypost_analytics::Privacy;

use crate::{Kind, Mishaps, history};

/// Number of histories of all tests together, in `make test`.
pub const HISTORIES: u64 = 1_200;
/// From this number on, progress is reported.
const MANY: u64 = 5_000;
/// Maximum number of failures before the search stops.
const ENOUGH: usize = 20;

/// Runs the histories of the seeds from 0: `number` of [`HISTORIES`], or the same share of the
/// number in `WAYPOST_TEST_HISTORIES`. If `WAYPOST_TEST_SEED` is set, runs only that one. `may`
/// returns the mishaps of the history of a seed.
///
/// # Panics
/// When one of them fails, after printing its events.
pub fn search(name: &str, number: u64, kind: Kind, privacy: Privacy, may: fn(u64) -> Mishaps) {
    let all = asked("WAYPOST_TEST_HISTORIES").unwrap_or(HISTORIES);
    let seed = asked("WAYPOST_TEST_SEED");
    let number = seed.map_or((all * number).div_ceil(HISTORIES), |_| 1);
    let first = seed.unwrap_or(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + number || failed.lock().unwrap().len() >= ENOUGH {
                        return;
                    }
                    if number >= MANY && seed.is_multiple_of(number / 20) {
                        let seconds = begun.elapsed().as_secs();
                        println!("{name}: {} of {number} in {seconds} s", seed - first);
                    }
                    let happen = || run(seed, kind, privacy, may(seed));
                    if catch_unwind(AssertUnwindSafe(happen)).is_err() {
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{name}: {number} histories in {:?}", begun.elapsed());
    assert!(failed.is_empty(), "{name}: the seeds {failed:?} fail");
}

fn run(seed: u64, kind: Kind, privacy: Privacy, may: Mishaps) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(history(seed, kind, privacy, may));
}

fn asked(variable: &str) -> Option<u64> {
    let asked = std::env::var(variable).ok();
    asked.map(|number| number.parse().expect("a number"))
}

//! The sustained load: the highest rate at which clicks are stored as fast as they arrive.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::drain::drain;
use super::visit::{Visited, Visits};
use super::{Bench, progress};
use crate::Result;
use crate::load::Report;
use crate::options::Measurement;
use crate::subject::Subject;

const FIRST_RATE: f64 = 2_000.0;
/// More than any server reaches on one core.
const HIGHEST_RATE: f64 = 512_000.0;
const PROBE_S: f64 = 10.0;
const CONFIRMATION_S: f64 = 60.0;
/// The ratio of the lowest failing and the highest passing rate at which the search ends.
const CLOSE: f64 = 1.1;
/// Factor by which a rate is lowered that holds for seconds but not for a minute, and the number of
/// such steps.
const STEP_DOWN: f64 = 0.93;
const STEPS_DOWN: u32 = 5;
/// Tolerated variation of pending clicks, in seconds of clicks, because of batches.
const MARGIN_S: f64 = 0.25;
/// Requests pile up if half of them wait longer than this. A short disturbance of the machine does
/// not count.
const LONGEST_WAIT_US: f64 = 50_000.0;

/// The highest rate that holds.
#[derive(Debug, Serialize)]
pub(crate) struct Sustained {
    pub(crate) subject: Subject,
    /// `None` if not even the lowest rate did.
    pub(crate) held: Option<Held>,
}

/// A rate at which nothing piles up.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) rate: f64,
    pub(crate) probe: Probe,
}

/// A load at a fixed rate.
#[derive(Debug, Serialize)]
pub(crate) struct Probe {
    /// Clicks pending after a third of the time and at its end.
    pub(crate) pending: [f64; 2],
    /// At its end.
    pub(crate) lag_s: f64,
    pub(crate) load: Report,
}

/// The verdict on a load at a fixed rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Holds,
    /// More clicks are pending than before.
    ClicksPileUp,
    /// Requests wait for the server.
    RequestsPileUp,
}

impl Probe {
    fn verdict(&self, rate: f64) -> Verdict {
        let [third, end] = self.pending;
        if self.load.p50_us > LONGEST_WAIT_US || self.load.refused() > 0 {
            Verdict::RequestsPileUp
        } else if end > third + rate * MARGIN_S {
            Verdict::ClicksPileUp
        } else {
            Verdict::Holds
        }
    }
}

/// Runs the measurement.
///
/// # Errors
/// When something does not start or ends too early.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<Sustained>> {
    let mut all = Vec::new();
    for (database, durability, subject) in bench.subjects(Measurement::Sustained) {
        let visited = Visited::waypost(bench, database, durability).await?;
        let held = search(&visited, subject).await?;
        all.push(Sustained { subject, held });
    }
    Ok(all)
}

async fn search(visited: &Visited<'_>, subject: Subject) -> Result<Option<Held>> {
    let mut search = Search::new();
    while let Some(rate) = search.next() {
        let probe = probe(visited, rate, PROBE_S).await?;
        search.learn(rate, announce(subject, rate, &probe));
    }
    let mut rate = search.good;
    for _ in 0..=STEPS_DOWN {
        if rate < FIRST_RATE / 2.0 {
            break;
        }
        let probe = probe(visited, rate, CONFIRMATION_S).await?;
        if announce(subject, rate, &probe) {
            return Ok(Some(Held { rate, probe }));
        }
        rate *= STEP_DOWN;
    }
    Ok(None)
}

/// Prints the verdict on a load; returns whether the rate holds.
fn announce(subject: Subject, rate: f64, probe: &Probe) -> bool {
    let [third, end] = probe.pending;
    let verdict = probe.verdict(rate);
    let text = match verdict {
        Verdict::Holds => "holds",
        Verdict::ClicksPileUp => "clicks pile up",
        Verdict::RequestsPileUp => "requests pile up",
    };
    progress(&format!(
        "sustained: {subject}: {rate:.0} redirects/s for {:.0} s: pending {third:.0}, then {end:.0}: {text}",
        probe.load.elapsed_s
    ));
    verdict == Verdict::Holds
}

/// Doubling, then bisecting.
#[derive(Debug)]
struct Search {
    /// The highest rate known to hold; 0 if none.
    good: f64,
    /// The lowest rate known to fail.
    bad: f64,
}

impl Search {
    fn new() -> Self {
        Self {
            good: 0.0,
            bad: f64::INFINITY,
        }
    }

    /// Returns the next rate to try; `None` at the end of the search.
    fn next(&self) -> Option<f64> {
        let next = match (self.good > 0.0, self.bad.is_finite()) {
            (false, false) => FIRST_RATE,
            (true, false) => self.good * 2.0,
            // Geometric: the ratio counts.
            (true, true) if self.bad / self.good > CLOSE => (self.good * self.bad).sqrt(),
            (true, true) => return None,
            (false, true) => self.bad / 2.0,
        };
        (FIRST_RATE / 16.0..=HIGHEST_RATE)
            .contains(&next)
            .then_some(next)
    }

    fn learn(&mut self, rate: f64, holds: bool) {
        if holds {
            self.good = rate;
        } else {
            self.bad = rate;
        }
    }
}

/// Visits at a fixed rate, and waits until everything is stored.
async fn probe(visited: &Visited<'_>, rate: f64, seconds: f64) -> Result<Probe> {
    let load = visited.visit(Visits {
        rate: Some(rate),
        warm_up_s: 1.0,
        seconds,
        requests: None,
    })?;
    let begin = Instant::now();
    let mut pending = [0.0; 2];
    let mut lag_s = 0.0;
    // The second one while the load is still running.
    for (slot, at) in pending.iter_mut().zip([seconds / 3.0, seconds - 0.2]) {
        let at = begin + Duration::from_secs_f64(at);
        tokio::time::sleep_until(at.into()).await;
        let clicks = visited.scraper.clicks().await?;
        *slot = clicks.pending.unwrap_or_default();
        lag_s = clicks.lag_s.unwrap_or_default();
    }
    let load = load.finish()?;
    drain(&visited.scraper).await?;
    Ok(Probe {
        pending,
        lag_s,
        load,
    })
}

#[cfg(test)]
mod tests {
    use super::{CLOSE, FIRST_RATE, Search};

    fn found(limit: f64) -> (f64, u32) {
        let mut search = Search::new();
        let mut probes = 0;
        while let Some(rate) = search.next() {
            search.learn(rate, rate <= limit);
            probes += 1;
        }
        (search.good, probes)
    }

    #[test]
    fn the_search_comes_close_in_few_probes() {
        for limit in [300.0, 2_000.0, 35_000.0, 110_000.0] {
            let (rate, probes) = found(limit);
            assert!(rate <= limit && rate * CLOSE >= limit, "{rate} of {limit}");
            assert!(probes <= 12, "{probes} probes for {limit}");
        }
    }

    #[test]
    fn the_search_ends_whatever_it_finds() {
        assert!(found(f64::INFINITY).0 > 100.0 * FIRST_RATE);
        assert_eq!(found(0.0).0, 0.0);
    }
}

//! The burst: as fast as the server can, and the pending clicks afterwards.

use serde::Serialize;

use super::drain::{Counted, Drained, drain};
use super::visit::{Visited, Visits, WARM_UP_S};
use super::{Bench, progress};
use crate::Result;
use crate::load::{Report, float};
use crate::options::Measurement;
use crate::subject::Subject;

/// All rounds of a subject.
#[derive(Debug, Serialize)]
pub(crate) struct Burst {
    pub(crate) subject: Subject,
    pub(crate) rounds: Vec<BurstRound>,
}

/// One round of a subject.
#[derive(Debug, Serialize)]
pub(crate) struct BurstRound {
    pub(crate) load: Report,
    /// Redirects per second, divided by those of the ceiling in the same round.
    pub(crate) rate_of_ceiling: f64,
    /// CPU time per redirect, divided by that of the ceiling in the same round.
    pub(crate) cpu_of_ceiling: f64,
    /// For a server with a journal.
    pub(crate) drained: Option<Drained>,
    /// CPU time of the server for a click from the request to its record, in µs; for Waypost.
    pub(crate) cpu_us_per_stored: Option<f64>,
    /// For Waypost.
    pub(crate) counted: Option<Counted>,
}

/// Round 1 of every subject, then round 2, …: a temporary slowdown of the machine does not affect
/// only one of them.
///
/// # Errors
/// When something does not start or ends too early.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<Burst>> {
    let mut ceiling = Burst::of(Subject::Ceiling);
    let mut others: Vec<_> = bench
        .subjects(Measurement::Burst)
        .map(|(database, durability, subject)| (database, durability, Burst::of(subject)))
        .collect();
    let visits = Visits {
        rate: None,
        warm_up_s: WARM_UP_S,
        seconds: f64::from(bench.options.seconds),
        requests: None,
    };
    for round in 1..=bench.options.rounds {
        let visited = Visited::ceiling(bench)?;
        let top = visited.visit(visits)?.finish()?;
        drop(visited);
        announce(round, Subject::Ceiling, &top);
        for (database, durability, burst) in &mut others {
            let visited = Visited::waypost(bench, database, *durability).await?;
            let before = visited.cpu.read()?;
            let load = visited.visit(visits)?.finish()?;
            let drained = drain(&visited.scraper).await?;
            let cpu = visited.cpu.read()? - before;
            let counted = Counted::of(database, &visited.scraper, &bench.codes, &load).await?;
            announce(round, burst.subject, &load);
            burst.rounds.push(BurstRound {
                rate_of_ceiling: load.rate() / top.rate(),
                cpu_of_ceiling: load.cpu_us() / top.cpu_us(),
                drained,
                cpu_us_per_stored: Some(cpu.as_secs_f64() * 1e6 / float(counted.stored)),
                counted: Some(counted),
                load,
            });
        }
        ceiling.rounds.push(BurstRound {
            load: top,
            rate_of_ceiling: 1.0,
            cpu_of_ceiling: 1.0,
            drained: None,
            cpu_us_per_stored: None,
            counted: None,
        });
    }
    let others = others.into_iter().map(|(_, _, burst)| burst);
    Ok(std::iter::once(ceiling).chain(others).collect())
}

impl Burst {
    fn of(subject: Subject) -> Self {
        Self {
            subject,
            rounds: Vec::new(),
        }
    }
}

fn announce(round: u32, subject: Subject, load: &Report) {
    let (rate, cpu) = (load.rate(), load.cpu_us());
    progress(&format!(
        "burst, round {round}: {subject}: {rate:.0} redirects/s, {cpu:.2} µs CPU each"
    ));
}

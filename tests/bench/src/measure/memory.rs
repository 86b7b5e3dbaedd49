//! Memory before and after a million redirects.

use serde::Serialize;

use super::drain::drain;
use super::visit::{Visited, Visits};
use super::{Bench, progress};
use crate::Result;
use crate::options::Measurement;
use crate::process::Memory;
use crate::subject::Subject;

const REDIRECTS: u64 = 1_000_000;
/// A slow server gets fewer redirects.
const LONGEST_S: f64 = 60.0;
/// Requests for each link before the measurement, which fill the cache.
const VISITS_BEFORE: u64 = 5;
const LONGEST_BEFORE_S: f64 = 15.0;

/// The memory of a server.
#[derive(Debug, Serialize)]
pub(crate) struct MemoryUse {
    pub(crate) subject: Subject,
    /// When the links are cached.
    pub(crate) before: Memory,
    /// At the end of the load.
    pub(crate) loaded: Memory,
    /// When all clicks are stored.
    pub(crate) after: Memory,
    pub(crate) redirects: u64,
}

/// Runs the measurement.
///
/// # Errors
/// When something does not start or ends too early.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<MemoryUse>> {
    let mut all = Vec::new();
    for (database, durability, subject) in bench.subjects(Measurement::Memory) {
        progress(&format!("memory: {subject}"));
        let visited = Visited::waypost(bench, database, durability).await?;
        let visit = |requests, seconds| {
            let visits = Visits {
                rate: None,
                warm_up_s: 0.0,
                seconds,
                requests: Some(requests),
            };
            visited.visit(visits)?.finish()
        };
        visit(
            VISITS_BEFORE * u64::from(bench.options.links),
            LONGEST_BEFORE_S,
        )?;
        drain(&visited.scraper).await?;
        let before = visited.memory()?;
        let load = visit(REDIRECTS, LONGEST_S)?;
        let loaded = visited.memory()?;
        drain(&visited.scraper).await?;
        all.push(MemoryUse {
            subject,
            before,
            loaded,
            after: visited.memory()?,
            redirects: load.redirects,
        });
    }
    Ok(all)
}

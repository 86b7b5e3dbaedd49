//! A server that is visited.

use crate::load::{Job, Load};
use crate::metrics::Scraper;
use crate::options::Durability;
use crate::process::{CpuClock, Memory};
use crate::subject::Running;
use crate::{Result, database::LinkDatabase};

use super::Bench;

/// Seconds before the measured time, in which the links are loaded into the cache.
pub(super) const WARM_UP_S: f64 = 1.0;

/// How a server is visited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visits {
    pub(super) rate: Option<f64>,
    pub(super) warm_up_s: f64,
    pub(super) seconds: f64,
    pub(super) requests: Option<u64>,
}

/// A server, and the data read from it while it runs.
pub(super) struct Visited<'a> {
    bench: &'a Bench,
    pub(super) running: Running,
    pub(super) cpu: CpuClock,
    pub(super) scraper: Scraper,
}

impl<'a> Visited<'a> {
    /// Starts the ceiling.
    pub(super) fn ceiling(bench: &'a Bench) -> Result<Self> {
        Self::of(bench, Running::ceiling(bench.cores.server)?)
    }

    /// Starts Waypost on a database without clicks.
    pub(super) async fn waypost(
        bench: &'a Bench,
        database: &LinkDatabase,
        durability: Durability,
    ) -> Result<Self> {
        database.forget_clicks().await;
        let running = Running::waypost(bench.cores.server, &database.database, durability)?;
        Self::of(bench, running)
    }

    fn of(bench: &'a Bench, running: Running) -> Result<Self> {
        Ok(Self {
            bench,
            cpu: CpuClock::of(running.pid())?,
            scraper: Scraper::of(running.port())?,
            running,
        })
    }

    /// Starts to visit it; the measured time begins when this returns.
    pub(super) fn visit(&self, visits: Visits) -> Result<Load> {
        let job = Job {
            port: self.running.port(),
            server_pid: self.running.pid(),
            connections: self.bench.options.connections,
            codes: self.bench.codes.clone(),
            rate: visits.rate,
            warm_up_s: visits.warm_up_s,
            seconds: visits.seconds,
            requests: visits.requests,
        };
        Load::start(self.bench.cores.load, &job)
    }

    pub(super) fn memory(&self) -> Result<Memory> {
        Memory::of(self.running.pid())
    }
}

//! Storing clicks alone: batches through the port of Waypost's stores, compared with bare inserts
//! of the same rows.
//!
//! Both run in this process, on the server's core; a database server has its own cores.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use waypost_core::{Click, JournalId, JournalOwner, SystemRandom};
use waypost_store::{ClickBatch, Dropped, Ingested, JournalClaim, KeptRecords};
use waypost_store_diesel::{Database as Waypost, DatabaseSettings};

use super::{Bench, progress};
use crate::bare::{Bare, Row};
use crate::database::LinkDatabase;
use crate::load::float;
use crate::options::Database;
use crate::process::CpuClock;
use crate::{Result, clicks, cores};

/// The batch of a server with little to do, and that of a server that catches up.
const BATCHES: [u32; 2] = [500, 8_000];
/// A multiple of both.
const CLICKS: u32 = 80_000;

/// All rounds of a database and a size of batches.
#[derive(Debug, Serialize)]
pub(crate) struct Ingest {
    pub(crate) database: Database,
    /// How the bare rows are inserted.
    pub(crate) bare: &'static str,
    /// Clicks per batch.
    pub(crate) batch: u32,
    pub(crate) rounds: Vec<IngestRound>,
}

/// The same clicks, stored in two ways.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct IngestRound {
    pub(crate) stored: Speed,
    pub(crate) bare: Speed,
}

/// A rate and its cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Speed {
    /// Clicks per second.
    pub(crate) per_s: f64,
    /// CPU time of this process per click, including that of an embedded database.
    pub(crate) cpu_us: f64,
}

/// Runs the measurement.
///
/// # Errors
/// When a database rejects a statement.
pub(super) async fn measure(bench: &Bench) -> Result<Vec<Ingest>> {
    let clicks = clicks::make(CLICKS, &bench.visited);
    let mut all: Vec<_> = bench
        .databases
        .iter()
        .flat_map(|database| BATCHES.map(|batch| (database, Ingest::of(database.which, batch))))
        .collect();
    for round in 1..=bench.options.rounds {
        for (database, ingest) in &mut all {
            let batches: Vec<_> = clicks.chunks(usize::try_from(ingest.batch)?).collect();
            database.forget_clicks().await;
            let stored = on_core(bench.cores.server, || store(database, &batches))?;
            database.forget_clicks().await;
            let bare = on_core(bench.cores.server, || insert(database, &batches))?;
            progress(&format!(
                "ingest, round {round}: {}, batches of {}: {:.0} clicks/s; bare {:.0}/s",
                database.which.kind(),
                ingest.batch,
                stored.per_s,
                bare.per_s
            ));
            ingest.rounds.push(IngestRound { stored, bare });
        }
    }
    Ok(all.into_iter().map(|(_, ingest)| ingest).collect())
}

impl Ingest {
    fn of(database: Database, batch: u32) -> Self {
        Self {
            database,
            bare: Bare::name(database),
            batch,
            rounds: Vec::new(),
        }
    }
}

/// Stores through the port.
async fn store(database: &LinkDatabase, batches: &[&[Click]]) -> Result<Speed> {
    let waypost = Waypost::connect(&DatabaseSettings::for_url(database.database.url())?).await?;
    let store = waypost.store();
    let journal = JournalId::new(clicks::BEGIN, &SystemRandom);
    let owner = JournalOwner::new(clicks::BEGIN, &SystemRandom);
    let claim = JournalClaim::new(journal, owner, 0, clicks::BEGIN);
    store.take_journal(&claim).await?;
    let mut start = 0;
    let batches: Vec<_> = batches
        .iter()
        .map(|clicks| {
            let batch = ClickBatch {
                journal,
                owner,
                start,
                clicks: clicks.to_vec(),
                dropped: Dropped::default(),
                duplicates: 0,
                // The default.
                records: KeptRecords::UpTo(100_000),
            };
            start = batch.end();
            Arc::new(batch)
        })
        .collect();
    let watch = Watch::start()?;
    for batch in batches {
        match store.ingest(Arc::clone(&batch), clicks::BEGIN).await? {
            Ingested::Settled(recorded) if recorded.link_gone == 0 => {}
            other => return Err(format!("a batch was not stored: {other:?}").into()),
        }
    }
    let speed = watch.stop()?;
    waypost.close();
    Ok(speed)
}

/// Inserts without Waypost.
async fn insert(database: &LinkDatabase, batches: &[&[Click]]) -> Result<Speed> {
    let mut bare = Bare::connect(database.which, &database.database).await?;
    let batches: Vec<Vec<_>> = batches
        .iter()
        .map(|clicks| clicks.iter().map(Row::of).collect())
        .collect();
    let watch = Watch::start()?;
    for batch in &batches {
        bare.insert(batch).await?;
    }
    watch.stop()
}

/// Runs a future on a thread and a runtime of its own, so that all threads it needs stay on the
/// core.
fn on_core<F>(core: usize, future: impl FnOnce() -> F + Send) -> Result<Speed>
where
    F: Future<Output = Result<Speed>>,
{
    let block = || -> Result<Speed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(future())
    };
    let run = || cores::on(core, block)?;
    // Errors of this program cannot be sent between threads.
    let text = || run().map_err(|error| error.to_string());
    let joined = thread::scope(|scope| scope.spawn(text).join());
    Ok(joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
}

/// Measures time and CPU time.
struct Watch {
    begin: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Result<Self> {
        Ok(Self {
            cpu: CpuClock::own().read()?,
            begin: Instant::now(),
        })
    }

    fn stop(self) -> Result<Speed> {
        let elapsed = self.begin.elapsed();
        let cpu = CpuClock::own().read()? - self.cpu;
        let clicks = float(u64::from(CLICKS));
        Ok(Speed {
            per_s: clicks / elapsed.as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6 / clicks,
        })
    }
}

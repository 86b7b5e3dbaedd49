//! A run: the measurements, their subjects and their order.

mod burst;
mod drain;
mod ingest;
mod memory;
mod sustained;
mod visit;

use serde::Serialize;
use waypost_test_harness::binary;

use crate::cores::Cores;
use crate::database::{Description, LinkDatabase};
use crate::machine::Machine;
use crate::options::{Durability, Measurement, Options};
use crate::report;
use crate::subject::{self, Subject};
use crate::{Result, links};

pub(crate) use burst::Burst;
pub(crate) use ingest::Ingest;
pub(crate) use memory::MemoryUse;
pub(crate) use sustained::Sustained;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) options: Options,
    pub(crate) databases: Vec<Description>,
    pub(crate) burst: Vec<Burst>,
    pub(crate) sustained: Vec<Sustained>,
    pub(crate) memory: Vec<MemoryUse>,
    pub(crate) ingest: Vec<Ingest>,
}

/// The data shared by the measurements.
struct Bench {
    options: Options,
    cores: Cores,
    durabilities: Vec<Durability>,
    databases: Vec<LinkDatabase>,
    /// The numbers of the visited links, and their codes.
    visited: Vec<u32>,
    codes: Vec<String>,
}

/// Measures and prints the results.
///
/// # Errors
/// When something does not start or ends too early.
pub(crate) fn run(options: &Options) -> Result<()> {
    options.check()?;
    let cores = Cores::divide()?;
    let machine = Machine::look(cores.clone());
    progress("building the optimised programs");
    binary("server");
    cores.leave_to_others()?;
    // Nothing here is concurrent, so blocking is harmless.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let results = runtime.block_on(measure(options, cores, machine))?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        println!("{}", report::render(&results));
    }
    Ok(())
}

async fn measure(options: &Options, cores: Cores, machine: Machine) -> Result<Results> {
    let durabilities = if subject::has_durabilities()? {
        options.durabilities.clone()
    } else {
        progress("this server has no WAYPOST_CLICK_DURABILITY: it awaits a transaction per click");
        vec![Durability::Awaited]
    };
    let stored = options.stored_links();
    let mut databases = Vec::new();
    for which in &options.databases {
        progress(&format!("creating {stored} links in {}", which.kind()));
        databases.push(LinkDatabase::with_links(*which, stored).await);
    }
    let visited = links::visited(options.links, stored);
    let bench = Bench {
        options: options.clone(),
        cores,
        durabilities,
        databases,
        codes: visited.iter().map(|number| links::code(*number)).collect(),
        visited,
    };
    let mut results = Results {
        machine,
        options: options.clone(),
        databases: Vec::new(),
        burst: Vec::new(),
        sustained: Vec::new(),
        memory: Vec::new(),
        ingest: Vec::new(),
    };
    for database in &bench.databases {
        results.databases.push(database.describe().await);
    }
    if options.measures(Measurement::Burst) {
        results.burst = burst::measure(&bench).await?;
    }
    if options.measures(Measurement::Memory) {
        results.memory = memory::measure(&bench).await?;
    }
    if options.measures(Measurement::Ingest) {
        results.ingest = ingest::measure(&bench).await?;
    }
    if options.measures(Measurement::Sustained) {
        results.sustained = sustained::measure(&bench).await?;
    }
    Ok(results)
}

impl Bench {
    /// Returns Waypost with each database and durability; a long measurement is only done for the
    /// first durability, unless requested.
    fn subjects(
        &self,
        measurement: Measurement,
    ) -> impl Iterator<Item = (&LinkDatabase, Durability, Subject)> {
        let count = match measurement {
            Measurement::Sustained | Measurement::Memory
                if !self.options.measures_all(measurement) =>
            {
                1
            }
            _ => usize::MAX,
        };
        self.databases.iter().flat_map(move |database| {
            let durabilities = self.durabilities.iter().take(count);
            durabilities.map(move |durability| {
                let subject = Subject::Waypost {
                    database: database.which,
                    durability: *durability,
                };
                (database, *durability, subject)
            })
        })
    }
}

/// Prints progress to standard error.
fn progress(text: &str) {
    eprintln!("{text}");
}

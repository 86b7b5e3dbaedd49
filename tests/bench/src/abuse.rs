//! `bench abuse`: whether abusive clients slow down the redirects of all others.
//!
//! Redirects come at a fixed rate, and their latency is measured without a disturbance and with
//! each disturbance in turn, on a server of its own each time. The table shows the 99th percentile,
//! and its ratio to that of the same round without a disturbance.

mod clients;
mod disturber;
mod watch;

use std::fmt::Write as _;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};
use waypost_test_harness::{ServerOptions, ServerProcess, binary};

use self::disturber::{Disturber, Done};
use self::watch::{Seen, Watch, Watching};
use crate::cores::Cores;
use crate::database::LinkDatabase;
use crate::load::{Job, Load, Report, float};
use crate::machine::Machine;
use crate::options::{Database, Durability};
use crate::statistics::median_of;
use crate::subject::WORKERS;
use crate::{Result, cores, links};

pub(crate) use self::disturber::{Disturbance, run as disturb};

/// Seconds before the measured time, in which the links are loaded into the cache.
const WARM_UP_S: f64 = 1.0;

/// What is measured.
#[derive(Args, Debug, Clone, Serialize)]
pub(crate) struct AbuseOptions {
    /// Disturbances, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["idle", "slow", "sign-ins", "spread-sign-ins", "tokens", "silent", "unread"])]
    pub(crate) disturbances: Vec<Disturbance>,
    /// Rounds; medians are shown
    #[arg(long, default_value_t = 5, value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Seconds of a measurement
    #[arg(long, default_value_t = 20, value_parser = RangedU64ValueParser::<u32>::new().range(1..=3_600))]
    pub(crate) seconds: u32,
    /// Redirects per second
    #[arg(long, default_value_t = 2_000, value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000_000))]
    pub(crate) rate: u32,
    /// Keep-alive connections of the visitors
    #[arg(long, default_value_t = 64, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub(crate) connections: u32,
    /// Links to visit, in random order
    #[arg(long, default_value_t = 1_000, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000_000))]
    pub(crate) links: u32,
    /// Print one JSON document with all rounds instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// The results.
#[derive(Debug, Serialize)]
struct Results {
    machine: Machine,
    options: AbuseOptions,
    measured: Vec<Measured>,
}

/// All rounds with a disturbance, or without one.
#[derive(Debug, Serialize)]
struct Measured {
    disturbance: Option<Disturbance>,
    rounds: Vec<Round>,
}

#[derive(Debug, Serialize)]
struct Round {
    load: Report,
    /// The 99th percentile, divided by that of the same round without a disturbance.
    p99_of_undisturbed: f64,
    /// What the disturbing clients did.
    done: Option<Done>,
    /// What their connections cost, if they hold them.
    seen: Option<Seen>,
}

/// Measures and prints the results.
///
/// # Errors
/// When something does not start or ends too early.
pub(crate) fn run(options: &AbuseOptions) -> Result<()> {
    let cores = Cores::divide()?;
    let machine = Machine::look(cores.clone());
    binary("server");
    cores.leave_to_others()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let results = Results {
        machine,
        options: options.clone(),
        measured: runtime.block_on(measure(options, &cores))?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        println!("{}", table(&results));
    }
    Ok(())
}

/// Round 1 of each, then round 2, …: a temporary slowdown of the machine does not affect only one
/// of them.
async fn measure(options: &AbuseOptions, cores: &Cores) -> Result<Vec<Measured>> {
    let database = LinkDatabase::with_links(Database::Sqlite, options.links).await;
    let disturbances = options.disturbances.iter().copied().map(Some);
    let mut all: Vec<Measured> = std::iter::once(None)
        .chain(disturbances)
        .map(|disturbance| Measured {
            disturbance,
            rounds: Vec::new(),
        })
        .collect();
    for round in 1..=options.rounds {
        let mut undisturbed = f64::NAN;
        for measured in &mut all {
            database.forget_clicks().await;
            let visited = visit(options, cores, &database, measured.disturbance)?;
            let (load, done, seen) = visited;
            if measured.disturbance.is_none() {
                undisturbed = load.p99_us;
            }
            eprintln!(
                "round {round}: {}: p99 {:.0} µs",
                name(measured.disturbance),
                load.p99_us
            );
            measured.rounds.push(Round {
                p99_of_undisturbed: load.p99_us / undisturbed,
                load,
                done,
                seen,
            });
        }
    }
    Ok(all)
}

/// Measures redirects of a new server during a disturbance.
fn visit(
    options: &AbuseOptions,
    cores: &Cores,
    database: &LinkDatabase,
    disturbance: Option<Disturbance>,
) -> Result<(Report, Option<Done>, Option<Seen>)> {
    let server_options = ServerOptions::new()
        .env("WAYPOST_WORKERS", WORKERS.to_string())
        .env("WAYPOST_CLICK_DURABILITY", Durability::Journal.name())
        // Clients that pretend to have many addresses set them in a header.
        .env("WAYPOST_RATE_LIMIT_API", "600")
        // All connections that are held are those of one address, and are taken.
        .env("WAYPOST_MAX_CONNECTIONS", "15000")
        .env("WAYPOST_MAX_CONNECTIONS_PER_ADDRESS", "0")
        .env("WAYPOST_TRUSTED_PROXIES", "127.0.0.1");
    let server = cores::on(cores.server, || {
        ServerProcess::try_start(&database.database, server_options)
    })??;
    let holds = disturbance.is_some_and(Disturbance::holds);
    let watch = holds.then(|| Watch::before(&server)).transpose()?;
    let start = |disturbance| Disturber::start(server.port(), disturbance);
    let disturber = disturbance.map(start).transpose()?;
    let watch = watch.map(Watch::begin);
    let job = Job {
        port: server.port(),
        server_pid: server.pid(),
        connections: options.connections,
        codes: (0..options.links).map(links::code).collect(),
        rate: Some(float(options.rate.into())),
        warm_up_s: WARM_UP_S,
        seconds: float(options.seconds.into()),
        requests: None,
    };
    let load = Load::start(cores.load, &job)?.finish()?;
    let seen = watch.map(Watching::end).transpose()?;
    let done = disturber.map(Disturber::stop).transpose()?;
    Ok((load, done, seen))
}

fn name(disturbance: Option<Disturbance>) -> &'static str {
    disturbance.map_or("none", Disturbance::name)
}

fn table(results: &Results) -> String {
    let (options, machine) = (&results.options, &results.machine);
    let mut rows = Builder::default();
    let mut answered = String::new();
    rows.push_record([
        "disturbance",
        "redirects/s",
        "p50 µs",
        "p99 µs",
        "of undisturbed",
        "server",
        "errors",
    ]);
    for measured in &results.measured {
        let rounds = &measured.rounds;
        let median = |value: fn(&Round) -> f64, decimals: usize| {
            let median = median_of(rounds, |round| Some(value(round)));
            format!("{:.decimals$}", median.unwrap_or(f64::NAN))
        };
        let errors: u64 = rounds
            .iter()
            // A connection that broke without a request was never used: at a low rate not all are
            // needed, and the server closes the others.
            .map(|round| round.load.refused() + round.load.unanswered)
            .sum();
        if let Some(done) = rounds.last().and_then(|round| round.done.as_ref()) {
            let name = name(measured.disturbance);
            // Writing to a string does not fail.
            let _ = write!(answered, "\n- {name}: {}", done.summary());
        }
        if let Some(disturbance) = measured.disturbance.filter(|one| one.holds()) {
            let connections = float(disturbance.connections() as u64);
            let kib = |bytes: u64| float(bytes) / connections / 1_024.0;
            let all = rounds.iter().filter_map(|round| round.seen);
            let memory = all.clone().map(|seen| seen.memory).max().unwrap_or(0);
            let kernel = all.clone().map(|seen| seen.kernel).max().unwrap_or(0);
            let freed = all.map(|seen| seen.freed_after_s.unwrap_or(f64::INFINITY));
            // Writing to a string does not fail.
            let _ = write!(
                answered,
                "; each costs the server {:.1} KiB, and the kernel {:.1} KiB at both ends; closed \
                 after {:.1} s (the worst of all rounds)",
                kib(memory),
                kib(kernel),
                freed.fold(0.0, f64::max),
            );
        }
        rows.push_record([
            name(measured.disturbance).to_owned(),
            median(|round| round.load.rate(), 0),
            median(|round| round.load.p50_us, 0),
            median(|round| round.load.p99_us, 0),
            median(|round| round.p99_of_undisturbed, 2),
            median(
                |round| 100.0 * round.load.server_cpu_s / round.load.elapsed_s,
                0,
            ) + " %",
            errors.to_string(),
        ]);
    }
    let mut table = rows.build();
    table.with(Style::markdown());
    table.modify(Columns::new(1..), Alignment::right());
    format!(
        "## Abuse: {} redirects/s for {} s, medians of {} rounds, SQLite, journal\n\n\
         - {}, {}, {} cores, commit {}\n\
         - server: core {}, 1 worker; load: core {}; disturbing clients: cores {:?}\n\n{table}\n\n\
         Responses to the disturbing clients in the last round:\n{answered}",
        options.rate,
        options.seconds,
        options.rounds,
        machine.kernel,
        machine.cpu,
        machine.cores,
        machine.commit,
        machine.divided.server,
        machine.divided.load,
        machine.divided.rest,
    )
}

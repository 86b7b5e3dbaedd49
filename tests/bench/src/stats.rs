//! `bench stats`: how long the statistics of a link take, with few clicks and with many in the
//! database; what it costs to store clicks when the table is large; and how a purge affects
//! redirects.
//!
//! Each size has a database of its own, whose clicks are spread over the same number of days, so
//! that equal amounts are read. One link has a tenth of all clicks: its statistics are requested.
//! Clicks are stored through the port of Waypost's stores, as its servers store them.

mod ask;
mod data;
mod purge;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};
use waypost_test_harness::{DatabaseServer, binary};

use self::ask::Asked;
use self::data::{Data, Stored};
use self::purge::Purged;
use crate::Result;
use crate::cores::Cores;
use crate::machine::Machine;
use crate::options::Database;

/// What is measured.
#[derive(Args, Debug, Clone, Serialize)]
pub(crate) struct StatsOptions {
    /// Databases, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "mariadb"])]
    pub(crate) databases: Vec<Database>,
    /// Numbers of clicks, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000], value_parser = RangedU64ValueParser::<u32>::new().range(10_000..=100_000_000))]
    pub(crate) clicks: Vec<u32>,
    /// Links in the database
    #[arg(long, default_value_t = 10_000, value_parser = RangedU64ValueParser::<u32>::new().range(10..=1_000_000))]
    pub(crate) links: u32,
    /// Days over which the clicks are spread
    #[arg(long, default_value_t = 365, value_parser = RangedU64ValueParser::<u32>::new().range(1..=3_650))]
    pub(crate) days: u32,
    /// Requests of each kind
    #[arg(long, default_value_t = 60, value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub(crate) requests: u32,
    /// Purge the oldest tenth of the largest number of clicks while redirects run
    #[arg(long, overrides_with = "no_purge")]
    pub(crate) purge: bool,
    /// Do not purge
    #[arg(long)]
    pub(crate) no_purge: bool,
    /// Only store: no requests and no purge
    #[arg(long)]
    pub(crate) only_storing: bool,
    /// Redirects per second during a purge
    #[arg(long, default_value_t = 1_000, value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub(crate) rate: u32,
    /// Memory of the database server for pages, in MB (not for SQLite)
    #[arg(long, default_value_t = 512, value_parser = RangedU64ValueParser::<u32>::new().range(8..=65_536))]
    pub(crate) database_cache_mb: u32,
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

/// The results for one database of one size.
#[derive(Debug, Serialize)]
struct Measured {
    database: Database,
    clicks: u32,
    stored: Stored,
    asked: Vec<Asked>,
    purged: Option<Purged>,
}

#[derive(Debug, Serialize)]
struct Results {
    machine: Machine,
    options: StatsOptions,
    measured: Vec<Measured>,
}

/// Measures and prints the results.
///
/// # Errors
/// What went wrong, and what to do about it.
pub(crate) fn run(options: &StatsOptions) -> Result<()> {
    let cores = Cores::divide()?;
    let machine = Machine::look(cores.clone());
    DatabaseServer::with_cache(options.database_cache_mb);
    binary("server");
    binary("linkctl");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut measured = Vec::new();
    let largest = options.clicks.iter().max().copied();
    for database in &options.databases {
        for clicks in &options.clicks {
            let is_largest = largest == Some(*clicks);
            let purges = is_largest && !options.no_purge && !options.only_storing;
            measured.push(runtime.block_on(measure(*database, *clicks, purges, options, &cores))?);
        }
    }
    let results = Results {
        machine,
        options: options.clone(),
        measured,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        println!("{}", report(&results));
    }
    Ok(())
}

async fn measure(
    which: Database,
    clicks: u32,
    purges: bool,
    options: &StatsOptions,
    cores: &Cores,
) -> Result<Measured> {
    eprintln!("{}: storing {clicks} clicks …", which.kind());
    let mut data = Data::of(clicks, options);
    let database = crate::database::LinkDatabase::with_links(which, options.links).await;
    let stored = data.store(&database).await?;
    eprintln!(
        "{:>8.0} clicks/s at the end, bare {:.0}/s; {:.0} bytes per link and day",
        stored.at_the_end, stored.bare, stored.link_day_bytes
    );
    let asked = if options.only_storing {
        Vec::new()
    } else {
        ask::measure(&data, &database, options).await?
    };
    let purged = if purges {
        Some(purge::measure(&data, &database, options, cores).await?)
    } else {
        None
    };
    Ok(Measured {
        database: which,
        clicks,
        stored,
        asked,
        purged,
    })
}

fn report(results: &Results) -> String {
    let (options, machine) = (&results.options, &results.machine);
    let mut times = Builder::default();
    times.push_record([
        "request",
        "database",
        "clicks",
        "median ms",
        "95 % ms",
        "of the smallest",
    ]);
    let mut storing = Builder::default();
    storing.push_record([
        "database",
        "clicks",
        "stored/s",
        "at the end",
        "bare",
        "of bare",
        "bytes per link-day",
        "link-days",
    ]);
    let mut purges = Builder::default();
    purges.push_record([
        "database",
        "rows",
        "rows/s",
        "p99 µs",
        "undisturbed",
        "ratio",
        "lost or rejected",
    ]);
    for measured in &results.measured {
        let database = measured.database.kind().to_string();
        let smallest = results
            .measured
            .iter()
            .find(|other| other.database == measured.database);
        for (place, asked) in measured.asked.iter().enumerate() {
            let least = smallest.map_or(f64::NAN, |smallest| smallest.asked[place].median_ms);
            times.push_record([
                asked.name.to_owned(),
                database.clone(),
                measured.clicks.to_string(),
                format!("{:.2}", asked.median_ms),
                format!("{:.2}", asked.p95_ms),
                format!("{:.2}", asked.median_ms / least),
            ]);
        }
        let stored = &measured.stored;
        storing.push_record([
            database.clone(),
            measured.clicks.to_string(),
            format!("{:.0}", stored.all),
            format!("{:.0}", stored.at_the_end),
            format!("{:.0}", stored.bare),
            format!("{:.2}", stored.at_the_end / stored.bare),
            format!("{:.0}", stored.link_day_bytes),
            stored.link_days.to_string(),
        ]);
        if let Some(purged) = &measured.purged {
            purges.push_record([
                database,
                purged.rows.to_string(),
                format!("{:.0}", purged.per_s),
                format!("{:.0}", purged.during.p99_us),
                format!("{:.0}", purged.before.p99_us),
                format!("{:.2}", purged.during.p99_us / purged.before.p99_us),
                (purged.during.refused() + purged.during.unanswered).to_string(),
            ]);
        }
    }
    let table = |rows: Builder, from: usize| {
        let mut table = rows.build();
        table.with(Style::markdown());
        table.modify(Columns::new(from..), Alignment::right());
        table.to_string()
    };
    format!(
        "## Statistics: {} links, {} days, one link with a tenth of the clicks, {} requests each\n\n\
         - {}, {}, {} cores, commit {}; {} MB of cache for a database server\n\n{}\n\n\
         ## Storing in batches of {}, the last {} clicks beside bare inserts into the same table\n\n{}\n\n\
         ## Purging the oldest tenth at {} redirects/s\n\n{}",
        options.links,
        options.days,
        options.requests,
        machine.kernel,
        machine.cpu,
        machine.cores,
        machine.commit,
        options.database_cache_mb,
        table(times, 2),
        data::BATCH,
        data::MEASURED,
        table(storing, 1),
        options.rate,
        table(purges, 1),
    )
}

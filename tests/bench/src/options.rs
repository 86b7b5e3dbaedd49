//! The options of a run.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use waypost_test_harness::Kind;

use crate::abuse::AbuseOptions;
use crate::api::ApiOptions;
use crate::stats::StatsOptions;

/// Measures the cost of a redirect, compared with a bare actix-web server that only redirects.
///
/// Needs two cores, one of them for the server alone. Prints Markdown tables to standard output and
/// progress to standard error. Asserts no speed.
#[derive(Parser, Debug)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Another task of this program; it starts itself in the unlisted ones.
#[derive(Subcommand, Debug, Clone)]
pub(crate) enum Role {
    /// Measure the lists of the REST API and the pages instead
    Api(ApiOptions),
    /// Measure statistics of many clicks, storing and purging them instead
    Stats(StatsOptions),
    /// Measure redirects under abuse instead
    Abuse(AbuseOptions),
    /// The server that only redirects.
    #[command(hide = true)]
    Ceiling,
    /// The load.
    #[command(hide = true)]
    Load,
    /// The disturbing clients.
    #[command(hide = true)]
    Disturb,
}

/// The measurements of a run, and their length.
#[derive(Args, Debug, Clone, Serialize)]
pub(crate) struct Options {
    /// Databases, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "mariadb"])]
    pub(crate) databases: Vec<Database>,
    /// Values of `WAYPOST_CLICK_DURABILITY`, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["journal", "commit", "memory"])]
    pub(crate) durabilities: Vec<Durability>,
    /// Rounds of the burst; medians are shown
    #[arg(long, default_value_t = 5, value_parser = between::<u32>(1, 1_000))]
    pub(crate) rounds: u32,
    /// Seconds of a burst
    #[arg(long, default_value_t = 10, value_parser = between::<u32>(1, 3_600))]
    pub(crate) seconds: u32,
    /// Keep-alive connections of the load
    #[arg(long, default_value_t = 64, value_parser = between::<u32>(1, 10_000))]
    pub(crate) connections: u32,
    /// Links to visit, in random order
    #[arg(long, default_value_t = 1_000, value_parser = between::<u32>(1, 10_000_000))]
    pub(crate) links: u32,
    /// Links in the database [default: as many as are visited]
    #[arg(long, value_parser = between::<u32>(1, 10_000_000))]
    pub(crate) stored_links: Option<u32>,
    /// Search the highest sustained rate for every durability, not only for the first
    #[arg(long, overrides_with = "no_sustained")]
    pub(crate) sustained: bool,
    /// Do not search the highest sustained rate, which takes minutes
    #[arg(long)]
    pub(crate) no_sustained: bool,
    /// Print one JSON document with all rounds instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Do only one measurement, for every durability
    #[arg(long, value_enum)]
    pub(crate) only: Option<Measurement>,
}

/// The measurements of a run.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Measurement {
    /// As fast as the server can
    Burst,
    /// The highest rate at which nothing piles up
    Sustained,
    /// Memory before and after a million redirects
    Memory,
    /// Storing batches of clicks, beside bare inserts of the same rows
    Ingest,
}

/// The databases, as the settings of Waypost spell them.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Database {
    Sqlite,
    Postgres,
    Mariadb,
}

impl Database {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Sqlite => Kind::Sqlite,
            Self::Postgres => Kind::Postgres,
            Self::Mariadb => Kind::MariaDb,
        }
    }
}

/// When a redirect is answered.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// After the append to the journal
    Journal,
    /// After the commit in the database
    Commit,
    /// After the click is in a queue
    Memory,
    /// After a transaction of its own, as in a server without a journal.
    #[value(skip)]
    Awaited,
}

impl Durability {
    /// As in `WAYPOST_CLICK_DURABILITY`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Commit => "commit",
            Self::Memory => "memory",
            Self::Awaited => "awaited",
        }
    }
}

impl Options {
    pub(crate) fn stored_links(&self) -> u32 {
        self.stored_links.unwrap_or(self.links)
    }

    /// Returns whether a measurement is part of the run.
    pub(crate) fn measures(&self, measurement: Measurement) -> bool {
        match self.only {
            Some(only) => only == measurement,
            None => measurement != Measurement::Sustained || self.sustained || !self.no_sustained,
        }
    }

    /// Returns whether a long measurement is done for every durability.
    pub(crate) fn measures_all(&self, measurement: Measurement) -> bool {
        self.only == Some(measurement) || (measurement == Measurement::Sustained && self.sustained)
    }

    /// Checks what clap cannot.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub(crate) fn check(&self) -> crate::Result<()> {
        if self.stored_links() < self.links {
            return Err(format!(
                "--stored-links {} is less than the {} links that are visited (--links)",
                self.stored_links(),
                self.links
            )
            .into());
        }
        if self.only == Some(Measurement::Sustained) && self.no_sustained {
            return Err("--only sustained and --no-sustained contradict each other".into());
        }
        Ok(())
    }
}

fn between<T>(least: u64, most: u64) -> RangedU64ValueParser<T>
where
    T: TryFrom<u64>,
{
    RangedU64ValueParser::new().range(least..=most)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Durability, Measurement, Options};

    fn options(arguments: &[&str]) -> Result<Options, String> {
        let arguments = ["bench"].iter().chain(arguments);
        let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
        cli.options.check().map_err(|error| error.to_string())?;
        Ok(cli.options)
    }

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let options = options(&["--durabilities", "memory,journal"]).expect("is good");
        assert_eq!(
            options.durabilities,
            [Durability::Memory, Durability::Journal]
        );
    }

    #[test]
    fn bad_options_are_refused_with_a_reason() {
        for (arguments, reason) in [
            (&["--rounds", "0"][..], "1..=1000"),
            (&["--databases", "oracle"], "sqlite, postgres, mariadb"),
            (&["--durabilities", "awaited"], "journal, commit, memory"),
            (&["--links", "9", "--stored-links", "3"], "--links"),
            (&["--only", "sustained", "--no-sustained"], "contradict"),
        ] {
            let error = options(arguments).expect_err("is bad");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_full_run_searches_the_sustained_rate_unless_told_not_to() {
        let measures = |arguments: &[&str]| {
            let options = options(arguments).expect("is good");
            let sustained = Measurement::Sustained;
            (options.measures(sustained), options.measures_all(sustained))
        };
        assert_eq!(measures(&[]), (true, false));
        assert_eq!(measures(&["--no-sustained"]), (false, false));
        assert_eq!(measures(&["--sustained"]), (true, true));
        assert_eq!(measures(&["--only", "sustained"]), (true, true));
        assert_eq!(measures(&["--only", "burst"]), (false, false));
    }
}

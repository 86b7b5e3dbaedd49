//! The tables of a run, in Markdown, at most 120 columns wide.

use std::fmt::Write as _;

use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Style};

use crate::load::float;
use crate::measure::{Burst, Ingest, MemoryUse, Results, Sustained};
use crate::process::Memory;
use crate::statistics::median_of;

/// Marks a missing value.
const NOTHING: &str = "–";

/// Number of settings that fit.
const SETTINGS_PER_LINE: usize = 3;

/// Returns the complete text.
pub(crate) fn render(results: &Results) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: String| {
        // Writing to a string does not fail.
        let _ = write!(text, "## {title}\n\n{body}\n\n");
    };
    section("Setting", setting(results));
    if !results.burst.is_empty() {
        let seconds = results.options.seconds;
        let rounds = results.options.rounds;
        let title = format!("Burst: {seconds} s as fast as possible, medians of {rounds} rounds");
        section(&title, burst(&results.burst));
        section("Storing the clicks of the burst", storing(&results.burst));
    }
    if !results.sustained.is_empty() {
        section(
            "Sustained: the highest rate at which nothing piles up in 60 s",
            sustained(&results.sustained),
        );
    }
    if !results.memory.is_empty() {
        section(
            "Memory in MiB: resident (anonymous + file + shared)",
            memory(&results.memory),
        );
    }
    if !results.ingest.is_empty() {
        let rounds = results.options.rounds;
        section(
            &format!("Ingest alone, compared with bare inserts, medians of {rounds} rounds"),
            ingest(&results.ingest),
        );
    }
    text.truncate(text.trim_end().len());
    text
}

fn setting(results: &Results) -> String {
    let (machine, options) = (&results.machine, &results.options);
    let cores = &machine.divided;
    let mut lines = vec![
        format!(
            "{}, {}, {} cores",
            machine.kernel, machine.cpu, machine.cores
        ),
        format!("commit {}", machine.commit),
        format!(
            "server: core {}, 1 worker; load: core {}, {} connections; databases: cores {:?}",
            cores.server, cores.load, options.connections, cores.rest
        ),
        format!(
            "{} links visited of {} stored",
            options.links,
            options.stored_links()
        ),
    ];
    for line in &mut lines {
        line.insert_str(0, "- ");
    }
    for database in &results.databases {
        lines.push(format!("- {} {}", database.which.kind(), database.version));
        for some in database.settings.chunks(SETTINGS_PER_LINE) {
            lines.push(format!("  {}", some.join(", ")));
        }
    }
    lines.join("\n")
}

fn burst(all: &[Burst]) -> String {
    let mut table = Table::new(&[
        "database",
        "clicks",
        "redirects/s",
        "of ceiling",
        "p50 µs",
        "p99 µs",
        "CPU µs",
        "of ceiling",
        "server",
        "load",
        "errors",
    ]);
    for burst in all {
        let rounds = &burst.rounds;
        let errors: u64 = rounds
            .iter()
            .map(|round| round.load.refused() + round.load.broken)
            .sum();
        table.row([
            burst.subject.database(),
            burst.subject.durability().to_owned(),
            number(median_of(rounds, |round| Some(round.load.rate())), 0),
            number(median_of(rounds, |round| Some(round.rate_of_ceiling)), 2),
            number(median_of(rounds, |round| Some(round.load.p50_us)), 0),
            number(median_of(rounds, |round| Some(round.load.p99_us)), 0),
            number(median_of(rounds, |round| Some(round.load.cpu_us())), 2),
            number(median_of(rounds, |round| Some(round.cpu_of_ceiling)), 2),
            percent(median_of(rounds, |round| {
                Some(round.load.server_cpu_s / round.load.elapsed_s)
            })),
            percent(median_of(rounds, |round| {
                Some(round.load.load_cpu_s / round.load.elapsed_s)
            })),
            errors.to_string(),
        ]);
    }
    format!(
        "CPU: user and system time of the server per redirect. Server, load: how much of its core each \
         used;\nwhat is at 100 % is what was measured.\n\n{}",
        table.render()
    )
}

fn storing(all: &[Burst]) -> String {
    let mut table = Table::new(&[
        "database",
        "clicks",
        "redirects",
        "pending at end",
        "lag s",
        "stored/s after",
        "CPU µs/click",
        "counted",
    ]);
    for burst in all {
        let rounds = &burst.rounds;
        let verdicts: Vec<_> = rounds
            .iter()
            .filter_map(|round| Some(round.counted.as_ref()?.verdict()))
            .collect();
        if verdicts.is_empty() {
            continue;
        }
        let counted = match verdicts.iter().find(|verdict| *verdict != "exact") {
            None => "exact".to_owned(),
            Some(verdict) => verdict.clone(),
        };
        table.row([
            burst.subject.database(),
            burst.subject.durability().to_owned(),
            number(
                median_of(rounds, |round| Some(float(round.load.total()))),
                0,
            ),
            number(median_of(rounds, |round| Some(round.drained?.pending)), 0),
            number(median_of(rounds, |round| Some(round.drained?.lag_s)), 2),
            number(median_of(rounds, |round| round.drained?.rate()), 0),
            number(median_of(rounds, |round| round.cpu_us_per_stored), 2),
            counted,
        ]);
    }
    format!(
        "CPU: of the server, from the request to the row. Counted: the totals in the database beside the\n\
         redirects that visitors got, link by link; of the rounds that differ, the first.\n\n{}",
        table.render()
    )
}

fn sustained(all: &[Sustained]) -> String {
    let mut table = Table::new(&[
        "database",
        "clicks",
        "redirects/s",
        "p50 µs",
        "p99 µs",
        "pending at 1/3, end",
        "lag s",
        "CPU µs",
        "server",
        "load",
    ]);
    for sustained in all {
        let mut row = vec![
            sustained.subject.database(),
            sustained.subject.durability().to_owned(),
        ];
        if let Some(held) = &sustained.held {
            let (probe, load) = (&held.probe, &held.probe.load);
            let [third, end] = probe.pending;
            row.extend([
                number(Some(held.rate), 0),
                number(Some(load.p50_us), 0),
                number(Some(load.p99_us), 0),
                format!("{third:.0}, {end:.0}"),
                number(Some(probe.lag_s), 2),
                number(Some(load.cpu_us()), 2),
                percent(Some(load.server_cpu_s / load.elapsed_s)),
                percent(Some(load.load_cpu_s / load.elapsed_s)),
            ]);
        } else {
            row.push(NOTHING.to_owned());
        }
        table.row(row);
    }
    format!(
        "CPU: of the server per redirect, including storing.\n\n{}",
        table.render()
    )
}

fn memory(all: &[MemoryUse]) -> String {
    let mut table = Table::new(&[
        "database",
        "clicks",
        "before",
        "redirects",
        "after them",
        "all stored",
    ]);
    for memory in all {
        table.row([
            memory.subject.database(),
            memory.subject.durability().to_owned(),
            mebibytes(memory.before),
            memory.redirects.to_string(),
            mebibytes(memory.loaded),
            mebibytes(memory.after),
        ]);
    }
    table.render()
}

fn ingest(all: &[Ingest]) -> String {
    let mut table = Table::new(&[
        "database",
        "bare insert",
        "batch",
        "stored/s",
        "bare/s",
        "of bare",
        "CPU µs",
        "bare CPU µs",
    ]);
    for ingest in all {
        let rounds = &ingest.rounds;
        table.row([
            ingest.database.kind().to_string(),
            ingest.bare.to_owned(),
            ingest.batch.to_string(),
            number(median_of(rounds, |round| Some(round.stored.per_s)), 0),
            number(median_of(rounds, |round| Some(round.bare.per_s)), 0),
            number(
                median_of(rounds, |round| Some(round.stored.per_s / round.bare.per_s)),
                2,
            ),
            number(median_of(rounds, |round| Some(round.stored.cpu_us)), 2),
            number(median_of(rounds, |round| Some(round.bare.cpu_us)), 2),
        ]);
    }
    format!(
        "Stored: rows, totals, rollup and the journal's position. Bare: the rows alone. CPU: of the\n\
         client per click.\n\n{}",
        table.render()
    )
}

/// A table whose first two columns are words, and the others numbers.
struct Table(Builder);

impl Table {
    fn new(header: &[&str]) -> Self {
        let mut builder = Builder::default();
        builder.push_record(header.iter().copied());
        Self(builder)
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push_record(cells);
    }

    fn render(self) -> String {
        let mut table = self.0.build();
        table
            .with(Style::markdown())
            .modify(Columns::new(2..), Alignment::right());
        table.to_string()
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    // A division by zero has no result.
    let value = value.filter(|value| value.is_finite());
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{value:.decimals$}"))
}

fn percent(value: Option<f64>) -> String {
    number(value.map(|value| value * 100.0), 0) + " %"
}

fn mebibytes(memory: Memory) -> String {
    let mebibytes = |bytes| float(bytes) / (1024.0 * 1024.0);
    format!(
        "{:.1} ({:.1} + {:.1} + {:.1})",
        mebibytes(memory.resident),
        mebibytes(memory.anonymous),
        mebibytes(memory.file),
        mebibytes(memory.shared)
    )
}

//! `bench`: the cost of a redirect, compared with a server that only redirects.
//!
//! It measures and prints; it asserts nothing. `make bench ARGS=--help` lists the options.
//!
//! | subject | file |
//! | --- | --- |
//! | options | `options.rs` |
//! | the measured servers | `subject.rs`, `ceiling.rs` |
//! | the load, from a process of its own | `load.rs`, `load/` |
//! | the links and the clicks in the database | `database.rs`, `links.rs`, `clicks.rs` |
//! | inserts without Waypost | `bare.rs`, `bare/` |
//! | the measurements, one file each | `measure/` |
//! | the lists of the REST API (`bench api`) | `api.rs`, `api/` |
//! | statistics of many clicks (`bench stats`) | `stats.rs`, `stats/` |
//! | redirects under abuse (`bench abuse`) | `abuse.rs`, `abuse/` |
//! | cores and resources of processes | `cores.rs`, `process.rs`, `metrics.rs` |
//! | the output | `report.rs`, `machine.rs`, `statistics.rs` |
//!
//! The program starts itself again in three more roles, as unlisted subcommands: the ceiling, the
//! load and the disturbing clients. They end when their standard input does, so they never outlive
//! it.

mod abuse;
mod api;
mod bare;
mod ceiling;
mod clicks;
mod cores;
mod database;
mod links;
mod load;
mod machine;
mod measure;
mod metrics;
mod options;
mod process;
mod report;
mod statistics;
mod stats;
mod subject;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Cli, Role};

/// An error ends the run, with a text that says what to do about it. If the harness has the text,
/// it panics with it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.role {
        Some(Role::Ceiling) => ceiling::run(),
        Some(Role::Load) => load::run(),
        Some(Role::Disturb) => abuse::disturb(),
        Some(Role::Api(options)) => api::run(&options),
        Some(Role::Abuse(options)) => abuse::run(&options),
        Some(Role::Stats(options)) => stats::run(&options),
        None => measure::run(&cli.options),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

//! `server`: Waypost as a program. It composes the crates and has no logic of its own.
//!
//! | subject | file |
//! | --- | --- |
//! | flags, made of the tables of settings | `cli.rs` |
//! | the log | `logging.rs` |
//! | the limit of open files | `open_files.rs` |
//! | putting the parts together, and taking them apart | `service.rs` |
//! | work in the background | `background.rs` |
//! | SIGTERM and SIGINT | `signals.rs` |
//! | what is printed when it listens | `banner.rs` |
//! | what goes wrong, in one line, with an exit code | `failure.rs` |
//!
//! # Exit codes
//! 0 after a stop that was asked for; 1 when it could not start or failed while running; 2 for a
//! configuration that cannot be used; 130 and 143 when a second SIGINT or SIGTERM cut the stop short,
//! or when one came before the server listened.

mod background;
mod banner;
mod cli;
mod failure;
mod logging;
mod open_files;
mod service;
mod signals;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use waypost_settings::{Flags, Settings};

use crate::failure::Failure;

/// How long work that cannot be interrupted, such as a write to an SQLite file, may hold up the end.
const RUNTIME_GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let flags = cli::parse(std::env::args_os());
    match run(&flags) {
        Ok(code) => code,
        Err(failure) => {
            // When even this cannot be written, the exit code says it.
            let _ = writeln!(std::io::stderr(), "error: {}", failure.explained());
            failure.exit_code()
        }
    }
}

fn run(flags: &Flags) -> Result<ExitCode, Failure> {
    let settings = Settings::read(flags, std::env::vars_os())?;
    logging::start(&settings.log)?;
    open_files::raise_limit(settings.http.max_connections);
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::Runtime)?;
    let ended = runtime.block_on(service::run(settings));
    runtime.shutdown_timeout(RUNTIME_GRACE);
    ended
}

//! `server`: the Waypost server. Composes the crates and has no logic of its own.
//!
//! | subject | file |
//! | --- | --- |
//! | flags, generated from the settings tables | `cli.rs` |
//! | a warning about data directories that others may enter | `data_directory.rs` |
//! | the log | `logging.rs` |
//! | the limit of open files | `open_files.rs` |
//! | starting and stopping the parts | `service.rs` |
//! | background tasks | `background.rs` |
//! | SIGTERM and SIGINT | `signals.rs` |
//! | output when the server listens | `banner.rs` |
//! | failures, with a message and an exit code | `failure.rs` |
//!
//! # Exit codes
//! 0 after a stop by signal; 1 if the server failed to start or failed while running; 2 for wrong
//! usage or an invalid configuration; 130 (SIGINT) and 143 (SIGTERM) if a second signal ended the
//! stop early, or if the signal arrived before the server listened.

mod background;
mod banner;
mod cli;
mod data_directory;
mod failure;
mod last_settings;
mod logging;
mod open_files;
mod service;
mod signals;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use waypost_settings::{Flags, Settings};

use crate::failure::Failure;

/// How long the exit waits for work that cannot be interrupted, such as a write to an SQLite file.
const RUNTIME_GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let flags = cli::parse(std::env::args_os());
    match run(&flags) {
        Ok(code) => code,
        Err(failure) => {
            // If standard error is closed, the exit code remains.
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

//! `linkctl`: manages a Waypost database from the command line.
//!
//! It reads the settings of the server (the same file and variables) and works on the database
//! through the same port, also while a server runs. Results go to standard output, everything else
//! to standard error. `cli.rs` defines the commands, `commands/` runs them, `failure.rs` defines
//! messages and exit codes of failures.

mod cli;
mod commands;
mod console;
mod database;
mod failure;
mod progress;
mod settings;

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::Cli;
use crate::console::Console;
use crate::failure::{Failure, Status};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = io::stderr().is_terminal();
    let mut output = BufWriter::new(anstream::stdout().lock());
    let mut errors = anstream::stderr();
    let ended = {
        let mut console = Console {
            output: &mut output,
            messages: &mut errors,
            answers: &mut io::stdin().lock(),
            can_ask: terminal && io::stdin().is_terminal(),
            shows_progress: terminal,
            json: cli.global.json,
        };
        let ended = work(cli, &mut console);
        // Write the output of the command before the message of its failure.
        console.flush().and(ended)
    };
    match ended {
        Ok(status) => status.into(),
        // The reader of the output closed it on purpose, as `head` does.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Status::Done.into()
        }
        Err(failure) => {
            // If standard error is closed too, only the exit code remains.
            let _ = writeln!(errors, "{}", failure.explained());
            failure.status().into()
        }
    }
}

fn work(cli: Cli, console: &mut Console<'_>) -> Result<Status, Failure> {
    let settings = settings::read(&cli.global, std::env::vars_os())?;
    // Warnings only: `WAYPOST_LOG` is a setting of the server.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
    // The SQLite backend needs a multi-threaded runtime.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?
        .block_on(commands::run(cli.command, settings, console))
}

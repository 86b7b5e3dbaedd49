//! `linkctl`: looks after Waypost's database from the command line.
//!
//! It reads the settings of the server (the same file, the same variables) and works on the
//! database through the same port; a server may run meanwhile. Results go to standard output,
//! everything else to standard error. `cli.rs` says what can be asked, `commands/` does it,
//! `failure.rs` says how it ends when it goes wrong.

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
        // What was printed before a failure is seen before its message.
        console.flush().and(ended)
    };
    match ended {
        Ok(status) => status.into(),
        // Whoever read the output has seen enough of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Status::Done.into()
        }
        Err(failure) => {
            // Nobody is left to tell when standard error is gone, too.
            let _ = writeln!(errors, "{}", failure.explained());
            failure.status().into()
        }
    }
}

fn work(cli: Cli, console: &mut Console<'_>) -> Result<Status, Failure> {
    let settings = settings::read(&cli.global, std::env::vars_os())?;
    // Only what the person who waits for the result should know; `WAYPOST_LOG` is the server's.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .init();
    // What waits for SQLite may be interrupted in a runtime of several threads alone.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?
        .block_on(commands::run(cli.command, settings, console))
}

//! The log: on standard error, as text for people or as JSON for programs.
//!
//! Lines that belong to a request carry its id, because they are written within its span.

use std::io::IsTerminal as _;

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;
use waypost_api::{LogFormat, LogSettings};

use crate::failure::Failure;

/// The HTTP library tells at level `info` what the server says better; a filter that names it is
/// stronger.
const QUIET: &str = "actix_server=warn";

/// Starts the log of the process.
///
/// # Errors
/// [`Failure::Log`] when the process has one.
pub(crate) fn start(settings: &LogSettings) -> Result<(), Failure> {
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{}", settings.filter))
        .map_err(|error| Failure::Log(error.into()))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Text => log.with_ansi(colours()).finish().try_init(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init(),
    }
    .map_err(|error| Failure::Log(error.into()))?;
    // A panic is a line of the log like any other, not a text between the lines.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let cause = text.or_else(|| payload.downcast_ref::<&str>().copied());
        error!(place, cause, "panicked");
    }));
    Ok(())
}

/// Colours only where somebody sees them and did not ask for none (<https://no-color.org>).
fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !unwanted
}

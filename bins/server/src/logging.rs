//! The log: on standard error, as text for people or as JSON for programs.
//!
//! Lines of a request carry its ID, because they are written within its span.

use std::io::IsTerminal as _;

use tracing::error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;
use waypost_api::{LogFormat, LogSettings};

use crate::failure::Failure;

/// Silences the `info` lines of the HTTP library, which repeat those of the server, and its errors,
/// which whoever sends something that is not HTTP causes: the connection layer logs them at `debug`,
/// and those of the server as errors. A filter that names the libraries takes precedence.
const QUIET: &str = "actix_server=warn,actix_http=off";

/// Installs the log of the process.
///
/// # Errors
/// [`Failure::Log`] if the process already has a log.
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
    // Write panics as lines of the log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let cause = text.or_else(|| payload.downcast_ref::<&str>().copied());
        error!(place, cause, "panicked");
    }));
    Ok(())
}

/// Whether to use colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn colours() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !unwanted
}

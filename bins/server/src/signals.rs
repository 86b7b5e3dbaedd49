//! SIGTERM and SIGINT: the first stops the server, the second exits immediately.

use std::fmt;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives the signals that stop the program. While it exists, they do not end the process by
/// themselves.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Receives SIGXFSZ, so that a write beyond the limit of `ulimit -f` fails with an error
    /// instead of ending the process.
    _file_size: Signal,
}

/// A signal that stops the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, and process supervisors.
    Terminate,
}

impl Signals {
    /// Starts to receive signals. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the operating system rejects a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

impl StopSignal {
    /// Returns the exit code of a process that this signal ended: 128 plus its number.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

//! Why the program fails: a message in one line, and an exit code.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use waypost_analytics::{CountriesError, IngesterError, JournalError};
use waypost_api::{MetricsError, OidcSetupError, ServeError};
use waypost_core::settings::Problems;
use waypost_store::StoreError;
use waypost_store_diesel::DatabaseError;

/// Why the server failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The settings are invalid.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// The log cannot be set up.
    #[error("cannot set up the log")]
    Log(#[source] Box<dyn Error + Send + Sync>),
    /// The runtime cannot be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The time of the database cannot be read.
    #[error("cannot read the time of the database")]
    Clock(#[source] StoreError),
    /// The journal of clicks cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Clicks cannot be stored.
    #[error(transparent)]
    Ingester(#[from] IngesterError),
    /// The country database cannot be used.
    #[error(transparent)]
    Countries(#[from] CountriesError),
    /// The salts of today and tomorrow cannot be loaded.
    #[error("cannot read the daily salts from the database")]
    Salts(#[source] StoreError),
    /// The set-up link cannot be created.
    #[error("cannot create a set-up link")]
    SetUp(#[source] StoreError),
    /// The metrics cannot be set up.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Sign-in with the OpenID provider cannot be set up.
    #[error(transparent)]
    Oidc(#[from] OidcSetupError),
    /// The HTTP server failed to start, or failed while running.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A background task ended by itself.
    #[error("the background task `{task}` crashed")]
    Crashed {
        /// The task.
        task: &'static str,
        /// The panic, or `None` if the task returned.
        #[source]
        source: Option<tokio::task::JoinError>,
    },
}

impl Failure {
    /// Returns the message and its causes, in one line unless it is a list of problems.
    pub(crate) fn explained(&self) -> String {
        let mut text = match self {
            Self::Settings(problems) => return problems.to_string(),
            failure => failure.to_string(),
        };
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some drivers repeat the message of their source.
            if !text.contains(&message) {
                text = format!("{text}: {message}");
            }
            cause = error.source();
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        let failure = Failure::from(ServeError::Bind {
            address: std::net::SocketAddr::from(([127, 0, 0, 1], 80)).into(),
            source: io::Error::other("not\nallowed"),
        });
        assert_eq!(
            failure.explained(),
            "cannot listen on 127.0.0.1:80: not allowed"
        );
    }
}

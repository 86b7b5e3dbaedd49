//! What makes the program fail, in one line for people, and the exit code for programs.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use waypost_analytics::{CountriesError, IngesterError, JournalError};
use waypost_api::{MetricsError, OidcSetupError, ServeError};
use waypost_core::settings::Problems;
use waypost_store::StoreError;
use waypost_store_diesel::DatabaseError;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] Problems),
    /// The log cannot be set up.
    #[error("cannot set up the log")]
    Log(#[source] Box<dyn Error + Send + Sync>),
    /// No runtime.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database does not tell its time.
    #[error("cannot read the time of the database")]
    Clock(#[source] StoreError),
    /// The journal of clicks cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Clicks cannot be stored.
    #[error(transparent)]
    Ingester(#[from] IngesterError),
    /// There are no countries, though there should be.
    #[error(transparent)]
    Countries(#[from] CountriesError),
    /// The salts of today and tomorrow cannot be had.
    #[error("cannot read the daily salts from the database")]
    Salts(#[source] StoreError),
    /// It cannot be found out whether there are users.
    #[error("cannot make a set-up link")]
    SetUp(#[source] StoreError),
    /// The metrics cannot be set up.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The OpenID provider cannot be spoken to.
    #[error(transparent)]
    Oidc(#[from] OidcSetupError),
    /// The HTTP server did not start, or failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Work in the background ended, which it should not.
    #[error("the background task `{task}` crashed")]
    Crashed {
        /// Which.
        task: &'static str,
        /// How it ended, unless it just returned.
        #[source]
        source: Option<tokio::task::JoinError>,
    },
}

impl Failure {
    /// The message and its causes. One line, unless it is a list of problems.
    pub(crate) fn explained(&self) -> String {
        let mut text = match self {
            Self::Settings(problems) => return problems.to_string(),
            failure => failure.to_string(),
        };
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some drivers repeat in their message what caused it.
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
            address: ([127, 0, 0, 1], 80).into(),
            source: io::Error::other("not\nallowed"),
        });
        assert_eq!(
            failure.explained(),
            "cannot listen on 127.0.0.1:80: not allowed"
        );
    }
}

//! How a command ends: its exit code, and the explanation of what went wrong.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use waypost_analytics::JournalError;
use waypost_analytics::ledger::JournalLedgerError;
use waypost_core::settings::Problems;
use waypost_core::{Count, Email, HostPattern, JournalId, PasswordError, TokenId};
use waypost_service::{AccountError, LinkError, ShortenError};
use waypost_store::StoreError;
use waypost_store_diesel::DatabaseError;

/// Exit status of the program. The numbers are documented in `--help` and are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Done,
    Differences,
    Usage,
    NotFound,
    Refused,
    Database,
    Output,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Differences => 1,
            Status::Usage => 2,
            Status::NotFound => 3,
            Status::Refused => 4,
            Status::Database => 5,
            Status::Output => 6,
        })
    }
}

/// Why a command failed. Messages never include their source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    Shorten(#[from] ShortenError),
    #[error("no link `{0}`; `linkctl link list` lists all")]
    NoLink(String),
    #[error("no deleted link `{0}`; `linkctl link list --deleted` lists all")]
    NotDeleted(String),
    #[error("`{0}` is already blocked")]
    BlockedAlready(HostPattern),
    #[error("`{0}` is not blocked; `linkctl block list` lists all")]
    NotBlocked(HostPattern),
    #[error("{0}")]
    Days(&'static str),
    #[error("no keyword `{0}`; `linkctl keyword list` lists all")]
    NoKeyword(String),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("no user has the email address {0}; `linkctl user list` lists all")]
    NoUser(Email),
    #[error("the user has no OpenID account `{0}`; `linkctl user identities EMAIL` lists all")]
    NoIdentity(String),
    #[error("no token {0}; `linkctl token list` lists all")]
    NoToken(TokenId),
    #[error("links cannot be transferred to the user who is being deleted; name another user")]
    SameUser,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("cannot read the password from standard input")]
    NoPassword(#[source] io::Error),
    #[error("confirmation is required, but there is no terminal; pass --yes to confirm")]
    NobodyToAsk,
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    #[error(
        "no database at {}; set --data-dir or --database-url, or create it with \
         `linkctl migrate up`",
        .0.display()
    )]
    NoDatabase(PathBuf),
    #[error("the database {0} is read-only; run this command on the server that accepts writes")]
    ReadOnly(String),
    #[error(
        "no journal in {}; name the data directory of a server",
        .0.display()
    )]
    NoJournal(PathBuf),
    #[error(
        "the journal in {} is in use by a server, which stores its clicks itself; stop the server \
         first",
        .0.display()
    )]
    JournalInUse(PathBuf),
    #[error("another process is retrying the clicks that were set aside; wait until it is done")]
    Retrying,
    #[error("no journal {0}; `linkctl journal list` lists all")]
    NoSuchJournal(JournalId),
    #[error("journal {0} was used in the meantime; check it with `linkctl journal list`")]
    JournalMoved(JournalId),
    #[error("journal {id} contains retried clicks of journal {of}; forget journal {of} first")]
    JournalIsRetry { id: JournalId, of: JournalId },
    #[error(
        "journal {id} is still in {}; only a journal whose directory is gone can be forgotten",
        directory.display()
    )]
    JournalIsHere { id: JournalId, directory: PathBuf },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the purge stopped after {}; run it again to continue", Count::of(*deleted, "click record"))]
    PurgeStopped { deleted: u64, source: StoreError },
    #[error("stopped; continue with `linkctl reclassify{}`", after.as_deref().map(|id| format!(" \
        --after {id}")).unwrap_or_default())]
    ReclassifyStopped {
        after: Option<String>,
        source: StoreError,
    },
    #[error("stopped after {}; run it again to continue", Count::of(*indexed, "link"))]
    ReindexStopped { indexed: u64, source: StoreError },
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    #[error("cannot start the program")]
    Runtime(#[source] io::Error),
}

impl From<JournalLedgerError> for Failure {
    fn from(error: JournalLedgerError) -> Self {
        match error {
            JournalLedgerError::Store(error) => error.into(),
            JournalLedgerError::Journal(error) => error.into(),
        }
    }
}

impl Failure {
    pub(crate) const fn status(&self) -> Status {
        match self {
            Self::Settings(_)
            | Self::Days(_)
            | Self::Password(_)
            | Self::NoPassword(_)
            | Self::SameUser => Status::Usage,
            Self::Shorten(error) => match error {
                ShortenError::Url(_) | ShortenError::Code(_) => Status::Usage,
                ShortenError::Blocked(_) | ShortenError::Taken(_) => Status::Refused,
                ShortenError::Exhausted | ShortenError::Store(_) => Status::Database,
            },
            Self::NoLink(_)
            | Self::NotDeleted(_)
            | Self::NoKeyword(_)
            | Self::NotBlocked(_)
            | Self::NoUser(_)
            | Self::NoSuchJournal(_)
            | Self::NoToken(_)
            | Self::NoIdentity(_) => Status::NotFound,
            Self::Link(error) => match error {
                LinkError::NotFound | LinkError::NoSuchUser | LinkError::NoTransfer => {
                    Status::NotFound
                }
                LinkError::Url(_) | LinkError::Code(_) => Status::Usage,
                LinkError::Store(_) | LinkError::Exhausted => Status::Database,
                _ => Status::Refused,
            },
            Self::Account(error) => match error {
                AccountError::EmailTaken(_)
                | AccountError::AddressInUse
                | AccountError::Oneself
                | AccountError::TooManyTokens
                | AccountError::SessionRequired
                | AccountError::WrongPassword
                | AccountError::Busy => Status::Refused,
                AccountError::NotAnAdmin | AccountError::ExpiresInThePast => Status::Usage,
                AccountError::NoUser | AccountError::NoHeir | AccountError::ActorGone => {
                    Status::NotFound
                }
                AccountError::Password(_) | AccountError::Store(_) => Status::Database,
            },
            Self::BlockedAlready(_)
            | Self::NobodyToAsk
            | Self::NotConfirmed
            | Self::JournalMoved(_)
            | Self::JournalIsHere { .. }
            | Self::JournalIsRetry { .. } => Status::Refused,
            Self::NoDatabase(_)
            | Self::ReadOnly(_)
            | Self::NoJournal(_)
            | Self::JournalInUse(_)
            | Self::Retrying
            | Self::Journal(_)
            | Self::Database(_)
            | Self::Store(_)
            | Self::PurgeStopped { .. }
            | Self::ReclassifyStopped { .. }
            | Self::ReindexStopped { .. } => Status::Database,
            Self::Output(_) | Self::Runtime(_) => Status::Output,
        }
    }

    /// Returns the message and its causes, one per line.
    pub(crate) fn explained(&self) -> String {
        let mut text = format!("error: {self}");
        let mut said = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some libraries repeat the message of their source.
            if !said.ends_with(&message) {
                // Writing to a string does not fail.
                let _ = write!(text, "\n  because: {message}");
            }
            said = message;
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_of_causes_is_printed_once() {
        let failure = Failure::PurgeStopped {
            deleted: 3,
            source: StoreError::unavailable("connection refused"),
        };
        assert_eq!(
            failure.explained(),
            "error: the purge stopped after 3 click records; run it again to continue\n  \
             because: the database is unavailable\n  \
             because: connection refused"
        );
        let failure = Failure::from(ShortenError::from(StoreError::Conflict));
        assert_eq!(failure.explained(), "error: already exists");
    }

    #[test]
    fn a_migration_that_is_missing_is_named_as_the_way_out() {
        let failure = Failure::from(DatabaseError::SchemaOlder { count: 1 });
        assert!(failure.explained().contains("linkctl migrate up"));
        assert_eq!(failure.status(), Status::Database);
    }
}

//! How a command ends: its exit code, and the explanation of what went wrong.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use waypost_analytics::JournalError;
use waypost_analytics::ledger::JournalLedgerError;
use waypost_core::settings::Problems;
use waypost_core::{Email, HostPattern, JournalId, PasswordError, TokenId};
use waypost_service::{AccountError, LinkError, ShortenError};
use waypost_store::StoreError;
use waypost_store_diesel::DatabaseError;

/// What the exit code says. The numbers are documented in `--help`, and contract.
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

/// Why a command did not do what was asked. Messages never include their source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Settings(#[from] Problems),
    #[error(transparent)]
    Shorten(#[from] ShortenError),
    #[error("there is no link `{0}`; `linkctl link list` shows what there is")]
    NoLink(String),
    #[error("there is no deleted link `{0}`; `linkctl link list --deleted` shows what there is")]
    NotDeleted(String),
    #[error("`{0}` is blocked already")]
    BlockedAlready(HostPattern),
    #[error("`{0}` is not blocked; `linkctl block list` shows what is")]
    NotBlocked(HostPattern),
    #[error("{0}")]
    Days(&'static str),
    #[error("there is no keyword `{0}`; `linkctl keyword list` shows what there is")]
    NoKeyword(String),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("there is no user with the address {0}; `linkctl user list` shows who there is")]
    NoUser(Email),
    #[error("there is no token {0}; `linkctl token list` shows what there is")]
    NoToken(TokenId),
    #[error("the links would be given to the user who is deleted; name another one")]
    SameUser,
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("no password came from standard input")]
    NoPassword(#[source] io::Error),
    #[error("this would ask first, and nobody is there to answer; add --yes if you are sure")]
    NobodyToAsk,
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    #[error(
        "there is no database at {}; name it with --data-dir or --database-url, or make it with \
         `linkctl migrate up`",
        .0.display()
    )]
    NoDatabase(PathBuf),
    #[error(
        "there is no journal in {}; name the data directory of a server",
        .0.display()
    )]
    NoJournal(PathBuf),
    #[error(
        "a server uses the journal in {}, and stores its clicks itself; stop it first",
        .0.display()
    )]
    JournalInUse(PathBuf),
    #[error("another process tries refused clicks of this journal again; wait until it is done")]
    Retrying,
    #[error("there is no journal {0}; `linkctl journal list` shows what there is")]
    NoSuchJournal(JournalId),
    #[error("journal {0} was used meanwhile; look again with `linkctl journal list`")]
    JournalMoved(JournalId),
    #[error(
        "journal {id} holds refused clicks of journal {of} that were tried again; forget that one first"
    )]
    JournalIsRetry { id: JournalId, of: JournalId },
    #[error(
        "journal {id} is in {}: a journal is forgotten when its directory is gone",
        directory.display()
    )]
    JournalIsHere { id: JournalId, directory: PathBuf },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the purge stopped after {deleted} deleted clicks; run it again to go on")]
    PurgeStopped { deleted: u64, source: StoreError },
    #[error("stopped; `linkctl reclassify{}` goes on", after.as_deref().map(|id| format!(" --after {id}")).unwrap_or_default())]
    ReclassifyStopped {
        after: Option<String>,
        source: StoreError,
    },
    #[error("the result could not be written")]
    Output(#[source] io::Error),
    #[error("the program could not be started")]
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
            | Self::NoToken(_) => Status::NotFound,
            Self::Link(error) => match error {
                LinkError::NotFound | LinkError::NoSuchUser => Status::NotFound,
                LinkError::Url(_) | LinkError::Code(_) => Status::Usage,
                LinkError::Store(_) | LinkError::Exhausted => Status::Database,
                _ => Status::Refused,
            },
            Self::Account(error) => match error {
                AccountError::EmailTaken(_)
                | AccountError::AddressInUse
                | AccountError::Oneself
                | AccountError::WrongPassword
                | AccountError::Busy => Status::Refused,
                AccountError::NotAnAdmin
                | AccountError::ScopeMissing(_)
                | AccountError::ExpiresInThePast => Status::Usage,
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
            | Self::NoJournal(_)
            | Self::JournalInUse(_)
            | Self::Retrying
            | Self::Journal(_)
            | Self::Database(_)
            | Self::Store(_)
            | Self::PurgeStopped { .. }
            | Self::ReclassifyStopped { .. } => Status::Database,
            Self::Output(_) | Self::Runtime(_) => Status::Output,
        }
    }

    /// The message with its causes, a line each.
    pub(crate) fn explained(&self) -> String {
        let mut text = format!("error: {self}");
        let mut said = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            // Some libraries repeat what their source says.
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
    fn the_chain_of_causes_is_told_once() {
        let failure = Failure::PurgeStopped {
            deleted: 3,
            source: StoreError::unavailable("connection refused"),
        };
        assert_eq!(
            failure.explained(),
            "error: the purge stopped after 3 deleted clicks; run it again to go on\n  \
             because: the database is not available\n  \
             because: connection refused"
        );
        let failure = Failure::from(ShortenError::from(StoreError::Conflict));
        assert_eq!(failure.explained(), "error: it exists already");
    }

    #[test]
    fn a_migration_that_is_missing_is_named_as_the_way_out() {
        let failure = Failure::from(DatabaseError::SchemaOlder { count: 1 });
        assert!(failure.explained().contains("linkctl migrate up"));
        assert_eq!(failure.status(), Status::Database);
    }
}

//! Errors of opening and migrating a database.

use std::error::Error;
use std::path::PathBuf;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use waypost_store::StoreError;

/// Why a database cannot be used. The message never includes its source, nor a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The directory or file of an SQLite database cannot be created or written.
    #[error("cannot write {}; make the directory writable or set WAYPOST_DATA_DIR", path.display())]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The database does not answer, or rejects the user, the password or the name.
    #[error(
        "cannot connect to the database {url}; check WAYPOST_DATABASE_URL and that the database is running"
    )]
    Connect {
        /// The URL of the database, without secrets.
        url: String,
        /// The error of the database or its driver.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The schema is older than this program.
    #[error("the database needs {count} migration(s); run `linkctl migrate up`")]
    SchemaOlder {
        /// Number of missing migrations.
        count: usize,
    },
    /// The schema is newer than this program.
    #[error(
        "the database was migrated by a newer version of Waypost (it has the \
         unknown migration `{migration}`); use that version or a later one"
    )]
    SchemaNewer {
        /// The newest migration that this program does not know.
        migration: String,
    },
    /// A migration failed.
    #[error("the migration of the database failed; it can be run again")]
    Migration {
        /// The error of the database.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an error of the database means for the caller. Each backend derives it from the codes of
/// its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A unique value is in use.
    Conflict,
    /// Two transactions conflicted and this one was rolled back: run it again.
    Contention,
    /// The connection broke, or its server is read-only: another connection may work.
    ConnectionLost,
    /// The database cannot work at the moment.
    Unavailable,
    /// A value breaks a rule of the data.
    Refused,
    /// Any other error.
    Other,
}

impl Fault {
    /// Returns the fault that diesel itself reports for every database. Returns `None` for all
    /// others: diesel keeps only their text, and the backend finds out their code.
    pub(crate) const fn of_kind(kind: DatabaseErrorKind) -> Option<Self> {
        match kind {
            DatabaseErrorKind::UniqueViolation => Some(Self::Conflict),
            DatabaseErrorKind::SerializationFailure => Some(Self::Contention),
            DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::RestrictViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::ExclusionViolation => Some(Self::Refused),
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction => Some(Self::ConnectionLost),
            _ => None,
        }
    }

    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Contention | Self::ConnectionLost)
    }

    pub(crate) fn into_store_error(
        self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> StoreError {
        match self {
            Self::Conflict => StoreError::Conflict,
            Self::Contention | Self::ConnectionLost | Self::Unavailable => {
                StoreError::unavailable(error)
            }
            Self::Refused => StoreError::refused(error),
            Self::Other => StoreError::internal(error),
        }
    }
}

/// Returns whether a unique value is in use.
pub(crate) const fn is_conflict(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    )
}

//! What can go wrong before a store works: opening and migrating a database.

use std::error::Error;
use std::path::PathBuf;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use waypost_store::StoreError;

/// Why a database cannot be used. The message never includes its source, nor a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The directory or file of an SQLite database cannot be made or written.
    #[error("cannot write {}; make the directory writable or set WAYPOST_DATA_DIR", path.display())]
    Unwritable {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The database does not answer, or refuses the user, the password or the name.
    #[error(
        "cannot connect to the database {url}; check WAYPOST_DATABASE_URL and that the database is running"
    )]
    Connect {
        /// Where it is, without secrets.
        url: String,
        /// What the database or its driver said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The schema is older than this program.
    #[error("the database needs {count} migration(s); run `linkctl migrate up`")]
    SchemaOlder {
        /// How many migrations are missing.
        count: usize,
    },
    /// The schema is newer than this program.
    #[error(
        "the database was migrated by a newer version of Waypost (it has the \
         unknown migration `{migration}`); use that version or a later one"
    )]
    SchemaNewer {
        /// The newest migration that is not known here.
        migration: String,
    },
    /// A migration failed.
    #[error("the migration of the database failed; it can be run again")]
    Migration {
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an error of the database means for the caller. Each backend tells it by the codes of its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A unique value is taken.
    Conflict,
    /// Two transactions got in each other's way and this one was undone: run it again.
    Contention,
    /// The connection broke, or leads to a server that only reads: another one may do.
    ConnectionLost,
    /// The database cannot work at the moment.
    Unavailable,
    /// A value breaks a rule of the data.
    Refused,
    /// Anything else.
    Other,
}

impl Fault {
    /// The fault that diesel tells by itself, of every database. `None` for all others, of which it keeps
    /// only a text: the backend finds out their code.
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

/// Whether a unique value is taken.
pub(crate) const fn is_conflict(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    )
}

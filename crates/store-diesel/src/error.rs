//! Errors of opening and migrating a database.

use std::error::Error;
use std::path::PathBuf;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use waypost_store::StoreError;

use crate::DatabaseUrl;

/// Why a database cannot be used. The message never includes its source, nor a password.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The directory or a file of an SQLite database cannot be created or written.
    #[error(
        "cannot write {}; make it writable for this user, or set WAYPOST_DATA_DIR",
        path.display()
    )]
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
    /// A pooler lends its connections to PostgreSQL for one transaction each.
    #[error(
        "the pooler at {url} lends its connections to PostgreSQL for one transaction or statement \
         each, and Waypost needs sessions; set `pool_mode = session` for this database in PgBouncer, \
         or connect to PostgreSQL itself"
    )]
    Pooler {
        /// The URL of the database, without secrets.
        url: String,
    },
    /// The database does not accept writes, as a standby or a replica.
    #[error(
        "the database {url} is read-only; name the server that accepts writes in \
         WAYPOST_DATABASE_URL"
    )]
    ReadOnly {
        /// The URL, without secrets.
        url: String,
    },
    /// A file is there that is no SQLite database.
    #[error(
        "{} is not an SQLite database; check WAYPOST_DATABASE_URL and WAYPOST_DATA_DIR",
        path.display()
    )]
    NotSqlite {
        /// The file or directory.
        path: PathBuf,
    },
    /// Another process holds a lock for as long as a migration waits.
    #[error(
        "another process holds a lock on the database: {holder}; end that process or wait until it \
         is done, then start again"
    )]
    Locked {
        /// Who holds it, as far as that can be seen.
        holder: String,
        /// The error of the database.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Another process has an SQLite file open that can only be rewritten alone.
    #[error(
        "{} is open in another process{}; stop the server first",
        path.display(),
        listed(users)
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// The other processes, as far as they can be seen.
        users: Vec<String>,
    },
    /// There is not enough disk space to rewrite an SQLite file.
    #[error(
        "rewriting the database needs {needed_mib} MiB of free disk space in {}, which has \
         {free_mib} MiB",
        path.display()
    )]
    NoRoom {
        /// The directory.
        path: PathBuf,
        /// The required space.
        needed_mib: u64,
        /// The free space.
        free_mib: u64,
    },
    /// An SQLite file could not be rewritten.
    #[error("cannot rewrite {}; it is unchanged", path.display())]
    Compact {
        /// The file.
        path: PathBuf,
        /// The error of the database.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The table of migrations cannot be read.
    #[error(
        "cannot read which migrations the database has; check that its user may read the table \
         `__diesel_schema_migrations`"
    )]
    SchemaUnread {
        /// The error of the database.
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

impl DatabaseError {
    pub(crate) fn connecting(
        url: &DatabaseUrl,
    ) -> impl FnOnce(Box<dyn Error + Send + Sync>) -> Self {
        let url = url.to_string();
        move |source| Self::Connect { url, source }
    }
}

fn listed(users: &[String]) -> String {
    match users {
        [] => String::new(),
        users => format!(": {}", users.join(", ")),
    }
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

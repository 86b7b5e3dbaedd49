//! What can go wrong in a store, by what a caller can do about it.

use std::error::Error;

/// The failure of an operation of a store. Nothing of the operation happened, unless its
/// documentation says otherwise.
///
/// The message never includes its source; print the chain once, where the error ends.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique value is taken: choose another one.
    #[error("it exists already")]
    Conflict,
    /// What should be changed does not exist.
    #[error("it does not exist")]
    NotFound,
    /// The database cannot be reached, is overloaded or restarts: trying again later may help.
    #[error("the database is not available")]
    Unavailable {
        /// What the database or its driver said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stored value breaks a rule of the model: somebody else wrote it, or the disk is damaged.
    #[error("column {column} of table {table} holds a value that Waypost does not write")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// Anything else: a defect, or a database that was changed by hand.
    #[error("the database refused the operation")]
    Internal {
        /// What the database or its driver said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// An [`StoreError::Unavailable`] from whatever explains it.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// An [`StoreError::Internal`] from whatever explains it.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal {
            source: source.into(),
        }
    }
}

//! Errors of a store, by what a caller can do about them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The failure of a store operation. Nothing was changed unless the documentation of the operation
/// says otherwise.
///
/// The message never includes its source. Print the chain once, where the error is handled.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique value is in use: choose another one.
    #[error("already exists")]
    Conflict,
    /// The item to change does not exist.
    #[error("does not exist")]
    NotFound,
    /// The database cannot be reached, is overloaded or is restarting: trying again later may help.
    #[error("the database is unavailable")]
    Unavailable {
        /// The error of the database or its driver.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A stored value breaks a rule of the model: another program wrote it, or the disk is damaged.
    #[error("column {column} of table {table} contains a value that Waypost does not write")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The database rejects a value because it breaks a rule of the data, for example a reference
    /// to a row that does not exist, or a text that is too long. Trying again does not help; other
    /// values may succeed.
    #[error("the database refused a value")]
    Refused {
        /// The error of the database or its driver.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Any other failure: a defect, or a database that was changed by hand.
    #[error("the database refused the operation")]
    Internal {
        /// The error of the database or its driver.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Creates a [`StoreError::Unavailable`] with this source.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// Creates a [`StoreError::Refused`] with this source.
    pub fn refused(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused {
            source: source.into(),
        }
    }

    /// Creates a [`StoreError::Internal`] with this source.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal {
            source: source.into(),
        }
    }

    /// Copies an error for one of several callers that share it.
    #[must_use]
    pub fn of_shared(error: Arc<Self>) -> Self {
        match &*error {
            Self::Conflict => Self::Conflict,
            Self::NotFound => Self::NotFound,
            Self::Corrupt { table, column } => Self::Corrupt { table, column },
            Self::Unavailable { .. } => Self::unavailable(SharedSource(error)),
            Self::Refused { .. } => Self::refused(SharedSource(error)),
            Self::Internal { .. } => Self::internal(SharedSource(error)),
        }
    }
}

/// The source of an error that several callers share.
#[derive(Debug)]
struct SharedSource(Arc<StoreError>);

impl SharedSource {
    fn shared(&self) -> &(dyn Error + 'static) {
        self.0.source().unwrap_or(&*self.0)
    }
}

impl fmt::Display for SharedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.shared(), f)
    }
}

impl Error for SharedSource {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.shared().source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
        let chain = std::iter::successors(Some(error), |error| (**error).source());
        chain.map(ToString::to_string).collect()
    }

    #[test]
    fn a_shared_error_keeps_its_kind_and_its_chain() {
        let kinds: [fn() -> StoreError; 6] = [
            || StoreError::Conflict,
            || StoreError::NotFound,
            || StoreError::unavailable(StoreError::internal("the disk is full")),
            || StoreError::Corrupt {
                table: "links",
                column: "target",
            },
            || StoreError::refused("the text is too long"),
            || StoreError::internal("the disk is full"),
        ];
        for error in kinds {
            let shared = StoreError::of_shared(Arc::new(error()));
            assert_eq!(chain(&shared), chain(&error()));
            assert_eq!(
                std::mem::discriminant(&shared),
                std::mem::discriminant(&error())
            );
        }
    }
}

//! The port for changing the facts of stored clicks, for use after an update of the lists that
//! classify user agents.

use async_trait::async_trait;
use waypost_core::{Click, ClickFacts, ClickId};

use crate::StoreError;

/// Changes the facts of clicks whose records are kept, and the rollups with them.
#[async_trait]
pub trait FactsStore: Send + Sync {
    /// Returns at most `limit` clicks whose records are kept, after `after`, in the order of their
    /// IDs. They lack their address hash, and their day is that of UTC, because records do not keep
    /// the day under which they were counted.
    ///
    /// # Errors
    /// [`StoreError`] as for any read.
    async fn clicks_after(
        &self,
        after: Option<ClickId>,
        limit: u32,
    ) -> Result<Vec<Click>, StoreError>;

    /// Changes clicks and counts each under its new facts instead of the old ones, in one
    /// transaction; returns how many were changed. Clicks that are gone or no longer equal the
    /// given ones are left alone.
    ///
    /// # Errors
    /// [`StoreError`] as for any write; [`StoreError::Corrupt`] when the rollup cannot be read.
    async fn change_facts(&self, changes: &[FactsChange]) -> Result<u64, StoreError>;
}

/// New facts of a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsChange {
    /// The click as it is stored, with the day under which it was counted.
    pub click: Click,
    /// The new facts.
    pub facts: ClickFacts,
}

impl FactsChange {
    /// Returns the click with the new facts.
    #[must_use]
    pub fn changed(&self) -> Click {
        Click {
            facts: self.facts.clone(),
            ..self.click.clone()
        }
    }
}

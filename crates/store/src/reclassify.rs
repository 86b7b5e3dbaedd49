//! The port for changing what is known of clicks after the fact: when the lists by which user agents are
//! told apart have become better.

use async_trait::async_trait;
use waypost_core::{Click, ClickFacts, ClickId};

use crate::StoreError;

/// Changes what is known of clicks whose rows are kept, and the rollups with it.
#[async_trait]
pub trait FactsStore: Send + Sync {
    /// At most `limit` clicks whose rows are kept, in the order of their ids, behind `after`. Without
    /// their address hash; their day is that of UTC, because rows do not keep the one that they were
    /// counted under.
    ///
    /// # Errors
    /// [`StoreError`] as any look-up.
    async fn clicks_after(
        &self,
        after: Option<ClickId>,
        limit: u32,
    ) -> Result<Vec<Click>, StoreError>;

    /// Changes clicks, and counts each under its new facts instead of the old ones, all of it in one
    /// transaction; gives back how many were changed. Those that are gone, or not as they are given
    /// any more, are left alone.
    ///
    /// # Errors
    /// [`StoreError`] as any change; [`StoreError::Corrupt`] when the rollup cannot be read.
    async fn change_facts(&self, changes: &[FactsChange]) -> Result<u64, StoreError>;
}

/// What is to be known of a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsChange {
    /// The click as it is stored, with the day under which it was counted.
    pub click: Click,
    /// What is to be known of it.
    pub facts: ClickFacts,
}

impl FactsChange {
    /// The click as it is to be.
    #[must_use]
    pub fn changed(&self) -> Click {
        Click {
            facts: self.facts.clone(),
            ..self.click.clone()
        }
    }
}

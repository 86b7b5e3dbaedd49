//! Related journals, which have records in common with this one because one directory is a copy of
//! the other.
//!
//! A click that two of them have is stored once, because the second process finds its ID. Once the
//! click record is purged, or the ID of a click without a record, no ID is found. Then the position of the other journal decides: common
//! records that it has settled are not stored again.
//!
//! A running process stores its clicks within seconds, and click records are not purged that soon.
//! Relatives are therefore loaded once for each owner, before its first batch. Their positions are
//! queried until all common records are settled.

use std::collections::BTreeSet;

use waypost_core::JournalId;
use waypost_store::{JournalClaim, JournalRecord, StoreError};

use super::{FIRST_PAUSE, Ingester, IngesterParts, LONGEST_PAUSE};

/// The relatives of a journal.
#[derive(Debug, Clone, Default)]
pub(super) struct Relatives {
    journals: BTreeSet<JournalId>,
    /// The position from which no relative has settled records of this journal.
    common: u64,
}

impl Ingester {
    /// Returns the position up to which a relative has settled the next records, or `None` if none
    /// has. Repeats the query until the database responds.
    pub(super) async fn ask_relatives(&mut self) -> Option<u64> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.settled_by_relatives().await {
                Ok(end) => return end,
                Err(failure) => self.away(&failure),
            };
            tokio::time::sleep(pause).await;
            self.give_a_sign_of_life().await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn settled_by_relatives(&mut self) -> Result<Option<u64>, StoreError> {
        let (settled, end) = (self.parts.journal.settled(), self.parts.journal.end());
        if settled >= end {
            return Ok(None);
        }
        if self.relatives.is_none() {
            self.relatives = Some(self.find_relatives().await?);
        }
        let Some(relatives) = &self.relatives else {
            return Ok(None);
        };
        if settled >= relatives.common {
            return Ok(None);
        }
        let claim = self.line();
        let store = &self.parts.store;
        let mut furthest = None;
        for journal in &relatives.journals {
            let Some(record) = store.journal(*journal).await? else {
                continue;
            };
            let takes = store.journal_owners(*journal).await?;
            let range = claim.settled_by(&record, &takes);
            let range = range.filter(|range| range.contains(&settled));
            furthest = furthest.max(range.map(|range| range.end.min(end)));
        }
        Ok(furthest)
    }

    async fn find_relatives(&self) -> Result<Relatives, StoreError> {
        let IngesterParts { journal, store, .. } = &self.parts;
        let all = store.journals().await?;
        let mut journals: BTreeSet<JournalId> = journal.lineage().relatives.into_iter().collect();
        let own = journal.id();
        journals.insert(own);
        add_descendants(&mut journals, &all);
        journals.remove(&own);
        let claim = self.line();
        let mut common = 0;
        for journal in &journals {
            if let Some(record) = store.journal(*journal).await? {
                let takes = store.journal_owners(*journal).await?;
                let branch = claim.branch(&record, &takes);
                common = branch.map_or(common, |branch| common.max(branch.common()));
            }
        }
        Ok(Relatives { journals, common })
    }

    /// Returns a claim with the processes that used the directory, to compare with those of another
    /// journal.
    fn line(&self) -> JournalClaim {
        let IngesterParts { journal, clock, .. } = &self.parts;
        let lineage = journal.lineage();
        JournalClaim {
            predecessors: lineage.owners,
            tried: lineage.tried,
            ..JournalClaim::new(journal.id(), self.own.owner, 0, clock.now())
        }
    }
}

/// Adds the journals that continue one of these, directly or indirectly.
fn add_descendants(journals: &mut BTreeSet<JournalId>, all: &[JournalRecord]) {
    loop {
        let before = journals.len();
        let of = |record: &JournalRecord| record.split.map(|split| split.from);
        let descendants = all
            .iter()
            .filter(|record| of(record).is_some_and(|from| journals.contains(&from)));
        let descendants: Vec<JournalId> = descendants.map(|record| record.id).collect();
        journals.extend(descendants);
        if journals.len() == before {
            return;
        }
    }
}

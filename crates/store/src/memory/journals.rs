//! Click journals in memory.

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use waypost_core::{ClickId, JournalId, JournalOwner, micros};

use super::{MemoryStore, State};
use crate::{
    AcceptedLoss, Claimed, ClickBatch, Ingested, JournalClaim, JournalNote, JournalRecord,
    JournalStore, Ownership, StoreError,
};

impl State {
    /// Records that a process took a journal from another one.
    fn taken(&mut self, claim: &JournalClaim, owner: Option<JournalOwner>, committed: u64) {
        let takes = self.journal_owners.entry(claim.journal).or_default();
        takes.extend(claim.takes(owner, committed));
    }
}

#[async_trait]
impl JournalStore for MemoryStore {
    async fn take_journal(&self, claim: &JournalClaim) -> Result<Claimed, StoreError> {
        let mut state = self.state();
        let Some(mut record) = state.journals.get(&claim.journal).cloned() else {
            let record = JournalRecord::registered(claim);
            state.journals.insert(claim.journal, record.clone());
            state.taken(claim, None, claim.began);
            return Ok(Claimed::Taken(record));
        };
        if !record.yields_to(claim) {
            let takes = state.journal_owners.get(&claim.journal);
            let branch = takes.and_then(|takes| claim.branch(&record, takes));
            return Ok(Claimed::Refused { record, branch });
        }
        let predecessor = record.owner.replace(claim.owner);
        if predecessor != Some(claim.owner) {
            record.forgotten_at = None;
            record.node.clone_from(&claim.node);
            record.process = Some(claim.process.clone());
            state.journals.insert(claim.journal, record.clone());
            state.taken(claim, predecessor, record.committed);
        }
        Ok(Claimed::Taken(record))
    }

    async fn note_journal(&self, note: &JournalNote) -> Result<bool, StoreError> {
        let mut state = self.state();
        let record = state.journals.get_mut(&note.journal);
        let Some(record) = record.filter(|record| record.owner == Some(note.owner)) else {
            return Ok(false);
        };
        record.accepted = note.accepted;
        record.pending_since = note.pending_since.map(micros);
        record.noted_at = Some(micros(note.at));
        record.forgotten_at = None;
        if note.ends {
            record.process = None;
        }
        Ok(true)
    }

    async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, StoreError> {
        Ok(self.state().journals.get(&id).cloned())
    }

    async fn journals(&self) -> Result<Vec<JournalRecord>, StoreError> {
        let state = self.state();
        let known = state.journals.values();
        let known = known.filter(|record| record.forgotten_at.is_none());
        Ok(known.cloned().collect())
    }

    async fn forget_journal(
        &self,
        seen: &JournalRecord,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let record = state.journals.get_mut(&seen.id);
        let Some(record) = record.filter(|record| record.place() == seen.place()) else {
            return Ok(false);
        };
        record.forgotten_at = Some(micros(at));
        Ok(true)
    }

    async fn journal_owners(&self, id: JournalId) -> Result<Vec<Ownership>, StoreError> {
        let state = self.state();
        Ok(state.journal_owners.get(&id).cloned().unwrap_or_default())
    }

    async fn ingest(
        &self,
        batch: Arc<ClickBatch>,
        at: OffsetDateTime,
    ) -> Result<Ingested, StoreError> {
        let mut state = self.state();
        let place = state.journals.get(&batch.journal).map(JournalRecord::place);
        let here = place
            .filter(|place| place.owner == Some(batch.owner) && place.committed == batch.start);
        if here.is_none() {
            return Ok(Ingested::Elsewhere(place));
        }
        let recorded = state.record(&batch.clicks, batch.records)?;
        if let Some(record) = state.journals.get_mut(&batch.journal) {
            record.committed = batch.end();
            record.stored += recorded.stored;
            record.duplicates += batch.duplicates;
            record.dropped = record.dropped.plus(&batch.dropped);
            record.dropped.link_deleted += recorded.link_gone;
            record.updated_at = micros(at);
        }
        Ok(Ingested::Settled(recorded))
    }

    async fn stored_clicks(&self, ids: &[ClickId]) -> Result<Vec<ClickId>, StoreError> {
        let state = self.state();
        let stored = ids.iter().filter(|id| state.has_click(id));
        Ok(stored.copied().collect())
    }

    async fn make_durable(
        &self,
        journal: JournalId,
        owner: JournalOwner,
    ) -> Result<bool, StoreError> {
        let state = self.state();
        let record = state.journals.get(&journal);
        Ok(record.is_some_and(|record| record.owner == Some(owner)))
    }

    async fn accept_loss(&self, loss: &AcceptedLoss) -> Result<(), StoreError> {
        let loss = AcceptedLoss {
            accepted_at: micros(loss.accepted_at),
            ..loss.clone()
        };
        self.state().accepted_losses.insert(loss.id, loss);
        Ok(())
    }

    async fn accepted_losses(&self) -> Result<Vec<AcceptedLoss>, StoreError> {
        Ok(self.state().accepted_losses.values().cloned().collect())
    }
}

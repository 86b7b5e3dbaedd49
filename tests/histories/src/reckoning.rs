//! Compares what the clients were told with the counts of the database and the ledger.

use waypost_analytics::ledger::{self, JournalLedger, JournalProblem};
use waypost_core::ClickId;
use waypost_store::Store;

use crate::world::{Mishaps, World};

impl World {
    /// Asserts that every accepted click is counted once, or counted as lost, and that the ledger
    /// agrees.
    pub(crate) async fn reckon(&self) {
        let store = self.database.store();
        let accepted = u64::try_from(self.accepted.len()).unwrap();
        let counted = self.counted(&*store).await;
        let lost = self.lost(&*store).await;
        assert!(counted <= accepted, "{counted} of {accepted} counted");
        assert!(
            counted + lost >= accepted,
            "{counted} of {accepted} counted, {lost} lost"
        );
        if !self.had.set_back {
            assert_eq!(counted, accepted, "nothing was forgotten");
        }
        // A process counts records as lost that its journal should have and no longer has. If it
        // uses a copy, another journal may have them.
        if !self.had.copy {
            assert_eq!(counted + lost, accepted, "{lost} lost");
        }
        if !self.may_lose() {
            assert_eq!(
                lost, 0,
                "all that the database forgot is still in a journal"
            );
        }
    }

    /// Returns whether a click may be lost both from the database and from a journal.
    fn may_lose(&self) -> bool {
        let Mishaps {
            copy,
            set_back,
            jump,
            purge: _,
        } = self.had;
        copy || set_back && (jump || self.keep.is_zero())
    }

    /// Returns how many clicks are counted, and asserts that total, days, records and IDs agree.
    async fn counted(&self, store: &dyn Store) -> u64 {
        let found = ledger::verify(store, |_| {}, |link| panic!("{link:?}"));
        let verified = found.await.unwrap();
        let counted = verified.clicks;
        assert_eq!(verified.rows + verified.purged, counted);
        if !self.privacy.keeps_rows() {
            assert_eq!(verified.rows, 0);
        } else if !self.had.purge {
            if self.budgets.is_none() {
                assert_eq!(verified.purged, 0);
            }
            let ids: Vec<ClickId> = self.accepted.iter().copied().collect();
            let stored = store.stored_clicks(&ids).await.unwrap();
            assert_eq!(u64::try_from(stored.len()).unwrap(), counted);
        }
        counted
    }

    /// Returns how many clicks the ledger reports as lost. It must report each loss and each second
    /// owner, and nothing else.
    async fn lost(&self, store: &dyn Store) -> u64 {
        let mut lost = 0;
        let mut second_owners = 0;
        for node in &self.nodes {
            let ledgers = ledger::journals(store, node.directory.path()).await;
            let ledgers = ledgers.unwrap();
            let all: Vec<JournalProblem> = ledgers.iter().flat_map(problems).collect();
            lost = all.iter().map(|problem| lost_by(*problem)).sum();
            second_owners = all.iter().filter(|problem| is_split(**problem)).count();
            let other = |problem: &&JournalProblem| lost_by(**problem) == 0 && !is_split(**problem);
            let others: Vec<_> = all.iter().filter(other).collect();
            assert!(others.is_empty(), "{others:?}: {ledgers:#?}");
        }
        assert_eq!(
            second_owners > 0,
            self.had.copy,
            "{second_owners} second owners"
        );
        lost
    }
}

/// Asserts that nothing is rejected or set aside: all clicks and the link of a history are valid.
fn problems(ledger: &JournalLedger) -> Vec<JournalProblem> {
    let dropped = ledger.settled.as_ref().map(|settled| settled.dropped);
    let dropped = dropped.unwrap_or_default();
    assert_eq!((dropped.rejected, dropped.link_deleted), (0, 0));
    assert_eq!(ledger.agrees(), ledger.problems.is_empty());
    ledger.problems.clone()
}

const fn lost_by(problem: JournalProblem) -> u64 {
    match problem {
        JournalProblem::Lost { clicks } => clicks,
        _ => 0,
    }
}

const fn is_split(problem: JournalProblem) -> bool {
    matches!(problem, JournalProblem::TwoOwners { .. })
}

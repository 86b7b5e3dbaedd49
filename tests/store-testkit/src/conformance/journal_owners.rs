//! Cases of [`JournalStore`](waypost_store::JournalStore) about the owner of a journal.

use std::sync::Arc;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use waypost_core::{JournalId, JournalOwner, micros};
use waypost_store::{
    AcceptedLoss, Branch, Claimed, ClickBatch, Dropped, Ingested, JournalClaim, JournalNote,
    JournalPlace, JournalRecord, JournalSplit, Ownership, Predecessor, Store,
};

use super::concurrency::at_once;
use super::journals::{batch, journal};
use super::{StoreFactory, assert_counted, insert};
use crate::samples::{START, Samples};

/// Returns the claim of a process that continues the work of earlier ones, at a time with more
/// digits than a database keeps.
fn claim(journal: JournalId, owner: JournalOwner, predecessors: &[JournalOwner]) -> JournalClaim {
    let own = |owner: &JournalOwner| Predecessor {
        owner: *owner,
        end: 8,
    };
    JournalClaim {
        predecessors: predecessors.iter().map(own).collect(),
        node: "host.example".to_owned(),
        process: format!("boot:{owner}"),
        ..JournalClaim::new(journal, owner, 7, START + Duration::nanoseconds(1_999))
    }
}

/// Returns the record of a journal that was taken.
async fn taken(store: &dyn Store, claim: &JournalClaim) -> JournalRecord {
    match store.take_journal(claim).await.unwrap() {
        Claimed::Taken(record) => record,
        Claimed::Refused { record, branch } => panic!("{record:?} {branch:?}"),
    }
}

/// Returns a batch of a process.
fn batch_of(owner: JournalOwner, batch: &ClickBatch) -> Arc<ClickBatch> {
    let batch = batch.clone();
    Arc::new(ClickBatch { owner, ..batch })
}

async fn ingest(store: &dyn Store, batch: Arc<ClickBatch>) -> Ingested {
    store.ingest(batch, START).await.unwrap()
}

/// The record of a journal is what its first claim says, and stays.
pub async fn a_journal_is_registered_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (id, owner, other) = (samples.journal(), samples.owner(), samples.journal());
    assert_eq!(store.journal(id).await.unwrap(), None);
    assert_eq!(store.journal_owners(id).await.unwrap(), []);
    let first = JournalClaim {
        end: 9,
        at: datetime!(2026-03-01 13:59:59.123_456_789 +1),
        split: Some(JournalSplit { from: other, at: 7 }),
        ..claim(id, owner, &[])
    };
    let at = micros(first.at);
    let expected = JournalRecord {
        id,
        owner: Some(owner),
        node: "host.example".to_owned(),
        process: Some(first.process.clone()),
        began: 7,
        committed: 7,
        accepted: 0,
        pending_since: None,
        noted_at: None,
        stored: 0,
        duplicates: 0,
        dropped: Dropped::default(),
        split: first.split,
        retry_of: None,
        forgotten_at: None,
        registered_at: at,
        updated_at: at,
    };
    assert_eq!(taken(&*store, &first).await, expected);
    assert_eq!(journal(&*store, id).await, expected);
    let takes = store.journal_owners(id).await.unwrap();
    let take = Ownership {
        owner,
        predecessor: None,
        began: 7,
        end: 9,
        node: "host.example".to_owned(),
        taken_at: at,
    };
    assert_eq!(takes, [take]);
    // Its beginning and its origin were given by the first claim.
    let second = JournalClaim {
        began: 99,
        split: None,
        ..claim(id, samples.owner(), &[owner])
    };
    let record = taken(&*store, &second).await;
    assert_eq!((record.began, record.committed), (7, 7));
    assert_eq!(record.split, first.split);
    assert_eq!(record.registered_at, at);
}

/// Each process takes the journal from the one before, and continues at its end.
pub async fn a_journal_goes_from_a_process_to_the_next_one(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let id = samples.journal();
    let mut own = Vec::new();
    for round in 0..3_u64 {
        let owner = samples.owner();
        let claim = JournalClaim {
            end: 8 + round * 10,
            at: START + Duration::hours(i64::try_from(round).unwrap()),
            ..claim(id, owner, &own)
        };
        let record = taken(&*store, &claim).await;
        assert_eq!(record.owner, Some(owner));
        assert_eq!(record.process, Some(claim.process));
        assert_eq!(record.committed, 7 + round * 2);
        let batch = batch(id, record.committed, &samples.clicks(&link, 2));
        let answer = ingest(&*store, batch_of(owner, &batch)).await;
        assert!(matches!(answer, Ingested::Settled(_)), "{answer:?}");
        own.push(owner);
    }
    let takes = store.journal_owners(id).await.unwrap();
    let owners: Vec<_> = takes.iter().map(|take| take.owner).collect();
    assert_eq!(owners, own);
    let before: Vec<_> = takes.iter().map(|take| take.predecessor).collect();
    assert_eq!(before, [None, Some(own[0]), Some(own[1])]);
    let positions: Vec<_> = takes.iter().map(|take| (take.began, take.end)).collect();
    assert_eq!(positions, [(7, 8), (9, 18), (11, 28)]);
    assert_eq!(journal(&*store, id).await.stored, 6);
}

/// A database that was restored from a backup knows none of the processes since, or no process at
/// all.
pub async fn the_takes_that_a_database_forgot_are_noted_with_the_next_one(
    factory: &dyn StoreFactory,
) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let [first, second, third, fourth] = std::array::from_fn(|_| samples.owner());
    for known in [false, true] {
        let id = samples.journal();
        if known {
            taken(&*store, &claim(id, first, &[])).await;
        }
        taken(&*store, &claim(id, fourth, &[first, second, third])).await;
        let takes = store.journal_owners(id).await.unwrap();
        let mut chain: Vec<_> = takes
            .iter()
            .map(|take| (take.predecessor, take.owner))
            .collect();
        chain.sort();
        let mut expected = [
            (None, first),
            (Some(first), second),
            (Some(second), third),
            (Some(third), fourth),
        ];
        expected.sort();
        assert_eq!(chain, expected);
        // A copy made while the first process ran learns of the second one.
        let copy = store
            .take_journal(&claim(id, samples.owner(), &[first]))
            .await;
        let Claimed::Refused { branch, .. } = copy.unwrap() else {
            panic!("it was taken")
        };
        let expected = Branch {
            settled: 7,
            shared: 8,
        };
        assert_eq!(branch, Some(expected));
    }
}

/// A process may be suspended while another one takes over, and continue with a batch in its hands.
pub async fn a_process_that_lost_its_journal_settles_and_notes_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let (id, sleeper, awake) = (samples.journal(), samples.owner(), samples.owner());
    taken(&*store, &claim(id, sleeper, &[])).await;
    taken(&*store, &claim(id, awake, &[sleeper])).await;
    let before = journal(&*store, id).await;
    let place = JournalPlace {
        owner: Some(awake),
        committed: 7,
    };
    // Even if the position is the one that it left.
    for start in [7, 8] {
        let batch = batch(id, start, &samples.clicks(&link, 3));
        let answer = ingest(&*store, batch_of(sleeper, &batch)).await;
        assert_eq!(answer, Ingested::Elsewhere(Some(place)));
    }
    let note = note_of(id, sleeper, START);
    assert!(!store.note_journal(&note).await.unwrap());
    assert!(!store.make_durable(id, sleeper).await.unwrap());
    assert_eq!(journal(&*store, id).await, before);
    assert_counted(&*store, &link, 0, 0).await;
}

/// A process that does not follow the owner is told where they diverged.
pub async fn a_journal_of_another_process_is_refused(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let id = samples.journal();
    let [first, second, third, new] = std::array::from_fn(|_| samples.owner());
    taken(&*store, &claim(id, first, &[])).await;
    taken(&*store, &claim(id, second, &[first])).await;
    let record = taken(&*store, &claim(id, third, &[second])).await;
    let branch = Branch {
        settled: 7,
        shared: 7,
    };
    for (own, expected) in [
        (vec![first], Some(branch)),
        (vec![first, second], Some(branch)),
        (vec![], Some(branch)),
        (vec![samples.owner()], None),
    ] {
        let answer = store.take_journal(&claim(id, new, &own)).await.unwrap();
        let Claimed::Refused {
            record: found,
            branch: told,
        } = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(found, record);
        assert_eq!(told, expected, "{own:?}");
    }
    assert_eq!(journal(&*store, id).await, record);
    assert_eq!(store.journal_owners(id).await.unwrap().len(), 3);
}

/// The first answer may have been lost.
pub async fn taking_again_changes_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (id, first, second) = (samples.journal(), samples.owner(), samples.owner());
    for claim in [claim(id, first, &[]), claim(id, second, &[first])] {
        let record = taken(&*store, &claim).await;
        assert_eq!(taken(&*store, &claim).await, record);
        assert_eq!(journal(&*store, id).await, record);
    }
    assert_eq!(store.journal_owners(id).await.unwrap().len(), 2);
}

/// For a new journal and for one that belonged to an earlier process of all of them.
pub async fn of_many_who_take_a_journal_at_once_one_gets_it(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (known, before) = (samples.journal(), samples.owner());
    taken(&*store, &claim(known, before, &[])).await;
    for (id, own) in [(samples.journal(), vec![]), (known, vec![before])] {
        let claims: Vec<JournalClaim> = (0..8).map(|_| claim(id, samples.owner(), &own)).collect();
        let answers = at_once(8, |number| {
            let (store, claim) = (store.clone(), claims[number].clone());
            async move { store.take_journal(&claim).await.unwrap() }
        })
        .await;
        let owner = journal(&*store, id).await.owner;
        for (claim, answer) in claims.iter().zip(answers) {
            match answer {
                Claimed::Taken(record) => assert_eq!(record.owner, Some(claim.owner)),
                Claimed::Refused { record, branch } => {
                    assert_eq!(record.owner, owner);
                    assert!(branch.is_some());
                }
            }
            if Some(claim.owner) == owner {
                assert_eq!(taken(&*store, claim).await.owner, owner);
            }
        }
        assert_eq!(store.journal_owners(id).await.unwrap().len(), own.len() + 1);
    }
}

/// The new owner of a journal knows from then on what the former owner has settled.
pub async fn a_batch_commits_before_its_journal_is_taken_or_never(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let mut stored = 0;
    for round in 0..20_u64 {
        let (id, old, new) = (samples.journal(), samples.owner(), samples.owner());
        taken(&*store, &claim(id, old, &[])).await;
        let batch = batch_of(old, &batch(id, 7, &samples.clicks(&link, 20)));
        let settling = tokio::spawn({
            let store = store.clone();
            async move { store.ingest(batch, START).await.unwrap() }
        });
        tokio::time::sleep(std::time::Duration::from_micros(round * 300)).await;
        let record = taken(&*store, &claim(id, new, &[old])).await;
        let settled = matches!(settling.await.unwrap(), Ingested::Settled(_));
        assert_eq!(record.committed, if settled { 27 } else { 7 });
        assert_eq!(journal(&*store, id).await.committed, record.committed);
        stored += record.committed - 7;
    }
    assert_counted(&*store, &link, stored, 0).await;
}

fn note_of(journal: JournalId, owner: JournalOwner, at: OffsetDateTime) -> JournalNote {
    JournalNote {
        journal,
        owner,
        accepted: 12,
        pending_since: Some(at - Duration::nanoseconds(1_001)),
        ends: false,
        at,
    }
}

/// A forgotten journal is not listed, keeps its position, and is known again when it is used.
pub async fn a_forgotten_journal_is_known_again_when_it_is_used(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (id, other) = (samples.journal(), samples.journal());
    let [first, second] = std::array::from_fn(|_| samples.owner());
    let retry = JournalClaim {
        retry_of: Some(other),
        ..claim(id, first, &[])
    };
    let seen = taken(&*store, &retry).await;
    assert_eq!((seen.retry_of, seen.forgotten_at), (Some(other), None));
    let at = START + Duration::nanoseconds(1_999);
    let forgotten = JournalRecord {
        forgotten_at: Some(micros(at)),
        ..seen.clone()
    };
    let forget = async || assert!(store.forget_journal(&seen, at).await.unwrap());
    for step in 0..2 {
        forget().await;
        forget().await;
        assert_eq!(store.journals().await.unwrap(), []);
        assert_eq!(
            journal(&*store, id).await.forgotten_at,
            forgotten.forgotten_at
        );
        if step == 0 {
            let note = note_of(id, first, START);
            assert!(store.note_journal(&note).await.unwrap());
        } else {
            let record = taken(&*store, &claim(id, second, &[first])).await;
            assert_eq!((record.committed, record.retry_of), (7, Some(other)));
        }
        let known = journal(&*store, id).await;
        assert_eq!(known.forgotten_at, None);
        assert_eq!(store.journals().await.unwrap(), [known]);
    }
    // One has changed since it was read; the other one does not exist.
    for id in [id, other] {
        let seen = JournalRecord { id, ..seen.clone() };
        assert!(!store.forget_journal(&seen, at).await.unwrap());
    }
    assert_eq!(journal(&*store, id).await.forgotten_at, None);
}

/// The next owner of a journal learns the last note of the former one.
pub async fn a_note_is_kept_until_the_next_one(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (id, first, second) = (samples.journal(), samples.owner(), samples.owner());
    taken(&*store, &claim(id, first, &[])).await;
    let at = START + Duration::nanoseconds(5_001_999);
    let note = note_of(id, first, at);
    assert!(store.note_journal(&note).await.unwrap());
    let record = journal(&*store, id).await;
    assert_eq!(record.accepted, 12);
    assert_eq!(record.pending_since, note.pending_since.map(micros));
    assert_eq!(record.noted_at, Some(micros(at)));
    assert!(record.process.is_some());
    let last = JournalNote {
        accepted: 15,
        pending_since: None,
        ends: true,
        ..note
    };
    assert!(store.note_journal(&last).await.unwrap());
    let record = taken(&*store, &claim(id, second, &[first])).await;
    assert_eq!((record.accepted, record.pending_since), (15, None));
    assert_eq!(record.owner, Some(second));
    assert!(record.process.is_some());
    let unknown = note_of(samples.journal(), first, at);
    assert!(!store.note_journal(&unknown).await.unwrap());
}

/// Does nothing for a database that is durable at each commit.
pub async fn what_a_journal_has_settled_is_made_durable_for_its_owner(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let (id, owner) = (samples.journal(), samples.owner());
    assert!(!store.make_durable(id, owner).await.unwrap());
    taken(&*store, &claim(id, owner, &[])).await;
    let before = journal(&*store, id).await;
    assert!(store.make_durable(id, owner).await.unwrap());
    assert!(!store.make_durable(id, samples.owner()).await.unwrap());
    assert_eq!(journal(&*store, id).await, before);
}

/// For any journal, more than once.
pub async fn losses_are_accepted_with_a_reason(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    assert_eq!(store.accepted_losses().await.unwrap(), []);
    let mut expected = Vec::new();
    for (clicks, reason) in [
        (7, "the disk of a node died"),
        (0, "\u{e9}".repeat(500).as_str()),
    ] {
        let loss = AcceptedLoss {
            id: samples.accepted_loss(),
            journal: samples.journal(),
            clicks,
            losses: 9,
            rejected: 3,
            retried: 2,
            reason: reason.to_owned(),
            accepted_at: START + Duration::nanoseconds(1_999),
        };
        store.accept_loss(&loss).await.unwrap();
        expected.push(AcceptedLoss {
            accepted_at: micros(loss.accepted_at),
            ..loss
        });
    }
    assert_eq!(store.accepted_losses().await.unwrap(), expected);
}

//! Tests of storing clicks without a server: those that the database rejected, and those of a
//! server that is gone.

use std::path::PathBuf;

use waypost_core::JournalId;
use waypost_store::JournalRecord;

use super::*;
use crate::ledger;

pub(super) const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn drain_of(setup: &Setup, keep: Duration) -> Drain {
    let parts = setup.rig.parts();
    Drain {
        store: parts.store,
        clock: parts.clock,
        random: parts.random,
        user_agents: parts.user_agents,
        privacy: parts.privacy,
        records_per_day: parts.records_per_day,
        settings: crate::JournalSettings {
            keep,
            ..crate::rig::SETTINGS
        },
        patience: Duration::from_secs(60),
    }
}

async fn retry(setup: &Setup) -> Vec<Drained> {
    let drain = drain_of(setup, KEEP);
    let retried = drain.retry(&setup.rig.path(), |_, _| ()).await.unwrap();
    retried.unwrap()
}

/// Returns a journal whose database rejected two of these five clicks, and accepts them now.
async fn with_two_refused(privacy: Privacy) -> (Setup, Vec<ClickId>) {
    let mut setup = Setup::new().await;
    setup.rig.privacy = privacy;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(5);
    refuse(&setup, &[clicks[1], clicks[3]], bad_value);
    setup.settle(&mut ingester).await;
    setup.counts(3).await;
    setup.witness.seen().refuse = None;
    (setup, clicks)
}

/// Returns the problems of all journals.
async fn problems(setup: &Setup) -> Vec<ledger::JournalProblem> {
    let journals = ledger::journals(&*setup.store, &setup.rig.path()).await;
    let journals = journals.unwrap().into_iter();
    journals.flat_map(|journal| journal.problems).collect()
}

/// Returns the directories in which clicks are retried.
fn retries(setup: &Setup) -> Vec<PathBuf> {
    let found = std::fs::read_dir(setup.rig.path().join("retries")).unwrap();
    let paths = found.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

#[tokio::test(start_paused = true)]
async fn refused_clicks_are_stored_once_when_they_are_tried_again() {
    for privacy in [Privacy::Full, Privacy::Counts] {
        let (setup, _) = with_two_refused(privacy).await;
        let lost = |clicks| vec![ledger::JournalProblem::Lost { clicks }];
        assert_eq!(problems(&setup).await, lost(2));
        let retried = retry(&setup).await;
        assert_eq!(retried.len(), 1);
        assert_eq!((retried[0].stored, retried[0].pending), (2, 0));
        setup.counts(5).await;
        assert_eq!(problems(&setup).await, []);
        assert_eq!(setup.set_aside(), []);
        for again in retry(&setup).await {
            assert_eq!((again.stored, again.pending), (0, 0), "{again:?}");
        }
        setup.counts(5).await;
        assert_eq!(retries(&setup).is_empty(), !privacy.keeps_rows());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_again_is_set_aside_again() {
    let (setup, clicks) = with_two_refused(Privacy::Full).await;
    refuse(&setup, &clicks[3..4], bad_value);
    let retried = retry(&setup).await;
    assert_eq!((retried[0].stored, retried[0].dropped.rejected), (1, 1));
    setup.counts(4).await;
    let lost = vec![ledger::JournalProblem::Lost { clicks: 1 }];
    assert_eq!(problems(&setup).await, lost);
    setup.witness.seen().refuse = None;
    let stored: u64 = retry(&setup).await.iter().map(|one| one.stored).sum();
    assert_eq!(stored, 1);
    setup.counts(5).await;
    assert_eq!(problems(&setup).await, []);
}

/// A retry that was killed continues where it was.
#[tokio::test(start_paused = true)]
async fn a_try_that_was_interrupted_stores_nothing_twice() {
    for privacy in [Privacy::Full, Privacy::Counts] {
        for step in 0..5 {
            let (setup, _) = with_two_refused(privacy).await;
            let frames = std::fs::read(setup.rig.path().join("rejected")).unwrap();
            setup.witness.seen().refuse = Some(Box::new(|_| Some(StoreError::unavailable("away"))));
            let retried = retry(&setup).await;
            assert_eq!(retried[0].pending, 2);
            assert!(retried[0].failure.as_ref().unwrap().contains("away"));
            setup.witness.seen().refuse = None;
            let [retry_directory] = &retries(&setup)[..] else {
                panic!("{:?}", retries(&setup))
            };
            let files = |names: &[&str]| {
                for name in names {
                    std::fs::remove_file(retry_directory.join(name)).unwrap();
                }
            };
            let segment = "00000000000000000000.clicks";
            match step {
                // Killed before the file was taken.
                0 => {
                    std::fs::write(setup.rig.path().join("rejected"), &frames).unwrap();
                    files(&["id", segment]);
                }
                // Killed after that, before or while the segment was written.
                1 | 2 => {
                    std::fs::write(retry_directory.join("source"), &frames).unwrap();
                    files(&["id"]);
                    if step == 1 {
                        files(&[segment]);
                    } else {
                        std::fs::write(retry_directory.join(segment), b"WAY").unwrap();
                    }
                }
                3 => std::fs::write(retry_directory.join("source"), &frames).unwrap(),
                _ => {}
            }
            let stored: u64 = retry(&setup).await.iter().map(|one| one.stored).sum();
            assert_eq!(stored, 2, "{step}");
            setup.counts(5).await;
            assert_eq!(problems(&setup).await, [], "{step}");
        }
    }
}

/// Clicks set aside twice, because the database was restored in between, are stored once.
#[tokio::test(start_paused = true)]
async fn a_click_that_was_set_aside_twice_is_stored_once() {
    for privacy in [Privacy::Full, Privacy::Counts] {
        let (setup, _) = with_two_refused(privacy).await;
        let file = setup.rig.path().join("rejected");
        let frames = std::fs::read(&file).unwrap();
        std::fs::write(&file, [&*frames, &*frames].concat()).unwrap();
        assert_eq!(retry(&setup).await[0].stored, 2);
        setup.counts(5).await;
        // The same clicks in another file.
        std::fs::write(&file, &frames).unwrap();
        // The journal of the first retry is there as well, in any order, and has nothing left.
        let retried = retry(&setup).await;
        assert!(retried.iter().all(|one| one.stored == 0));
        if privacy.keeps_rows() {
            assert!(retried.iter().all(|one| one.pending == 0));
            let duplicates: u64 = retried.iter().map(|one| one.duplicates).sum();
            assert_eq!(duplicates, 2);
        } else {
            let failures: Vec<_> = retried
                .iter()
                .filter_map(|one| one.failure.as_ref())
                .collect();
            assert!(failures.len() == 1 && failures[0].contains("was restored"));
            // Clicks that are rejected later do not change that.
            assert!(retry(&setup).await.iter().all(|one| one.failure.is_none()));
        }
        setup.counts(5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_that_were_refused_under_another_id_count_for_that_one() {
    let (setup, clicks) = with_two_refused(Privacy::Full).await;
    let before = setup.rig.journal.id();
    let after = JournalId::new(setup.rig.clock.now(), &*setup.rig.random);
    setup.rig.journal.rename(after).unwrap();
    let mut ingester = setup.rig.ingester().await;
    let more = setup.clicks(1);
    refuse(&setup, &more, bad_value);
    setup.settle(&mut ingester).await;
    setup.witness.seen().refuse = None;
    assert_eq!(retry(&setup).await.len(), 2);
    let records = setup.store.journals().await.unwrap();
    let settled = |of| {
        let of_same = records.iter().filter(|record| record.retry_of == Some(of));
        of_same.map(|record| record.committed).sum::<u64>()
    };
    assert_eq!((settled(before), settled(after)), (2, 1));
    setup.counts(clicks.len() + 1).await;
}

/// A server that sets clicks aside at the same time loses none.
#[tokio::test]
async fn no_click_is_missed_while_a_server_sets_others_aside() {
    let (setup, _) = with_two_refused(Privacy::Full).await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let path = setup.rig.path();
    let click = set_aside(&path).unwrap().remove(0);
    let retries = crate::journal::Retries::of(&path).unwrap().unwrap();
    let prepare = || retries.prepare(&*setup.rig.random, setup.rig.clock.now());
    let written = std::thread::scope(|scope| {
        let setting_aside = scope.spawn(|| {
            let mut written = 0;
            while written == 0 || !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let mut click = click.clone();
                click.id = ClickId::from_uuid(uuid::Uuid::from_u128(written as u128));
                let record = crate::journal::ClickRecord::of(&click, None);
                let aside = setup.rig.journal.set_aside(&record).unwrap();
                if written % 3 == 2 {
                    aside.undo();
                }
                written += 1;
            }
            written
        });
        for _ in 0..20 {
            prepare().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        setting_aside.join().unwrap()
    });
    let tried = prepare().unwrap();
    let tried: usize = tried.iter().map(|one| one.clicks().unwrap().len()).sum();
    assert_eq!(tried, 2 + written - written / 3);
}

#[tokio::test(start_paused = true)]
async fn the_journal_of_a_node_that_is_gone_is_drained() {
    let setup = Setup::new().await;
    setup.rig.ingester().await;
    let clicks = setup.clicks(100);
    let path = setup.rig.path();
    let drain = drain_of(&setup, KEEP);
    // A journal in use cannot be drained.
    let failure = drain.drain(&path, |_, _| ()).await.unwrap_err();
    let is_locked = matches!(failure, IngesterError::Journal(JournalError::Locked { .. }));
    assert!(is_locked, "{failure}");
    let Setup {
        rig,
        witness,
        link,
        store,
    } = setup;
    let rig = rig.restart_after(|_| ());
    let setup = Setup {
        witness,
        link,
        store,
        rig,
    };
    // A copy of the directory is not in use and can be drained.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    let mut told = Vec::new();
    let drained = drain.drain(copy.path(), |done, total| told.push((done, total)));
    let drained = drained.await.unwrap();
    assert_eq!((drained.stored, drained.pending), (100, 0));
    assert_eq!(told.first(), Some(&(0, 100)));
    assert_eq!(told.last(), Some(&(100, 100)));
    setup.has(&clicks);
    let record: JournalRecord = setup.record().await;
    assert_eq!((record.accepted, record.process), (100, None));
    let again = drain.drain(copy.path(), |_, _| ()).await.unwrap();
    assert_eq!((again.stored, again.pending), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_gives_up_when_nothing_can_be_stored() {
    let setup = Setup::new().await;
    setup.rig.ingester().await;
    let clicks = setup.clicks(10);
    let drain = drain_of(&setup, KEEP);
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(setup.rig.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    setup.witness.seen().refuse = Some(Box::new(|_| Some(StoreError::internal("no right"))));
    let drained = drain.drain(copy.path(), |_, _| ()).await.unwrap();
    assert_eq!((drained.stored, drained.pending), (0, 10));
    assert!(drained.failure.unwrap().contains("no right"));
    setup.witness.seen().refuse = None;
    let drained = drain.drain(copy.path(), |_, _| ()).await.unwrap();
    assert_eq!((drained.stored, drained.pending), (10, 0));
    setup.has(&clicks);
}

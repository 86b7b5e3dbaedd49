//! Cases of concurrent work. Each task represents a request, an ingester or an operator; all tasks
//! of a case start at the same moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::Duration;
use tokio::sync::{Barrier, Semaphore};
use waypost_core::{
    Click, Link, LinkCursor, ManualClock, PageRequest, Random, ReservedWords, SeededRandom,
};
use waypost_service::{Shortener, ShortenerParts};
use waypost_store::{Recorded, Store, StoreError};

use super::rows::{assert_clicks, assert_days};
use super::salts::TODAY;
use super::{StoreFactory, all_of, assert_counted, assert_same, codes, find, insert, insert_all};
use crate::samples::{FAR_FUTURE, RepeatingRandom, START, Samples};

/// Runs `work(0)` to `work(count - 1)`, each in a task of its own, and returns their results. They
/// start when the last one is ready.
pub(super) async fn at_once<T, W>(count: usize, work: impl Fn(usize) -> W) -> Vec<T>
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (barrier, work) = (barrier.clone(), work(number));
            tokio::spawn(async move {
                barrier.wait().await;
                work.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.expect("the task ends"));
    }
    results
}

/// Records each batch in a task of its own and asserts that it is stored completely.
pub(super) async fn record_at_once(store: &Arc<dyn Store>, batches: &[Vec<Click>]) {
    at_once(batches.len(), |number| {
        let (store, batch) = (store.clone(), batches[number].clone());
        async move {
            let expected = u64::try_from(batch.len()).unwrap();
            let recorded = store.record_clicks(&batch).await;
            assert_eq!(recorded.unwrap(), all_of(expected));
        }
    })
    .await;
}

/// 64 concurrent visits are 64 clicks.
pub async fn sixty_four_concurrent_clicks_are_exactly_sixty_four(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let clicks = samples.clicks(&link, 64);
    let batches: Vec<Vec<Click>> = clicks.iter().map(|click| vec![click.clone()]).collect();
    record_at_once(&store, &batches).await;
    assert_counted(&*store, &link, 64, 0).await;
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 64);
    assert_clicks(rows.as_deref(), &clicks).await;
}

/// Batches with the same links in different orders do not deadlock.
pub async fn batches_in_opposite_link_orders_are_all_stored(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(8);
    insert_all(&*store, &links).await;
    let batches: Vec<Vec<Click>> = (0..64)
        .map(|number| {
            let mut batch: Vec<Click> = links.iter().map(|link| samples.click(link)).collect();
            batch.rotate_left(number % 8);
            if number % 2 == 1 {
                batch.reverse();
            }
            batch
        })
        .collect();
    record_at_once(&store, &batches).await;
    for link in &links {
        assert_counted(&*store, link, 64, 0).await;
    }
}

/// The same batch from several nodes counts once; the others learn that it is stored.
pub async fn a_batch_recorded_by_many_at_once_counts_once(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(2);
    insert_all(&*store, &links).await;
    let mut batch = samples.clicks(&links[0], 3);
    batch.extend(samples.clicks(&links[1], 2));
    let answers = at_once(16, |_| {
        let (store, batch) = (store.clone(), batch.clone());
        async move { store.record_clicks(&batch).await }
    })
    .await;
    let mut stored = 0;
    for answer in answers {
        match answer {
            Ok(recorded) => {
                assert_eq!(recorded, all_of(5));
                stored += 1;
            }
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(stored, 1);
    assert_counted(&*store, &links[0], 3, 0).await;
    assert_counted(&*store, &links[1], 2, 0).await;
}

/// Returns a shortener for `https://go.example` whose clock stands at [`START`], without reserved
/// words.
fn shortener(store: Arc<dyn Store>, random: Arc<dyn Random>) -> Shortener {
    Shortener::new(ShortenerParts {
        store,
        clock: Arc::new(ManualClock::new(START)),
        random,
        reserved: ReservedWords::default(),
        base_url: "https://go.example".parse().expect("a base URL"),
        resolver: None,
    })
}

/// 50 concurrent requests to shorten a URL create 50 links.
pub async fn fifty_concurrent_shortenings_make_fifty_links(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let shortener = shortener(store.clone(), Arc::new(SeededRandom::new(1)));
    let links = at_once(50, |number| {
        let shortener = shortener.clone();
        async move {
            let url = format!("https://example.com/{number}");
            shortener.shorten(&url, None).await.unwrap()
        }
    })
    .await;
    assert_eq!(store.counts().await.unwrap().links, 50);
    for (number, link) in links.iter().enumerate() {
        let found = find(&*store, &link.code).await;
        assert_same(&found, link);
        assert_eq!(
            found.target.as_str(),
            format!("https://example.com/{number}")
        );
    }
}

/// A generated code that is in use is replaced by another one, and by a longer one after a few
/// attempts.
pub async fn a_drawn_code_that_is_taken_is_drawn_again(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let taken = Samples::new(1).link(&RepeatingRandom::code(7));
    insert(&*store, &taken).await;
    // A generated link takes two fills: the code and the ID.
    for (seed, collisions, length) in [(1, 0, 7), (2, 1, 7), (3, 2, 7), (4, 3, 8)] {
        let random = Arc::new(RepeatingRandom::new(2 * collisions, seed));
        let shortener = shortener(store.clone(), random);
        let link = shortener.shorten("https://example.com", None).await;
        let link = link.unwrap();
        assert_eq!(link.code.as_str().len(), length);
        assert_same(&find(&*store, &link.code).await, &link);
    }
    assert_same(&find(&*store, &taken.code).await, &taken);
    assert_eq!(store.counts().await.unwrap().links, 5);
}

/// Of many concurrent requests for the same code one succeeds, and the others are told.
pub async fn one_of_many_concurrent_inserts_of_a_code_wins(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let spellings = ["wiki", "Wiki", "WIKI", "wIKi"];
    let links: Vec<Link> = (0..16)
        .map(|number| samples.link(spellings[number % 4]))
        .collect();
    let answers = at_once(16, |number| {
        let (store, link) = (store.clone(), links[number].clone());
        async move { store.insert_link(&link, None).await }
    })
    .await;
    let mut winners = Vec::new();
    for (link, answer) in links.iter().zip(answers) {
        match answer {
            Ok(()) => winners.push(link),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    let [winner] = winners[..] else {
        panic!("{} of 16 inserts succeeded", winners.len());
    };
    assert_same(&find(&*store, &links[0].code).await, winner);
    assert_eq!(store.counts().await.unwrap().links, 1);
}

/// A click on a link that is being deleted is counted or reported as gone, nothing else; and
/// nothing of the link is left.
pub async fn a_link_can_be_deleted_while_it_is_clicked(factory: &dyn StoreFactory) {
    let (store, rows) = factory.empty_store_with_rows().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    insert(&*store, &link).await;
    let clicks = samples.clicks(&link, 32 * 3);
    let gone = Recorded {
        link_gone: 1,
        ..Recorded::default()
    };

    // The deletion waits until some of the 96 clicks are answered.
    let answered = Arc::new(Semaphore::new(0));
    let recorders = at_once(32, |number| {
        let (store, answered) = (store.clone(), answered.clone());
        let clicks = clicks[number * 3..][..3].to_vec();
        async move {
            let mut answers = Vec::new();
            for click in &clicks {
                answers.push(store.record_clicks(std::slice::from_ref(click)).await);
                answered.add_permits(1);
            }
            answers
        }
    });
    let deletion = async {
        let _some = answered.acquire_many(16).await.unwrap();
        store.delete_link(link.id).await
    };
    let (answers, deleted) = tokio::join!(recorders, deletion);
    assert!(deleted.unwrap());
    for answers in answers {
        let mut was_gone = false;
        for answer in answers {
            let answer = answer.unwrap();
            was_gone |= answer == gone;
            let expected = if was_gone { gone.clone() } else { all_of(1) };
            assert_eq!(answer, expected);
        }
    }
    let late = store.record_clicks(&clicks[..1]).await.unwrap();
    assert_eq!(late, gone);

    assert_eq!(store.link_by_code(&link.code).await.unwrap(), None);
    assert_eq!(store.clicks_before(FAR_FUTURE.into()).await.unwrap(), 0);
    assert_eq!(store.ledger(None, 10).await.unwrap(), vec![]);
    assert_clicks(rows.as_deref(), []).await;
    assert_days(rows.as_deref(), []).await;
    insert(&*store, &link).await;
    assert_counted(&*store, &link, 0, 0).await;
}

/// Nodes that reach a new day at the same moment agree on its salt.
pub async fn concurrent_questions_for_a_salt_get_one_answer(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let candidates: Vec<_> = (0..16).map(|_| samples.salt()).collect();
    let answers = at_once(16, |number| {
        let (store, candidate) = (store.clone(), candidates[number].clone());
        async move { store.salt(TODAY, &candidate).await.unwrap() }
    })
    .await;
    assert!(candidates.contains(&answers[0]));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(store.salt(TODAY, &samples.salt()).await.unwrap() == answers[0]);
}

/// Purging old clicks while new ones are stored loses none and counts none twice.
pub async fn purging_while_recording_keeps_the_ledger_in_agreement(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(3);
    insert_all(&*store, &links).await;
    let old = |link: &Link| samples.click_at(link, START - Duration::DAY);
    let before: Vec<Click> = (0..60).map(|number| old(&links[number % 3])).collect();
    store.record_clicks(&before).await.unwrap();

    // New and old clicks (which arrive late, after an outage) for all three links.
    let batches: Vec<Vec<Click>> = (0..32)
        .map(|_| {
            links
                .iter()
                .flat_map(|link| [samples.click(link), old(link)])
                .collect()
        })
        .collect();
    let purging = at_once(2, |_| {
        let store = store.clone();
        async move {
            let mut purged = 0;
            for _ in 0..15 {
                purged += store.purge_clicks(START.into(), 5).await.unwrap();
            }
            purged
        }
    });
    let (purged, ()) = tokio::join!(purging, record_at_once(&store, &batches));
    let mut purged: u64 = purged.iter().sum();
    let left = store.clicks_before(START.into()).await.unwrap();
    assert_eq!(purged + left, 60 + 32 * 3);
    purged += store.purge_clicks(START.into(), u32::MAX).await.unwrap();
    assert_eq!(purged, 60 + 32 * 3);
    for link in &links {
        assert_counted(&*store, link, 20 + 64, 20 + 32).await;
    }
}

/// A recount never sees half a batch, and totals only grow.
pub async fn the_ledger_agrees_at_any_moment_while_recording(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(4);
    insert_all(&*store, &links).await;
    let batches: Vec<Vec<Click>> = (0..48)
        .map(|_| {
            links
                .iter()
                .flat_map(|link| samples.clicks(link, 3))
                .collect()
        })
        .collect();
    let done = Arc::new(AtomicBool::new(false));
    let readers = at_once(2, |_| {
        let (store, done) = (store.clone(), done.clone());
        async move {
            let mut last = vec![0; 4];
            // At most 50 times, to limit the load on a slow database.
            for _ in 0..50 {
                let over = done.load(Ordering::SeqCst);
                let entries = store.ledger(None, 10).await.unwrap();
                assert!(
                    entries.iter().all(waypost_store::LinkLedger::agrees),
                    "{entries:?}"
                );
                let totals: Vec<u64> = entries.iter().map(|entry| entry.total).collect();
                assert!(last.iter().zip(&totals).all(|(last, total)| last <= total));
                assert!(totals.iter().all(|total| total % 3 == 0), "{totals:?}");
                last = totals;
                if over {
                    break;
                }
            }
        }
    });
    let recording = async {
        record_at_once(&store, &batches).await;
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(readers, recording);
    for link in &links {
        assert_counted(&*store, link, 144, 0).await;
    }
}

/// A walk through the list during insertions and deletions sees each link that stays exactly once.
pub async fn a_cursor_walk_during_changes_repeats_and_skips_nothing(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let links = samples.links(40);
    insert_all(&*store, &links).await;
    let newer = samples.links(20);
    let changes = at_once(20, |number| {
        let store = store.clone();
        let (inserted, deleted) = (newer[number].clone(), links[number * 2].id);
        async move {
            store.insert_link(&inserted, None).await.unwrap();
            assert!(store.delete_link(deleted).await.unwrap());
        }
    });
    let walks = at_once(2, |_| {
        let store = store.clone();
        async move {
            let mut seen: Vec<Link> = Vec::new();
            loop {
                let cursor = seen.last().map(LinkCursor::from);
                let step = store.links_after(cursor, 3).await.unwrap();
                if step.is_empty() {
                    return seen;
                }
                seen.extend(step);
                assert!(seen.len() <= 100, "the walk does not end");
            }
        }
    });
    let (walks, _) = tokio::join!(walks, changes);

    let stayed: Vec<Link> = links.iter().skip(1).step_by(2).rev().cloned().collect();
    for mut seen in walks {
        let newest_first = |pair: &[Link]| pair[0].created_at > pair[1].created_at;
        assert!(seen.windows(2).all(newest_first), "{:?}", codes(&seen));
        seen.retain(|link| stayed.iter().any(|stayed| stayed.id == link.id));
        assert_eq!(codes(&seen), codes(&stayed));
    }
    let all = PageRequest::new(1, 100).unwrap();
    let all = store
        .links_page(waypost_store::PageOf::All, all)
        .await
        .unwrap();
    assert_eq!((all.items.len(), all.total), (40, 40));
}

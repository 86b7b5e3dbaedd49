//! Cases of [`SpaceStore`](waypost_store::SpaceStore).

use waypost_store::Space;

use super::StoreFactory;
use crate::samples::{FAR_FUTURE, Samples};

const CLICKS: usize = 2_000;
const STEP: u32 = 10;

/// After a purge, unused space is released step by step until none is left, and all numbers stay.
pub async fn space_is_released_in_steps_and_no_number_changes(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    let samples = Samples::new(1);
    let link = samples.link("wiki");
    store.insert_link(&link, None).await.unwrap();
    let clicks = samples.clicks(&link, CLICKS);
    store.record_clicks(&clicks).await.unwrap();
    while store.purge_clicks(FAR_FUTURE.into(), 500).await.unwrap() > 0 {}

    let before = store.space().await.unwrap();
    let mut released = 0;
    loop {
        let now = store.release_space(STEP).await.unwrap();
        assert!(now <= u64::from(STEP), "{now}");
        released += now;
        if now == 0 {
            break;
        }
    }
    let after = store.space().await.unwrap();
    if let (Some(before), Some(after)) = (before, after) {
        assert!(
            before.shrinks && before.unused > 2 * u64::from(STEP),
            "{before:?}"
        );
        assert_eq!(after.unused, 0);
        assert!(released >= before.unused, "{before:?} {released}");
        assert_eq!(after.pages, before.pages - released);
        assert!(after.bytes() < before.bytes());
    } else {
        assert_eq!((before, after, released), (None::<Space>, None, 0));
    }
    let ledger = store.ledger(None, 9).await.unwrap();
    let [link] = ledger.as_slice() else {
        panic!("one link, not {ledger:?}");
    };
    assert!(link.agrees() && link.rows == 0, "{link:?}");
    assert_eq!(link.purged, u64::try_from(CLICKS).unwrap());
}

/// A database without unused space has nothing to release.
pub async fn nothing_is_released_where_nothing_was_deleted(factory: &dyn StoreFactory) {
    let store = factory.empty_store().await;
    while store.release_space(1_000).await.unwrap() > 0 {}
    assert_eq!(store.release_space(1_000).await.unwrap(), 0);
    assert!(
        store
            .space()
            .await
            .unwrap()
            .is_none_or(|space| space.unused == 0)
    );
}

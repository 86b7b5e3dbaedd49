//! Links that were deleted long ago.

use super::*;

#[tokio::test(start_paused = true)]
async fn deleted_links_are_purged_with_their_records_after_a_month() {
    let setup = setup(1_200).await;
    let kept = setup.store.add_link("kept").await;
    setup.delete(&setup.link).await;
    let maintenance = setup.maintenance(None);
    setup.advance(time::Duration::days(30));
    let pass = maintenance.run_once().await;
    assert_eq!((pass.links_purged, pass.failures), (0, 0));
    assert_eq!(setup.rows().await, 1_200);
    setup.advance(time::Duration::SECOND);
    let pass = maintenance.run_once().await;
    assert_eq!((pass.links_purged, pass.failures), (1, 0));
    // Records of a retention are counted, and these are not of one.
    assert_eq!(pass.clicks_purged, 0);
    assert_eq!(setup.rows().await, 0);
    assert_eq!(setup.store.link(setup.link.id).await.unwrap(), None);
    assert!(setup.store.link(kept.id).await.unwrap().is_some());
    assert_eq!(setup.purges().await, ["1 deleted link older than 30d"]);
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_the_deleted_links_are_not_purged_at_once() {
    let setup = setup(0).await;
    let maintenance = setup.maintenance(None);
    for number in 0..101 {
        let link = setup.store.add_link(&format!("old-{number}")).await;
        setup.delete(&link).await;
    }
    // Both clocks are ahead, which cannot be detected.
    setup.advance(time::Duration::days(400));
    for _ in 0..2 {
        let pass = maintenance.run_once().await;
        assert_eq!((pass.links_purged, pass.failures), (0, 1));
    }
    for number in 0..101 {
        let link = setup.store.add_link(&format!("new-{number}")).await;
        setup.delete(&link).await;
    }
    let pass = maintenance.run_once().await;
    assert_eq!((pass.links_purged, pass.failures), (101, 0));
}

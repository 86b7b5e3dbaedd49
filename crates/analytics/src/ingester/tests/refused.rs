//! Tests of clicks that the database rejects, and of a database that rejects everything.

use super::*;

#[tokio::test(start_paused = true)]
async fn only_the_refused_click_is_set_aside_wherever_it_stands() {
    for error in [bad_value, conflict, || StoreError::Corrupt {
        table: "link_days",
        column: "day",
    }] {
        for position in 0..13 {
            let setup = Setup::new().await;
            let mut ingester = setup.rig.ingester().await;
            let mut clicks = setup.clicks(13);
            refuse(&setup, &clicks[position..=position], error);
            setup.settle(&mut ingester).await;
            let poisoned = clicks.remove(position);
            setup.has(&clicks);
            assert_eq!(setup.set_aside(), [poisoned]);
            let record = setup.record().await;
            assert_eq!((record.stored, record.dropped.rejected), (12, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_set_aside_is_the_whole_click() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(3);
    refuse(&setup, &clicks[1..], bad_value);
    setup.settle(&mut ingester).await;
    let aside = set_aside(&setup.rig.path()).unwrap();
    assert_eq!(aside.len(), 2);
    for (click, number) in aside.iter().zip(1..) {
        assert_eq!(click.id, clicks[number]);
        assert_eq!(click.link_id, setup.link.id);
        assert_eq!(click.clicked_at, setup.rig.clock.now());
        let user_agent = click.user_agent.as_ref().unwrap().as_str();
        assert_eq!(user_agent, number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_refuses_even_nothing_has_no_click_set_aside() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(50);
    setup.witness.seen().refuse = Some(Box::new(|_| Some(bad_value())));
    setup.work(&mut ingester, 3_600).await;
    assert_eq!(setup.set_aside(), []);
    assert!(setup.rig.journal.progress().is_away());
    setup.witness.seen().refuse = None;
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
}

#[tokio::test(start_paused = true)]
async fn others_are_told_what_waits_while_the_database_refuses() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    setup.work(&mut ingester, 1).await;
    setup.witness.seen().refuse = Some(Box::new(|_| Some(StoreError::internal("no right"))));
    setup.clicks(5);
    setup.work(&mut ingester, 60).await;
    let record = setup.witness.journal(setup.rig.journal.id()).await;
    let record = record.unwrap().unwrap();
    assert_eq!((record.accepted, record.committed), (5, 0));
    assert!(record.pending_since.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_refuses_every_click_gets_few_of_them_set_aside_and_then_a_rest() {
    let setup = Setup::new().await;
    let running = setup.rig.run().await;
    let clicks = setup.clicks(100);
    refuse(&setup, &clicks, bad_value);
    let few = usize::try_from(REFUSED_IN_A_ROW).unwrap();
    let rest = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    rest(29).await;
    assert_eq!(setup.set_aside(), clicks[..few]);
    rest(30).await;
    assert_eq!(setup.set_aside(), clicks[..=few]);
    setup.witness.seen().refuse = None;
    rest(31).await;
    setup.has(&clicks[few + 1..]);
    drop(running);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_wrong_with_the_clicks_is_waited_for() {
    let no_rights = || StoreError::internal("permission denied for table link_clicks");
    for error in [no_rights, || StoreError::NotFound] {
        let setup = Setup::new().await;
        let mut ingester = setup.rig.ingester().await;
        let clicks = setup.clicks(50);
        setup.witness.seen().refuse = Some(Box::new(move |batch| {
            (!batch.clicks.is_empty()).then(error)
        }));
        setup.work(&mut ingester, 3_600).await;
        assert_eq!(setup.set_aside(), []);
        assert!(setup.rig.journal.progress().is_away());
        setup.witness.seen().refuse = None;
        setup.settle(&mut ingester).await;
        setup.has(&clicks);
        assert_eq!(setup.record().await.stored, 50);
    }
}

#[tokio::test(start_paused = true)]
async fn conflicts_delay_no_other_clicks_however_many_there_are() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(60);
    refuse(&setup, &clicks[..50], conflict);
    let settled = setup.settle(&mut ingester);
    tokio::time::timeout(Duration::from_secs(1), settled)
        .await
        .unwrap();
    assert_eq!(setup.set_aside(), clicks[..50]);
    setup.has(&clicks[50..]);
}

#[tokio::test(start_paused = true)]
async fn a_click_that_cannot_be_set_aside_waits() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let clicks = setup.clicks(3);
    refuse(&setup, &clicks[1..2], bad_value);
    let blocked = setup.rig.path().join("rejected");
    std::fs::create_dir(&blocked).unwrap();
    setup.work(&mut ingester, 60).await;
    setup.has(&clicks[..1]);
    assert_eq!(setup.rig.journal.pending(), 2);
    std::fs::remove_dir(&blocked).unwrap();
    setup.settle(&mut ingester).await;
    setup.has(&[clicks[0], clicks[2]]);
    assert_eq!(setup.set_aside(), clicks[1..2]);
}

#[tokio::test(start_paused = true)]
async fn the_metrics_agree_with_what_became_of_the_clicks() {
    for seed in 0..20 {
        let (metrics, _guard) = metered();
        let setup = Setup::failing(seed, |store| {
            store.fail(Operation::Ingest, When::Percent(30), Failure::Before)
        })
        .await;
        let mut ingester = setup.rig.ingester().await;
        let deleted = setup.witness.add_link("deleted").await;
        setup.witness.delete_link(deleted.id).await.unwrap();
        let random = SeededRandom::new(seed);
        let mut expected = Dropped::default();
        let (mut good, mut poison) = (0_u64, Vec::new());
        for _ in 0..60 {
            match draw(&random, 10) {
                0 => poison.extend(setup.clicks(1)),
                1 => {
                    expected.link_deleted += 1;
                    setup.rig.clicks(&deleted, 1);
                }
                _ => {
                    good += 1;
                    setup.clicks(1);
                }
            }
        }
        expected.rejected = poison.len() as u64;
        refuse(&setup, &poison, conflict);
        setup.settle(&mut ingester).await;
        setup.counts(usize::try_from(good).unwrap()).await;
        let record = setup.record().await;
        assert_eq!((record.stored, record.dropped), (good, expected));
        let Dropped {
            rejected,
            link_deleted,
            ..
        } = expected;
        for line in [
            format!("waypost_clicks_recorded_total {good}"),
            format!("waypost_clicks_dropped_total{{reason=\"rejected\"}} {rejected}"),
            format!("waypost_clicks_dropped_total{{reason=\"link_deleted\"}} {link_deleted}"),
        ] {
            shows(&metrics, &line);
        }
    }
}

//! Tests of clicks by signed-in visitors.

use waypost_core::{Session, SessionHash, User, UserId};
use waypost_store::{SessionStore as _, UserStore as _};
use waypost_store_testkit::samples::Samples;

use super::*;

impl Setup {
    /// Adds a user with a session that began an hour ago and expires in an hour.
    async fn signed_in(&self, email: &str) -> (User, Session, SessionHash) {
        let samples = Samples::new(email.len() as u64);
        let user = samples.user(email);
        self.witness.insert_user(&user, None).await.unwrap();
        let now = self.rig.clock.now();
        let (session, secret) = samples.session(&user);
        let session = Session {
            created_at: now - time::Duration::HOUR,
            expires_at: now + time::Duration::HOUR,
            ..session
        };
        let hash = secret.hash();
        let inserted = self.witness.insert_session(&session, &hash).await;
        inserted.unwrap();
        (user, session, hash)
    }

    fn click_by(&self, session: SessionHash) -> ClickId {
        self.rig.click_with(&self.link, Some(session)).unwrap()
    }

    /// Returns the users of the clicks in the database.
    fn users(&self) -> Vec<Option<UserId>> {
        let seen = self.witness.seen();
        seen.clicks.iter().map(|click| click.user_id).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn clicks_belong_to_signed_in_users_who_are_looked_up_once_per_batch() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let (ada, _, of_ada) = setup.signed_in("ada@example.com").await;
    let (grace, _, of_grace) = setup.signed_in("grace.hopper@example.com").await;
    setup.clicks(1);
    for session in [of_ada, of_grace, of_ada, SessionHash::of("nobody's")] {
        setup.click_by(session);
    }
    setup.settle(&mut ingester).await;
    let (ada, grace) = (Some(ada.id), Some(grace.id));
    assert_eq!(setup.users(), [None, ada, grace, ada, None]);
    assert_eq!(setup.store.calls(Operation::UsersOfSessions), 1);
    setup.clicks(3);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.store.calls(Operation::UsersOfSessions), 1);
}

#[tokio::test(start_paused = true)]
async fn a_click_counts_for_the_time_in_which_its_session_was_valid() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let (ada, session, hash) = setup.signed_in("ada@example.com").await;
    setup.click_by(hash);
    setup.rig.clock.advance(time::Duration::MINUTE);
    let now = setup.rig.clock.now();
    // Sign out before anything is stored.
    let ended = setup.witness.end_session(ada.id, session.id, now).await;
    assert!(ended.unwrap());
    setup.click_by(hash);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.users(), [Some(ada.id), None]);

    let (grace, _, hash) = setup.signed_in("grace.hopper@example.com").await;
    setup
        .rig
        .clock
        .advance(time::Duration::HOUR - time::Duration::SECOND);
    setup.click_by(hash);
    setup.rig.clock.advance(time::Duration::SECOND);
    setup.click_by(hash);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.users()[2..], [Some(grace.id), None]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_loses_no_click_and_delays_none() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let (ada, _, hash) = setup.signed_in("ada@example.com").await;
    let mut clicks = vec![setup.click_by(hash)];
    clicks.extend(setup.clicks(1));
    clicks.push(setup.click_by(hash));
    // Each time, the user is deleted between the look-up and the insertion.
    let gone = ada.id;
    setup.witness.seen().refuse = Some(Box::new(move |batch| {
        let of_gone = |click: &waypost_core::Click| click.user_id == Some(gone);
        batch.clicks.iter().any(of_gone).then(bad_value)
    }));
    setup.settle(&mut ingester).await;
    setup.has(&clicks);
    assert_eq!(setup.users(), [None; 3]);
    assert_eq!(setup.set_aside(), []);
    assert_eq!(setup.record().await.dropped.rejected, 0);

    // The user is deleted before: the look-up finds none.
    setup.witness.seen().refuse = None;
    setup.witness.delete_user(ada.id).await.unwrap();
    setup.click_by(hash);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.users(), [None; 4]);
}

#[tokio::test(start_paused = true)]
async fn whose_a_click_is_waits_for_the_database_like_the_click() {
    let setup = Setup::failing(1, |store| {
        store.fail(Operation::UsersOfSessions, When::Nth(1), Failure::Before)
    })
    .await;
    let mut ingester = setup.rig.ingester().await;
    let (ada, _, hash) = setup.signed_in("ada@example.com").await;
    setup.click_by(hash);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.users(), [Some(ada.id)]);
    assert_eq!(setup.store.calls(Operation::UsersOfSessions), 2);
}

#[tokio::test(start_paused = true)]
async fn a_click_that_is_set_aside_keeps_its_session() {
    let setup = Setup::new().await;
    let mut ingester = setup.rig.ingester().await;
    let (_, _, hash) = setup.signed_in("ada@example.com").await;
    let click = setup.click_by(hash);
    refuse(&setup, &[click], bad_value);
    setup.settle(&mut ingester).await;
    assert_eq!(setup.set_aside(), [click]);
    let file = std::fs::read(setup.rig.path().join("rejected")).unwrap();
    let hash = hash.as_bytes().as_slice();
    assert!(file.windows(32).any(|bytes| bytes == hash));
}

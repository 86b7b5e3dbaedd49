//! Signing in with a browser on each database, from the first start to signing out everywhere.

use reqwest::{Method, StatusCode};
use serde_json::json;
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{PASSWORD, add_with_password, closed, linkctl, set_up_link};
use waypost_e2e::{FRESH_WITHIN, Kept, on_each_database};
use waypost_test_harness::{Invocation, Kind, ServerProcess, TestDatabase, wait_until};

on_each_database!(
    from_the_printed_link_to_a_secure_target_and_out_again,
    clicks_of_somebody_who_is_signed_in_are_theirs,
    a_guesser_has_to_wait_and_a_new_password_signs_out,
);

const EMAIL: &str = "ada@example.com";

async fn from_the_printed_link_to_a_secure_target_and_out_again(kind: Kind) {
    let database = TestDatabase::new(kind);
    let first = ServerProcess::start(&database, closed());
    let mut second = ServerProcess::start(&database, closed());
    first.wait_for_output("/setup?token=", FRESH_WITHIN);
    second.wait_for_output("/setup?token=", FRESH_WITHIN);
    let links = [&first, &second].map(|server| set_up_link(server).expect("a link"));
    for (server, link) in [(&first, &links[0]), (&second, &links[1])] {
        let (_, token) = link.split_once('=').expect("a token");
        assert!(!server.stderr().contains(token), "the log has the token");
    }

    // The set-up link of one server works on every other one, once.
    let mut ada = Browser::of(&second);
    let page = ada.open(&links[0]).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let fields = [("email", EMAIL), ("name", "Ada"), ("password", PASSWORD)];
    let done = ada.fill(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    assert!(ada.is_signed_in().await);
    for link in &links {
        assert_eq!(
            Browser::of(&first).open(link).await.status,
            StatusCode::GONE
        );
    }
    second.restart();
    second.wait_for_output("/metrics", FRESH_WITHIN);
    assert_eq!(set_up_link(&second), None);

    let link = json!({
        "url": "https://example.com/plan", "code": "plan", "visibility": "secure",
    });
    let mut ada = ada.on(&first);
    let made = ada.call(Method::POST, "/api/v1/links", &link).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");

    // Another browser is redirected to sign in, and then to its destination.
    let mut other = Browser::of(&first);
    let sent = other.open("/plan").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let login = sent.location.expect("where to sign in");
    let page = other.open(&login).await;
    let wrong = [("email", EMAIL), ("password", "wrong horse")];
    let page = other.fill(&page, &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("email", EMAIL), ("password", PASSWORD)];
    let signed_in = other.fill(&page, &right).await;
    assert_eq!(
        signed_in.location.as_deref(),
        Some("/plan"),
        "{signed_in:?}"
    );
    let followed = other.open("/plan").await;
    let target = Some("https://example.com/plan");
    assert_eq!(
        (followed.status, followed.location.as_deref()),
        (StatusCode::FOUND, target)
    );

    // Signing out everywhere on one server signs out on the other.
    let mut elsewhere = other.on(&second);
    assert!(elsewhere.is_signed_in().await);
    let page = elsewhere.open("/auth/logout").await;
    elsewhere.fill(&page, &[("everywhere", "true")]).await;
    for browser in [&mut ada, &mut other, &mut elsewhere] {
        assert!(!browser.is_signed_in().await);
    }
    assert_eq!(other.open("/plan").await.status, StatusCode::SEE_OTHER);
}

async fn clicks_of_somebody_who_is_signed_in_are_theirs(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    add_with_password(&database, EMAIL, &[]);
    let mut ada = Browser::of(&server);
    ada.sign_in(EMAIL, PASSWORD, "/").await;
    let link = json!({ "url": "https://example.com/", "code": "wiki" });
    let made = ada.call(Method::POST, "/api/v1/links", &link).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let of_ada = async || {
        let clicks = "select count(*) from link_clicks c join users u on u.id = c.user_id";
        database
            .number(&format!("{clicks} where u.email = '{EMAIL}'"))
            .await
    };
    let stored = async |clicks| Kept::of(&database, "wiki").await == Kept::thrice(clicks);
    assert_eq!(ada.open("/wiki").await.status, StatusCode::FOUND);
    wait_until("the click is stored", FRESH_WITHIN, async || {
        stored(1).await
    })
    .await;
    assert_eq!(of_ada().await, 1);

    // A click counts for the user even if they sign out at once; later clicks have no user.
    let mut stale = ada.clone();
    let page = ada.open("/auth/logout").await;
    assert_eq!(ada.open("/wiki").await.status, StatusCode::FOUND);
    ada.fill(&page, &[]).await;
    assert!(!stale.is_signed_in().await);
    assert_eq!(stale.open("/wiki").await.status, StatusCode::FOUND);
    assert_eq!(ada.open("/wiki").await.status, StatusCode::FOUND);
    wait_until("the clicks are stored", FRESH_WITHIN, async || {
        stored(4).await
    })
    .await;
    assert_eq!(of_ada().await, 2);

    add_with_password(&database, "grace@example.com", &[]);
    let delete = [
        "user",
        "delete",
        EMAIL,
        "--links",
        "reassign:grace@example.com",
        "--yes",
    ];
    linkctl(&database, &delete).assert_success();
    assert_eq!(of_ada().await, 0);
    assert_eq!(Kept::of(&database, "wiki").await, Kept::thrice(4));
}

async fn a_guesser_has_to_wait_and_a_new_password_signs_out(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, closed());
    add_with_password(&database, EMAIL, &[]);
    let mut ada = Browser::of(&server);
    let signed_in = ada.sign_in(EMAIL, PASSWORD, "/wiki").await;
    assert_eq!(signed_in.location.as_deref(), Some("/wiki"));
    let mut guesser = Browser::of(&server);
    for _ in 0..10 {
        let refused = guesser.sign_in(EMAIL, "a guess of mine", "/").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = guesser.sign_in(EMAIL, PASSWORD, "/").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let wait = refused.retry_after.expect("a time to wait");
    assert!((1..=60).contains(&wait), "{wait}");
    // Signed-in users are not affected.
    assert!(ada.is_signed_in().await);
    Invocation::of("linkctl")
        .args(["user", "password", EMAIL])
        .stdin("battery staple\n")
        .database(&database)
        .run()
        .assert_success();
    assert!(!ada.is_signed_in().await);
}

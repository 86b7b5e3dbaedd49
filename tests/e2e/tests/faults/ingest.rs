//! Clicks that the database rejects, a second server on a journal, and what `linkctl` reports.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::Value;
use waypost_e2e::{Kept, Visitor, cut_while_cached, on_each_database};
use waypost_test_harness::{
    DatabaseProxy, Invocation, Kind, ServerOptions, ServerProcess, TestDatabase,
    temporary_directory,
};

use crate::setup::{drained, dropped, durability, links_of, server_with_links, verify};

on_each_database!(a_click_that_the_database_refuses_is_set_aside_and_the_others_are_stored);

/// Rejects the clicks of one browser, as a value that violates a constraint.
fn refusal(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => {
            "create trigger refuse before insert on link_clicks when new.user_agent = 'poison' \
             begin insert into leases (name, holder, expires_at) values (null, x'00', ''); end"
        }
        Kind::Postgres => {
            "create function refuse() returns trigger language plpgsql as \
             'begin if new.user_agent = ''poison'' then \
             raise exception ''refused'' using errcode = ''check_violation''; end if; \
             return new; end'; \
             create trigger refuse before insert on link_clicks for each row execute function \
             refuse()"
        }
        Kind::MariaDb => {
            "create trigger refuse before insert on link_clicks for each row \
             set new.id = if(new.user_agent = 'poison', null, new.id)"
        }
    }
}

async fn a_click_that_the_database_refuses_is_set_aside_and_the_others_are_stored(kind: Kind) {
    let (database, server, codes) = server_with_links(kind, durability("journal"), 1).await;
    database.execute(refusal(kind)).await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    for click in 0..60 {
        let agent = if click % 20 == 7 { "poison" } else { "good" };
        let request = client.get(server.url(&format!("/{}", codes[0])));
        let answer = request.header("user-agent", agent).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
    }
    drained(&server).await;
    assert_eq!(Kept::of(&database, &codes[0]).await, Kept::thrice(57));
    assert!((dropped(&server, "rejected").await - 3.0).abs() < 0.1);
    assert!(
        server.output().contains("it is set aside"),
        "{}",
        server.output()
    );
    let verified = verify(&database, &server);
    assert_eq!(verified["agrees"], false, "the loss has not been accepted");
    assert_eq!(verified["journals"][0]["dropped"]["rejected"], 3);
    let aside = server.data_dir().path().join("journal/rejected");
    let aside = std::fs::read(aside).unwrap();
    let poison = aside.windows(6).filter(|bytes| bytes == b"poison");
    assert_eq!(poison.count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_on_a_link_that_was_deleted_meanwhile_are_counted_as_dropped() {
    let (database, server, codes) = server_with_links(Kind::Sqlite, durability("journal"), 2).await;
    let visitor = Visitor::of(&server);
    for code in &codes {
        visitor.visit(code).await.unwrap();
    }
    drained(&server).await;
    let lock = database.lock().await;
    for code in &codes {
        visitor.visit(code).await.unwrap();
    }
    drop(lock);
    // The server has not been told.
    let sql = format!("delete from links where code = '{}'", codes[0]);
    let deleted = format!("pragma foreign_keys = on; {sql}");
    database.execute(&deleted).await;
    for code in &codes {
        visitor.visit(code).await.unwrap();
    }
    drained(&server).await;
    let gone = dropped(&server, "link_deleted").await;
    assert!((1.0..=2.0).contains(&gone), "{gone}");
    assert_eq!(Kept::of(&database, &codes[1]).await, Kept::thrice(3));
    assert_eq!(verify(&database, &server)["agrees"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_data_directory_is_rejected() {
    let database = TestDatabase::new(Kind::Sqlite);
    let first = ServerProcess::start(&database, ServerOptions::new());
    let same = ServerOptions::new().data_dir(first.data_dir());
    let Err(message) = ServerProcess::try_start(&database, same) else {
        panic!("a second server uses the journal of the first");
    };
    assert!(message.contains("is in use by another server"), "{message}");
    assert!(message.contains("WAYPOST_DATA_DIR"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linkctl_shows_the_pending_clicks_of_the_journal() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let options = durability("journal").env("WAYPOST_DATABASE_URL", proxy.url());
    let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let codes = links_of(&server, 1).await;
    let visitor = Visitor::of(&server);
    visitor.visit(&codes[0]).await.unwrap();
    drained(&server).await;
    cut_while_cached(&proxy, &visitor, &[&codes[0]]).await;
    for _ in 0..3 {
        let (status, _) = visitor.visit(&codes[0]).await.unwrap();
        assert_eq!(status, StatusCode::FOUND);
    }
    let status = |arguments: &[&str]| {
        tokio::task::block_in_place(|| {
            Invocation::of("linkctl")
                .args(arguments.to_vec())
                .database(&database)
                .env("WAYPOST_DATA_DIR", server.data_dir().path())
                .run()
                .assert_success()
                .stdout
        })
    };
    let json: Value = serde_json::from_str(&status(&["journal", "status", "--json"])).unwrap();
    assert_eq!(json["pending"], 3);
    assert!(
        json["oldestPendingAge_s"].is_null() && json["oldestPendingAgeS"].is_number(),
        "{json}"
    );
    assert_eq!(json["segments"][0]["clicks"], 4);
    let text = status(&["journal", "status"]);
    assert!(
        text.contains("3 clicks pending, the oldest from "),
        "{text}"
    );
    let verified = verify(&database, &server);
    assert_eq!(verified["journals"][0]["pending"], 3);
    assert_eq!(verified["journals"][0]["accepted"], 4);
    proxy.restore();
    drained(&server).await;
    assert!(status(&["journal", "status"]).contains("0 clicks pending"));
}

/// `linkctl` shows what is known without the database, and its exit code says that the rest is
/// missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn linkctl_shows_a_journal_without_its_database_and_reports_a_missing_journal() {
    let database = TestDatabase::new(Kind::Postgres);
    let proxy = DatabaseProxy::before(&database).await;
    let server =
        tokio::task::block_in_place(|| ServerProcess::start(&database, durability("journal")));
    let codes = links_of(&server, 1).await;
    for _ in 0..3 {
        Visitor::of(&server).visit(&codes[0]).await.unwrap();
    }
    proxy.cut().await;
    let data_dir = server.data_dir();
    let status = |data_dir: &Path, arguments: &[&str]| {
        tokio::task::block_in_place(|| {
            Invocation::of("linkctl")
                .args(["journal", "status"])
                .args(arguments.to_vec())
                .env("WAYPOST_DATABASE_URL", proxy.url())
                .env("WAYPOST_DATA_DIR", data_dir)
                .run()
        })
    };
    let text = status(data_dir.path(), &[]);
    assert_eq!(text.status.code(), Some(5), "{text:?}");
    assert!(text.stdout.contains(" 3 "), "{text:?}");
    assert!(text.stdout.contains("only the database has it"), "{text:?}");
    assert!(text.stderr.starts_with("error: "), "{text:?}");
    let json = status(data_dir.path(), &["--json"]);
    assert_eq!(json.status.code(), Some(5), "{json:?}");
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["segments"][0]["clicks"], 3, "{document}");
    assert_eq!(document["pending"], Value::Null, "{document}");

    let empty = temporary_directory();
    let none = status(empty.path(), &[]);
    assert_eq!(none.status.code(), Some(5), "{none:?}");
    assert!(none.stderr.contains("no journal in"), "{none:?}");
}

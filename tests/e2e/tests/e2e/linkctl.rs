//! `linkctl` on each database, beside a running server.

use reqwest::StatusCode;
use serde_json::Value;
use waypost_e2e::member::linkctl;
use waypost_e2e::{FRESH_WITHIN, Kept, Visitor, on_each_database};
use waypost_test_harness::{
    Finished, Invocation, Kind, ServerOptions, ServerProcess, TestDatabase, wait_until,
};

on_each_database!(
    links_are_added_listed_shown_and_deleted_beside_a_server,
    templates_pasted_urls_and_own_addresses_are_read_as_they_are_meant,
    paths_of_waypost_and_disabled_users_are_explained,
    verify_finds_what_was_changed_behind_its_back,
    purging_keeps_totals_and_rollups,
    users_are_added_listed_and_changed,
    migrations_are_shown_applied_and_reverted,
);

fn json(finished: Finished) -> Value {
    let finished = finished.assert_success();
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

async fn links_are_added_listed_shown_and_deleted_beside_a_server(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, ServerOptions::new());
    let visitor = Visitor::of(&server);
    linkctl(
        &database,
        &["link", "add", "https://example.com/x", "--code", "Added"],
    )
    .assert_success();
    assert_eq!(visitor.visit("added").await.unwrap().0, StatusCode::FOUND);
    let shown = linkctl(&database, &["link", "show", "added"]).assert_success();
    assert!(shown.stdout.contains("https://example.com/x"), "{shown:?}");
    let listed = linkctl(&database, &["link", "list", "--json"]).assert_success();
    assert!(listed.stdout.contains("Added"), "{listed:?}");
    for bad in [
        ["link", "add", "https://example.com/", "--code", "added"],
        ["link", "add", "https://example.com/", "--code", "api"],
        ["link", "add", "javascript:alert(1)", "--code", "other"],
    ] {
        let refused = linkctl(&database, &bad);
        assert!(!refused.status.success(), "{refused:?}");
        assert!(
            !refused.stderr.is_empty() && refused.stdout.is_empty(),
            "{refused:?}"
        );
    }
    let unconfirmed = linkctl(&database, &["link", "delete", "added"]);
    assert!(!unconfirmed.status.success(), "{unconfirmed:?}");
    linkctl(&database, &["link", "delete", "added", "--yes"]).assert_success();
    wait_until("the server knows", FRESH_WITHIN, async || {
        visitor.visit("added").await.unwrap().0 == StatusCode::NOT_FOUND
    })
    .await;
    assert!(
        !linkctl(&database, &["link", "show", "added"])
            .status
            .success()
    );
}

async fn users_are_added_listed_and_changed(kind: Kind) {
    let database = TestDatabase::new(kind);
    linkctl(&database, &["migrate", "up"]).assert_success();
    let added = Invocation::of("linkctl")
        .args(["user", "add", "Ada@example.com", "--name", "Ada", "--json"])
        .arg("--password-stdin")
        .stdin("correct horse\n")
        .database(&database)
        .run();
    assert_eq!(json(added)["email"], "ada@example.com");
    let hash = database.rows("select password_hash from users").await;
    let hash = hash[0][0].as_deref().unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let again = linkctl(&database, &["user", "add", "ADA@example.com"]);
    assert_eq!(again.status.code(), Some(4), "{again:?}");
    assert!(again.stderr.contains("already"), "{again:?}");
    for (change, role, disabled) in [
        ("promote", "admin", false),
        ("disable", "admin", true),
        ("demote", "member", true),
        ("enable", "member", false),
    ] {
        let changed = linkctl(&database, &["user", change, "ada@example.com", "--json"]);
        let changed = json(changed);
        assert_eq!(changed["role"], role, "{changed}");
        assert_eq!(changed["disabled"], disabled, "{changed}");
        let listed = json(linkctl(&database, &["user", "list", "--json"]));
        assert_eq!(listed, changed);
    }
    let unknown = linkctl(&database, &["user", "promote", "eve@example.com"]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
}

async fn templates_pasted_urls_and_own_addresses_are_read_as_they_are_meant(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, ServerOptions::new());
    let visitor = Visitor::of(&server);
    let add = |url: &str, code: &str, more: &[&str]| {
        let mut arguments = vec!["link", "add", url, "--code", code];
        arguments.extend(more);
        linkctl(&database, &arguments)
    };
    let leads = async |path: &str, to: &str| {
        let (_, location) = visitor.visit(path).await.unwrap();
        assert_eq!(location.as_deref(), Some(to), "{path}");
    };
    let odata = "https://services.example/People?$filter=Name%20eq%20%27x%27&$top=5";
    let added = add(odata, "odata", &[]).assert_success();
    assert!(added.stderr.contains("$filter, $top"), "{added:?}");
    leads("odata", odata).await;
    leads("odata).", odata).await;
    let ticket = "https://jira.example/browse/$ticket";
    add(ticket, "jira", &["--template"]).assert_success();
    leads("jira/ABC-1", "https://jira.example/browse/ABC-1").await;
    let shown = linkctl(&database, &["link", "show", "jira"]).assert_success();
    assert!(shown.stdout.contains("the path fills $ticket"), "{shown:?}");
    let shown = json(linkctl(&database, &["link", "show", "odata", "--json"]));
    assert_eq!(shown["template"], false);
    assert_eq!(shown["placeholders"], serde_json::json!(["filter", "top"]));
    let refused = add("https://example.com/", "plain", &["--template"]);
    assert!(!refused.status.success(), "{refused:?}");
    assert!(refused.stderr.contains("no placeholder"), "{refused:?}");

    let pasted = "\u{feff}<https://example.com/a>\u{200b}";
    add(pasted, "pasted", &[]).assert_success();
    leads("pasted", "https://example.com/a").await;
    for own in ["http://0.0.0.0:8080/", "http://[::ffff:127.0.0.1]:8080/"] {
        let refused = add(own, "own", &[]);
        assert!(
            refused.stderr.contains("points to this server"),
            "{refused:?}"
        );
    }
}

async fn paths_of_waypost_and_disabled_users_are_explained(kind: Kind) {
    let database = TestDatabase::new(kind);
    linkctl(&database, &["migrate", "up"]).assert_success();
    linkctl(&database, &["user", "add", "ada@example.com"]).assert_success();
    let explain = |arguments: &[&str]| {
        let arguments = [&["explain", "--json"], arguments].concat();
        json(linkctl(&database, &arguments))
    };
    let ada = ["--user", "ada@example.com"];
    for (path, user, status) in [
        ("/dashboard", &[][..], 303),
        ("/dashboard", &ada[..], 200),
        ("/admin/users", &ada[..], 404),
        ("/admin", &ada[..], 403),
        ("/api/v1/links", &[][..], 401),
        ("/health", &[][..], 200),
    ] {
        let explained = explain(&[&[path], user].concat());
        assert_eq!(explained["status"], status, "{path}: {explained}");
        let message = explained["message"].as_str().unwrap();
        assert!(message.contains("of Waypost itself"), "{path}: {message}");
        assert!(!message.contains("no such link"), "{path}: {message}");
    }
    linkctl(&database, &["user", "disable", "ada@example.com"]).assert_success();
    let explained = explain(&[&["/dashboard"], &ada[..]].concat());
    assert_eq!(explained["status"], 303, "{explained}");
    let steps = explained["steps"].to_string();
    assert!(steps.contains("ada@example.com is disabled"), "{steps}");
    let unknown = linkctl(&database, &["explain", "/x", "--user", "eve@example.com"]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
}

async fn verify_finds_what_was_changed_behind_its_back(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, ServerOptions::new());
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    for _ in 0..3 {
        visitor.visit(&code).await.unwrap();
    }
    assert_eq!(visitor.clicks(&code).await, 3);
    let verified = linkctl(&database, &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");

    database
        .execute("update links set clicks = clicks + 1")
        .await;
    let verified = linkctl(&database, &["verify"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(verified.stdout.contains(&code), "{verified:?}");
    let verified = linkctl(&database, &["verify", "--json"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    serde_json::from_str::<Value>(verified.stdout.lines().next().unwrap()).unwrap();
}

async fn purging_keeps_totals_and_rollups(kind: Kind) {
    let database = TestDatabase::new(kind);
    let server = ServerProcess::start(&database, ServerOptions::new());
    let visitor = Visitor::of(&server);
    let code = visitor.shorten("https://example.com/").await;
    for _ in 0..4 {
        visitor.visit(&code).await.unwrap();
    }
    assert_eq!(visitor.clicks(&code).await, 4);
    // Nothing is older than a day.
    linkctl(&database, &["purge", "--older-than", "1d", "--yes"]).assert_success();
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(4));
    let unconfirmed = linkctl(&database, &["purge", "--older-than", "0d"]);
    assert!(!unconfirmed.status.success(), "{unconfirmed:?}");
    assert_eq!(Kept::of(&database, &code).await, Kept::thrice(4));

    linkctl(&database, &["purge", "--older-than", "0d", "--yes"]).assert_success();
    let purged = Kept {
        rows: 0,
        ..Kept::thrice(4)
    };
    assert_eq!(Kept::of(&database, &code).await, purged);
    visitor.visit(&code).await.unwrap();
    assert_eq!(visitor.clicks(&code).await, 5);
    assert_eq!(
        Kept::of(&database, &code).await,
        Kept {
            rows: 1,
            ..Kept::thrice(5)
        }
    );
    assert_eq!(linkctl(&database, &["verify"]).status.code(), Some(0));
}

async fn migrations_are_shown_applied_and_reverted(kind: Kind) {
    let database = TestDatabase::new(kind);
    let refused = linkctl(&database, &["link", "list"]);
    assert!(refused.stderr.contains("linkctl migrate up"), "{refused:?}");
    linkctl(&database, &["migrate", "up"]).assert_success();
    let status = json(linkctl(&database, &["migrate", "status", "--json"]));
    assert!(status.to_string().contains("0001_links"), "{status}");
    linkctl(&database, &["link", "list"]).assert_success();
    let unconfirmed = linkctl(&database, &["migrate", "down"]);
    assert!(!unconfirmed.status.success(), "{unconfirmed:?}");
    linkctl(&database, &["migrate", "down", "--yes"]).assert_success();
    assert!(!linkctl(&database, &["link", "list"]).status.success());
}

//! The audit trail: what admins, users, strangers and the operator do is recorded, with who did it,
//! and without IP addresses.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use waypost_e2e::browser::Browser;
use waypost_e2e::member::{Member, PASSWORD, add_with_password, closed, linkctl};
use waypost_e2e::on_each_database;
use waypost_test_harness::{Kind, ServerProcess, TestDatabase};

on_each_database!(what_is_done_is_recorded_with_who_did_it);

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

/// An entry as a test expects it: event, who, what, details.
type Line = (String, String, String, String);

fn line(event: &str, who: &str, subject: &str, detail: &str) -> Line {
    let [event, who, subject, detail] = [event, who, subject, detail].map(str::to_owned);
    (event, who, subject, detail)
}

fn line_of(entry: &Value) -> Line {
    let text = |name: &str| entry[name].as_str().expect("a text").to_owned();
    let who = match text("user") {
        user if user.is_empty() => text("actor"),
        user => user,
    };
    (text("event"), who, text("subject"), text("detail"))
}

/// Returns all entries, oldest first.
fn trail(database: &TestDatabase) -> Vec<Value> {
    let listed = linkctl(database, &["audit", "--json", "--limit", "1000"]).assert_success();
    let entries = listed.stdout.lines();
    let mut entries: Vec<Value> = entries
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    entries.reverse();
    entries
}

/// Returns the entries since the last call, oldest first.
fn new_lines(database: &TestDatabase, seen: &mut usize) -> Vec<Line> {
    let all = trail(database);
    let lines = all.iter().skip(*seen).map(line_of).collect();
    *seen = all.len();
    lines
}

async fn by_session(ada: &mut Browser, method: Method, path: &str, body: &Value) -> Value {
    let answer = ada.call(method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    if answer.status == StatusCode::NO_CONTENT {
        return Value::Null;
    }
    answer.json()
}

async fn what_is_done_is_recorded_with_who_did_it(kind: Kind) {
    let database = TestDatabase::new(kind);
    let options = closed().env("WAYPOST_WORKERS", "1");
    let mut server = ServerProcess::start(&database, options.clone());
    let mut seen = 0;
    add_with_password(&database, ADA, &["--admin"]);
    add_with_password(&database, BOB, &[]);
    let mut ada = Browser::of(&server);
    ada.sign_in(ADA, "a wrong password", "/").await;
    ada.sign_in("my password", "typed into the wrong field", "/")
        .await;
    ada.sign_in(ADA, PASSWORD, "/").await;
    let nobody = "no user with this email address and a password";
    assert_eq!(
        new_lines(&database, &mut seen),
        [
            line("user_added", "operator", ADA, "role admin"),
            line("user_added", "operator", BOB, "role member"),
            line("sign_in_failed", "anonymous", ADA, "wrong password"),
            line("sign_in_failed", "anonymous", "", nobody),
            line("signed_in", ADA, ADA, ""),
        ]
    );

    people(&database, &mut ada, &mut seen).await;
    links(&database, &mut ada, &mut seen).await;
    rules(&database, &mut ada, &mut seen).await;

    // By a page, too.
    let page = ada.open("/admin/audit?event=host_blocked").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("evil.example"), "{page:?}");
    assert!(!page.body.contains("bookmarks"), "{page:?}");

    // A start with other settings is recorded, with no secret.
    assert!(server.terminate().success());
    drop(server);
    let data_dir = waypost_test_harness::temporary_directory();
    let data_dir = std::sync::Arc::new(data_dir);
    for (workers, token) in [("1", "first"), ("2", "second")] {
        let token = format!("{token}-operators-token-of-32-characters");
        let options = closed()
            .env("WAYPOST_WORKERS", workers)
            .env("WAYPOST_ADMIN_TOKEN", &token)
            .data_dir(data_dir.clone());
        server = ServerProcess::start(&database, options);
        assert!(server.terminate().success());
    }
    let mut changed = new_lines(&database, &mut seen);
    changed.retain(|(_, _, variable, _)| variable != "WAYPOST_LISTEN");
    assert_eq!(
        changed,
        [
            line(
                "settings_changed",
                "server",
                "WAYPOST_ADMIN_TOKEN",
                "changed"
            ),
            line("settings_changed", "server", "WAYPOST_WORKERS", "1 to 2"),
        ]
    );
    origins(&database).await;
}

/// Roles, tokens, passwords and disabled users.
async fn people(database: &TestDatabase, ada: &mut Browser, seen: &mut usize) {
    let users = ada.open("/api/v1/admin/users").await.json();
    let users = users["users"].as_array().expect("users");
    let bob = users.iter().find(|user| user["email"] == BOB).expect("Bob");
    let bob = format!("/api/v1/admin/users/{}", bob["id"].as_str().expect("an ID"));
    let name = json!({ "display_name": "Ada" });
    by_session(ada, Method::PATCH, "/api/v1/users/me", &name).await;
    by_session(ada, Method::PATCH, &bob, &json!({ "role": "admin" })).await;
    by_session(ada, Method::PATCH, &bob, &json!({ "disabled": true })).await;
    let again = json!({ "disabled": false, "email": "robert@example.com" });
    by_session(ada, Method::PATCH, &bob, &again).await;
    linkctl(database, &["user", "demote", "robert@example.com"]).assert_success();
    let new = json!({ "name": "deploy", "scopes": ["read", "write"] });
    let token = by_session(ada, Method::POST, "/api/v1/tokens", &new).await;
    let token = token["id"].as_str().expect("an ID");
    let path = format!("/api/v1/tokens/{token}");
    by_session(ada, Method::DELETE, &path, &json!({})).await;
    let robert = "robert@example.com";
    assert_eq!(
        new_lines(database, seen),
        [
            line("user_changed", ADA, ADA, "name is \"Ada\", was \"\""),
            line("role_changed", ADA, BOB, "member to admin"),
            line("user_disabled", ADA, BOB, ""),
            line(
                "user_changed",
                ADA,
                robert,
                "email address was bob@example.com"
            ),
            line("user_enabled", ADA, robert, ""),
            line("role_changed", "operator", robert, "admin to member"),
            line("token_created", ADA, ADA, "deploy (read,write)"),
            line("token_revoked", ADA, ADA, token),
        ]
    );
}

/// Owners, sharing, transfers and permanent deletion.
async fn links(database: &TestDatabase, ada: &mut Browser, seen: &mut usize) {
    let link = json!({ "code": "plan", "url": "https://example.com/plan" });
    let link = by_session(ada, Method::POST, "/api/v1/links", &link).await;
    let path = format!("/api/v1/links/{}", link["id"].as_str().expect("an ID"));
    let robert = json!({ "email": "robert@example.com" });
    let eve = json!({ "email": "eve@example.com" });
    by_session(ada, Method::POST, &format!("{path}/owners"), &robert).await;
    by_session(ada, Method::POST, &format!("{path}/shares"), &eve).await;
    let transfer = format!("{path}/transfer");
    by_session(ada, Method::POST, &transfer, &robert).await;
    by_session(ada, Method::DELETE, &transfer, &json!({})).await;
    let destroy = format!("{path}?permanent=true");
    by_session(ada, Method::DELETE, &destroy, &json!({})).await;
    assert_eq!(
        new_lines(database, seen),
        [
            line(
                "access_changed",
                ADA,
                "plan",
                "owner added: robert@example.com"
            ),
            line(
                "access_changed",
                ADA,
                "plan",
                "shared with: eve@example.com"
            ),
            line("transfer_offered", ADA, "plan", "to robert@example.com"),
            line("transfer_ended", ADA, "plan", "to robert@example.com"),
            line("purged", ADA, "plan", "link deleted permanently"),
        ]
    );
}

/// Keywords, the blocklist, purges and deleted users.
async fn rules(database: &TestDatabase, ada: &mut Browser, seen: &mut usize) {
    let keyword = json!({ "keyword": "bookmarks", "url": "https://example.com/{slug}" });
    by_session(ada, Method::POST, "/api/v1/keywords", &keyword).await;
    let path = "/api/v1/keywords/bookmarks";
    by_session(ada, Method::DELETE, path, &json!({})).await;
    let blocked = json!({ "pattern": "evil.example", "reason": "phishing" });
    by_session(ada, Method::POST, "/api/v1/admin/blocklist", &blocked).await;
    linkctl(database, &["block", "remove", "evil.example"]).assert_success();
    let delete = [
        "user",
        "delete",
        "robert@example.com",
        "--links",
        "delete",
        "--yes",
    ];
    linkctl(database, &delete).assert_success();
    let target = "to https://example.com/{slug}";
    assert_eq!(
        new_lines(database, seen),
        [
            line("keyword_created", ADA, "bookmarks", target),
            line("keyword_deleted", ADA, "bookmarks", ""),
            line("host_blocked", ADA, "evil.example", "phishing"),
            line("host_unblocked", "operator", "evil.example", ""),
            line(
                "user_deleted",
                "operator",
                "robert@example.com",
                "links deleted"
            ),
        ]
    );
}

/// Requests of a day from one address have one origin, which is not the address.
async fn origins(database: &TestDatabase) {
    for entry in trail(database) {
        let is_request = matches!(entry["actor"].as_str(), Some("user" | "anonymous"));
        assert_eq!(entry["origin"].is_string(), is_request, "{entry}");
    }
    let sql = "select * from audit_entries";
    let text = format!("{:?}", database.rows(sql).await);
    assert!(!text.contains("127.0.0.1"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trail_is_for_admins_and_read_in_pages() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let eve = Member::add(&server, &database, "eve@example.com");
    let operator = Member::with_token(&server, waypost_e2e::member::OPERATOR);
    let path = "/api/v1/admin/audit";
    assert_eq!(eve.status(path).await, StatusCode::FORBIDDEN);
    let nobody = Member::with_token(&server, "wp_nobody");
    assert_eq!(nobody.status(path).await, StatusCode::UNAUTHORIZED);
    for number in 0..5 {
        let host = format!("host-{number}.example");
        linkctl(&database, &["block", "add", &host]).assert_success();
    }
    let all = operator.get(&format!("{path}?event=host_blocked")).await;
    let all: Vec<Line> = all["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(line_of)
        .collect();
    assert_eq!(all.len(), 5);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}?event=host_blocked&limit=2{cursor}");
        let page = operator.get(&page).await;
        found.extend(
            page["entries"]
                .as_array()
                .expect("entries")
                .iter()
                .map(line_of),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, all);
    for wrong in ["event=hacked", "user=eve", "cursor=x", "limit=0"] {
        let status = operator.status(&format!("{path}?{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

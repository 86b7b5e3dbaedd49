//! The API matches its OpenAPI document: schemathesis sends requests that the document allows, and
//! many that it does not, and checks every response.

use std::time::Duration;

use serde_json::{Value, json};
use waypost_e2e::member::{Member, OPERATOR, closed, linkctl};
use waypost_test_harness::{Invocation, ServerProcess, TestDatabase, schemathesis};

/// Checks: no 5xx, no undocumented status, and each response as documented.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// Number of examples per operation and phase.
const EXAMPLES: &str = "12";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_gets_what_the_description_promises() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let admin = "admin@example.com";
    linkctl(&database, &["user", "add", admin, "--admin"]).assert_success();
    let made = [
        "token",
        "create",
        "--user",
        admin,
        "--name",
        "test",
        "--scopes",
        "read,write,admin",
    ];
    let made = linkctl(&database, &made).assert_success();
    let admin = Member::with_token(&server, made.stdout.trim());
    let there = There::of(&server, &database, &admin).await;
    // Left out, because they would revoke the token in use or delete what the other requests need.
    there.ask(&server, &admin.token, &["revokeToken", "deleteLink"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_and_the_operator_get_what_the_description_promises() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, closed());
    let alan = Member::add(&server, &database, "alan@example.com");
    let there = There::of(&server, &database, &alan).await;
    there.ask(&server, &alan.token, &["revokeToken"]);
    there.ask(&server, OPERATOR, &[]);
}

/// The records that the requests refer to.
struct There {
    links: Vec<String>,
    users: Vec<String>,
}

impl There {
    async fn of(server: &ServerProcess, database: &TestDatabase, member: &Member) -> Self {
        let mut users = Vec::new();
        for email in ["ada@example.com", "grace@example.com"] {
            let user = Member::add(server, database, email);
            users.push(id(&user.get("/api/v1/users/me").await));
        }
        let mut links = Vec::new();
        for number in 0..20 {
            let made = member
                .make(json!({
                    "url": format!("https://example.com/{number}"),
                    "title": format!("Number {number}"),
                    "tags": ["docs"],
                    "expires_at": "2099-12-31T23:59:59Z",
                }))
                .await;
            links.push(id(&made));
        }
        Self { links, users }
    }

    /// Tests all operations except some.
    fn ask(&self, server: &ServerProcess, token: &str, but: &[&str]) {
        let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis_hooks.py");
        // A live stream lasts for minutes; `live.rs` tests it.
        let but = but.iter().chain(&["watchLink"]);
        let but = but.flat_map(|name| ["--exclude-operation-id", name]);
        let finished = Invocation::of_program(schemathesis())
            .args(["run", &server.url("/api/openapi.json")])
            .args(["--url", &server.url("")])
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--checks", CHECKS, "--max-examples", EXAMPLES])
            // The same requests in each run.
            .args(["--seed", "1", "--workers", "1"])
            .args(["--suppress-health-check", "all"])
            .args(but)
            .env("SCHEMATHESIS_HOOKS", hooks)
            .env("LINK_IDS", self.links.join(","))
            .env("USER_IDS", self.users.join(","))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_COLOR", "1")
            .timeout(Duration::from_secs(300))
            .run();
        assert!(
            finished.status.success(),
            "{}\n{}\n{}",
            finished.status,
            finished.stdout,
            finished.stderr
        );
        println!("{}", finished.stdout);
    }
}

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

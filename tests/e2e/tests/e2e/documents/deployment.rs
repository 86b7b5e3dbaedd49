//! The files and statements of the handbook work with the programs that they are for.

use tempfile::TempDir;
use waypost_e2e::Visitor;
use waypost_test_harness::{
    DatabaseServer, Kind, PATIENCE, ServerOptions, ServerProcess, TestDatabase, binary, free_port,
    wait_until,
};

use super::{Block, run_blocks};
use crate::nginx::{Nginx, program};

const HANDBOOK: &str = "bins/server/README.md";

fn blocks(language: &str) -> Vec<Block> {
    let blocks = run_blocks(HANDBOOK, language);
    assert!(!blocks.is_empty(), "{HANDBOOK} has no {language}");
    blocks
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_of_settings_starts_a_server() {
    for block in blocks("toml") {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let text = block
            .text
            .replace("/var/lib/waypost", data.to_str().unwrap());
        let file = folder.path().join("waypost.toml");
        std::fs::write(&file, text).unwrap();
        // What the tests set themselves wins over the file: the same, or nothing.
        let options = ServerOptions::new()
            .arg("--config")
            .arg(file)
            .env("WAYPOST_DATA_DIR", &data)
            .env("WAYPOST_DATABASE_URL", "");
        let server = ServerProcess::start(&TestDatabase::sqlite(), options);
        let ready = Visitor::of(&server).get("/health/ready").await;
        assert_eq!(ready.status(), 200, "{}", server.output());
        assert!(data.join("waypost.db").exists(), "{data:?}");
    }
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    let programs = binary("server");
    let programs = programs.parent().unwrap().to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let unit = folder.path().join("waypost.service");
    for block in blocks("ini") {
        let text = block.text.replace("/usr/local/bin", programs);
        std::fs::write(&unit, text).unwrap();
        let verified = program(&format!("systemd-analyze verify {}", unit.display()));
        let verified = verified.assert_success();
        // What it does not understand is a warning.
        assert_eq!(verified.stderr, "", "{}", verified.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_proxy_the_server_sees_the_visitor() {
    let database = TestDatabase::sqlite();
    let trusting = ServerOptions::new().env("WAYPOST_TRUSTED_PROXIES", "127.0.0.1");
    let token = "the-token-of-the-operator-of-the-proxy";
    let server = ServerProcess::start(&database, trusting.env("WAYPOST_ADMIN_TOKEN", token));
    for block in blocks("nginx") {
        let port = free_port();
        let text = block
            .text
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
            .replace("http://127.0.0.1:8080", &server.url(""));
        let nginx = Nginx::start(&text);
        let explain = format!("http://127.0.0.1:{port}/api/v1/explain?url=/wiki");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut explained = serde_json::Value::Null;
        wait_until("nginx answers", PATIENCE, async || {
            let request = client.get(&explain).bearer_auth(token);
            let sent = request.header("X-Forwarded-For", "192.0.2.7").send().await;
            let Ok(response) = sent else { return false };
            explained = response.json().await.unwrap();
            true
        })
        .await;
        // nginx adds its peer, this test, which is trusted as well.
        assert_eq!(explained["client_address"], "192.0.2.7", "{explained}");
        drop(nginx);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_create_a_database_that_a_server_can_use() {
    for block in blocks("sql") {
        let kind = match block.more.as_deref() {
            Some("postgresql") => Kind::Postgres,
            Some("mariadb") => Kind::MariaDb,
            other => panic!("{HANDBOOK}:{}: no database is named {other:?}", block.line),
        };
        // A server of its own: users are not of a database.
        let database_server = tokio::task::block_in_place(|| DatabaseServer::start(kind));
        let administrator = TestDatabase::on(&database_server);
        // The servers of the tests have a user of that name already.
        let text = block.text.replace("waypost", "links");
        for statement in text.split(';').map(str::trim) {
            if !statement.is_empty() {
                administrator.execute(statement).await;
            }
        }
        let address = database_server.url().rsplit_once('@').unwrap().1;
        let host = address.split('/').next().unwrap();
        let scheme = database_server.url().split("://").next().unwrap();
        let url = format!("{scheme}://links:a-password-of-your-own@{host}/links");
        let options = ServerOptions::new().env("WAYPOST_DATABASE_URL", url);
        let server = ServerProcess::start(&administrator, options);
        let ready = Visitor::of(&server).get("/health/ready").await;
        assert_eq!(ready.status(), 200, "{kind}: {}", server.output());
    }
}

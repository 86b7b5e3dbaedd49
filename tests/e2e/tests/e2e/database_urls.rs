//! Database URLs, as both programs read them.

use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{
    DatabaseServer, Invocation, Kind, ServerOptions, ServerProcess, TestDatabase,
};

fn both(url: &str) -> [(String, Option<i32>); 2] {
    let server = Invocation::of("server")
        .env("WAYPOST_LISTEN", "127.0.0.1:0")
        .env("WAYPOST_DATABASE_URL", url)
        .run();
    let linkctl = Invocation::of("linkctl")
        .args(["link", "list"])
        .env("WAYPOST_DATABASE_URL", url)
        .run();
    [server, linkctl].map(|finished| {
        let text = format!("{}{}", finished.stdout, finished.stderr);
        (text, finished.status.code())
    })
}

#[test]
fn what_is_wrong_with_a_url_is_said_in_one_line_by_both_programs() {
    for (url, expected) in [
        (
            "postgres://u:hunter#2@h/db",
            "percent-encode `#`, `/`, `?`, `@` and `%` in the password",
        ),
        ("mysql://u:hunter/2@h/db", "percent-encode `#`, `/`, `?`"),
        (
            "mysql://u:hunter2@h/db?require_ssl=true",
            "TLS to the database is not supported yet",
        ),
        (
            "postgres://u:hunter2@h/db?sslmode=verify-full",
            "TLS to the database is not supported yet",
        ),
        (
            "mysql://u:hunter2@h/db?parseTime=true",
            "unknown parameter `parseTime`",
        ),
        (
            "postgres://u:hunter2@h/db?keepalives=often",
            "invalid value of the parameter `keepalives`",
        ),
        ("sqlite:", "must have the path of a file"),
    ] {
        for (text, code) in both(url) {
            assert_eq!(code, Some(2), "{url}: {text}");
            assert!(text.contains("WAYPOST_DATABASE_URL"), "{url}: {text}");
            assert!(text.contains(expected), "{url}: {text}");
            assert!(!text.contains("hunter"), "{url}: {text}");
            assert!(!text.contains("panicked"), "{url}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_programs_use_a_socket() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let process = tokio::task::block_in_place(|| DatabaseServer::start_with_socket(kind));
        let database = TestDatabase::on(&process);
        let (scheme, rest) = database.url().split_once("://").unwrap();
        let (user, place) = rest.split_once('@').unwrap();
        let (address, name) = place.split_once('/').unwrap();
        let socket = process.socket();
        let parameters = if kind == Kind::Postgres {
            let (_, port) = address.split_once(':').unwrap();
            format!("host={}&port={port}", socket.display())
        } else {
            format!("socket={}", socket.display())
        };
        let url = format!("{scheme}://{user}@/{name}?{parameters}");
        let options = ServerOptions::new().env("WAYPOST_DATABASE_URL", &url);
        let server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
        let added = tokio::task::block_in_place(|| {
            Invocation::of("linkctl")
                .args(["link", "add", "https://example.com/", "--code", "docs"])
                .env("WAYPOST_DATABASE_URL", &url)
                .run()
        });
        added.assert_success();
        let visitor = Visitor::of(&server);
        visitor.visit("docs").await.unwrap();
        assert_eq!(visitor.clicks("docs").await, 1);
        assert_eq!(Kept::of(&database, "docs").await, Kept::thrice(1));
    }
}

//! Read-only surroundings: a root file system that cannot be written, databases that only answer,
//! and accounts that may not change the schema.

use std::path::Path;
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;
use waypost_e2e::{Kept, Visitor};
use waypost_test_harness::{
    DatabaseServer, Finished, Invocation, Kind, PATIENCE, PostgresPair, ReadOnlyRoot, Replication,
    ServerOptions, ServerProcess, TestDatabase, binary, temporary_directory, wait_until,
};

/// More links than fit into the memory that SQLite uses for a statement without a temporary file.
const LINKS: usize = 400;

/// Commands that only read, and that write.
const READING: [&[&str]; 9] = [
    &["migrate", "status"],
    &["link", "list"],
    &["link", "show", "docs"],
    &["keyword", "list"],
    &["user", "list"],
    &["audit"],
    &["verify"],
    &["journal", "list"],
    &["privacy", "report"],
];
const WRITING: [&[&str]; 4] = [
    &["link", "add", "https://example.com/"],
    &["block", "add", "evil.example"],
    &["user", "add", "ada@example.com"],
    &["link", "delete", "docs", "--yes"],
];

fn linkctl_in(root: ReadOnlyRoot, directory: &Path, args: &[&str]) -> Finished {
    let mut words = root.command(directory).into_iter();
    let program = words.next().unwrap();
    Invocation::of_program(Path::new("/usr/bin").join(program))
        .args(words)
        .arg(binary("linkctl"))
        .args(args.iter().copied())
        .env("WAYPOST_DATA_DIR", directory)
        .run()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_data_directory_needs_to_be_writable() {
    let Some(root) = ReadOnlyRoot::try_new() else {
        eprintln!("not tested: this process may not change mounts");
        return;
    };
    let directory = Arc::new(temporary_directory());
    let path = directory.path();
    let database = TestDatabase::sqlite_at(&path.join("waypost.db"));
    let listen = format!("127.0.0.1:0,unix:{}", path.join("http.sock").display());
    let options = ServerOptions::new()
        .data_dir(Arc::clone(&directory))
        .env("WAYPOST_LISTEN", listen)
        .read_only_root(root);
    let mut server = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
    let visitor = Visitor::of(&server);
    for number in 0..LINKS {
        let url = format!("https://example.com/{}/{number}", "path/".repeat(20));
        let created = visitor
            .post(json!({ "url": url, "code": format!("link-{number}") }))
            .await;
        let status = created.status();
        assert_eq!(status, StatusCode::CREATED, "{number}: {}", server.output());
    }
    for _ in 0..5 {
        visitor.visit("link-7").await.unwrap();
    }
    assert_eq!(visitor.clicks("link-7").await, 5);
    let commands: [&[&str]; 9] = [
        &["link", "add", "https://example.com/", "--code", "docs"],
        &["link", "delete", "link-1", "--permanent", "--yes"],
        &["user", "add", "ada@example.com"],
        &["purge", "--older-than", "1h", "--yes"],
        &["purge", "--link", "link-7", "--yes"],
        &["reclassify"],
        &["vacuum"],
        &["journal", "status"],
        &["migrate", "up"],
    ];
    tokio::task::block_in_place(|| {
        for command in commands.iter().chain(&READING) {
            linkctl_in(root, path, command).assert_success();
        }
        assert!(server.terminate().success(), "{}", server.output());
    });
    // Rewriting the file needs a temporary file.
    database
        .execute("pragma journal_mode = delete; pragma auto_vacuum = none; vacuum")
        .await;
    tokio::task::block_in_place(|| {
        let rewritten = linkctl_in(root, path, &["vacuum", "--json"]).assert_success();
        assert!(
            rewritten.stdout.contains("\"rewritten\":true"),
            "{rewritten:?}"
        );
        server.restart();
    });
    assert_eq!(Visitor::of(&server).clicks("link-7").await, 5);
}

/// Runs `linkctl` on a database that only answers.
fn only_reads(url: &str) {
    let run = |args: &[&str]| {
        Invocation::of("linkctl")
            .args(args.iter().copied())
            .env("WAYPOST_DATABASE_URL", url)
            .run()
    };
    for command in READING {
        run(command).assert_success();
    }
    for command in WRITING {
        let refused = run(command);
        assert_eq!(refused.status.code(), Some(5), "{command:?} {refused:?}");
        let text = &refused.stderr;
        let mut errors = text.lines().filter(|line| line.starts_with("error: "));
        let error = errors.next().unwrap_or_default();
        assert!(error.contains("is read-only"), "{command:?} {text}");
        assert_eq!(errors.count(), 0, "{command:?} {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_read_work_on_a_standby_of_postgres() {
    let pair = tokio::task::block_in_place(|| PostgresPair::start(Replication::Synchronous));
    let (primary, standby) = (pair.primary(), pair.standby());
    tokio::task::block_in_place(|| {
        for command in [
            ["migrate", "up"].as_slice(),
            &["link", "add", "https://example.com/", "--code", "docs"],
        ] {
            let run = Invocation::of("linkctl").args(command.iter().copied());
            run.database(&primary).run().assert_success();
        }
    });
    wait_until("the standby has the link", PATIENCE, async || {
        standby.number("select count(*) from links").await == 1
    })
    .await;
    tokio::task::block_in_place(|| only_reads(standby.url()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_read_work_on_a_read_only_mariadb() {
    let server = tokio::task::block_in_place(|| DatabaseServer::start(Kind::MariaDb));
    let database = TestDatabase::on(&server);
    tokio::task::block_in_place(|| {
        for command in [
            ["migrate", "up"].as_slice(),
            &["link", "add", "https://example.com/", "--code", "docs"],
        ] {
            let run = Invocation::of("linkctl").args(command.iter().copied());
            run.database(&database).run().assert_success();
        }
    });
    let (_, name) = database.url().rsplit_once('/').unwrap();
    database
        .execute(&format!(
            "create user weak identified by 'weak'; grant all on {name}.* to weak; \
             set global read_only = 1"
        ))
        .await;
    tokio::task::block_in_place(|| only_reads(&of_account(&database, "weak", "weak")));
}

/// Returns the URL of a database for another account.
fn of_account(database: &TestDatabase, user: &str, password: &str) -> String {
    let (scheme, rest) = database.url().split_once("://").unwrap();
    let (_, place) = rest.split_once('@').unwrap();
    format!("{scheme}://{user}:{password}@{place}")
}

/// An account that may change rows, and nothing of the schema.
async fn without_rights_to_the_schema(kind: Kind, grants: &[&str]) {
    let server = tokio::task::block_in_place(|| DatabaseServer::start(kind));
    let database = TestDatabase::on(&server);
    let url = of_account(&database, "weak", "weak");
    let options = ServerOptions::new()
        .env("WAYPOST_DATABASE_URL", &url)
        .env("WAYPOST_MIGRATE", "false");
    tokio::task::block_in_place(|| {
        let run = Invocation::of("linkctl").args(["migrate", "up"]);
        run.database(&database).run().assert_success();
    });
    let (_, name) = database.url().rsplit_once('/').unwrap();
    database.execute(grants[0]).await;
    let refused = tokio::task::block_in_place(|| {
        let run = Invocation::of("linkctl").args(["migrate", "status"]);
        run.env("WAYPOST_DATABASE_URL", &url).run()
    });
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    for grant in &grants[1..] {
        database.execute(&grant.replace("NAME", name)).await;
    }
    for options in [options.clone(), options.env("WAYPOST_MIGRATE", "true")] {
        let node = tokio::task::block_in_place(|| ServerProcess::start(&database, options));
        let visitor = Visitor::of(&node);
        let code = visitor.shorten("https://example.com/").await;
        visitor.visit(&code).await.unwrap();
        assert_eq!(visitor.clicks(&code).await, 1);
        assert_eq!(Kept::of(&database, &code).await, Kept::thrice(1));
    }
    tokio::task::block_in_place(|| {
        let run = Invocation::of("linkctl").args(["link", "list"]);
        run.env("WAYPOST_DATABASE_URL", &url).run().assert_success();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_needs_no_rights_to_the_schema_when_nothing_is_missing() {
    let grants = [
        "create role weak login password 'weak'",
        "grant select, insert, update, delete on all tables in schema public to weak",
        "grant usage, select on all sequences in schema public to weak",
    ];
    without_rights_to_the_schema(Kind::Postgres, &grants).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_needs_no_rights_to_the_schema_when_nothing_is_missing() {
    let grants = [
        "create user weak identified by 'weak'",
        "grant select, insert, update, delete on NAME.* to weak",
    ];
    without_rights_to_the_schema(Kind::MariaDb, &grants).await;
}

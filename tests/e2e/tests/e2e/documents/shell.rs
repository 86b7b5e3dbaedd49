//! Runs the blocks of shell, those of a document one after the other, beside a running server.

use serde_json::Value;
use tempfile::TempDir;
use waypost_test_harness::{
    Finished, Invocation, Kind, ServerOptions, ServerProcess, TestDatabase, binary,
};

use super::{Block, documents, run_blocks};

/// How a line of a shell begins that sets where programs are found: the tests know where.
const PATH: &str = "PATH=";
/// The addresses of a server in documents.
const ADDRESSES: [&str; 2] = ["http://127.0.0.1:8080", "http://localhost:8080"];
/// The token that documents have in `TOKEN`, unless they create one.
const TOKEN: &str = "the-token-of-the-operator-of-the-documents";

/// A server with its database, and a directory to work in.
struct Scene {
    database: TestDatabase,
    server: ServerProcess,
    directory: TempDir,
    /// What documents name, and what it is here.
    here: Vec<(String, String)>,
}

impl Scene {
    fn of(kind: Kind) -> Self {
        let database = TestDatabase::new(kind);
        let options = || {
            ServerOptions::new()
                .env("WAYPOST_ADMIN_TOKEN", TOKEN)
                .env("WAYPOST_METRICS_PUBLIC", "false")
        };
        let server = ServerProcess::start(&database, options());
        let directory = TempDir::new().unwrap();
        // A response that is an error ends a script.
        std::fs::write(directory.path().join(".curlrc"), "fail-with-body\n").unwrap();
        let mut here: Vec<_> = ADDRESSES
            .iter()
            .map(|address| ((*address).to_owned(), server.url("")))
            .collect();
        if let Some(path) = database.url().strip_prefix("sqlite://") {
            here.push(("/var/lib/waypost/waypost.db".to_owned(), path.to_owned()));
        }
        Self {
            database,
            server,
            directory,
            here,
        }
    }

    /// Runs lines in a shell that finds the programs, on the database and with the data directory of the
    /// server.
    fn shell(&self, lines: &str) -> Finished {
        let linkctl = binary("linkctl");
        let programs = linkctl.parent().unwrap().display();
        let path = std::env::var("PATH").unwrap_or_default();
        let lines = lines.lines().filter(|line| !line.starts_with(PATH));
        let mut lines = lines.collect::<Vec<_>>().join("\n");
        for (there, here) in &self.here {
            lines = lines.replace(there, here);
        }
        Invocation::of_program("/bin/sh".into())
            .args(["-ec", &lines])
            .current_dir(self.directory.path())
            .env("PATH", format!("{programs}:{path}:/usr/sbin"))
            .env("CURL_HOME", self.directory.path())
            .env("TOKEN", TOKEN)
            .env("WAYPOST_DATA_DIR", self.server.data_dir().path())
            .database(&self.database)
            .run()
    }

    /// An id in what `linkctl` lists.
    fn id_of(&self, list: &str) -> String {
        let listed = self.shell(&format!("linkctl {list} --json"));
        let listed = listed.assert_success().stdout;
        let first = listed.lines().next().expect("something is listed");
        let first: Value = serde_json::from_str(first).expect("JSON");
        let first = first.get(0).unwrap_or(&first);
        first["id"].as_str().expect("an id").to_owned()
    }
}

/// A server that used the database and has stopped.
fn stopped(scene: &Scene) -> ServerProcess {
    let mut server = ServerProcess::start(&scene.database, ServerOptions::new());
    assert!(server.terminate().success());
    server
}

/// Runs the blocks of a document for one kind of database, in their order, and returns what they print.
fn run(document: &str, scene: &mut Scene, mut prepare: impl FnMut(&mut Scene, &Block)) -> String {
    let kind = scene.database.kind();
    let mut printed = String::new();
    for block in run_blocks(document, "sh") {
        let is_here = match block.more.as_deref() {
            None => kind == Kind::Sqlite,
            Some("postgresql") => kind == Kind::Postgres,
            Some("mariadb") => kind == Kind::MariaDb,
            Some(other) => panic!("{document}:{}: no database is named {other}", block.line),
        };
        if !is_here {
            continue;
        }
        prepare(scene, &block);
        let ran = scene.shell(&block.text);
        assert!(
            ran.status.success(),
            "{document}:{}: {}\n{ran:?}",
            block.line,
            block.text
        );
        printed.push_str(&ran.stdout);
    }
    printed
}

#[test]
fn the_first_steps_of_the_readme_end_with_a_redirect() {
    let printed = run("README.md", &mut Scene::of(Kind::Sqlite), |_, _| ());
    for expected in [
        r#""code":"Example""#,
        r#""clicks":0"#,
        "HTTP/1.1 302 Found",
        "https://github.com/org/repo",
    ] {
        assert!(printed.contains(expected), "{expected} in {printed}");
    }
}

#[test]
fn the_commands_of_the_handbook_succeed() {
    let printed = run(
        "bins/server/README.md",
        &mut Scene::of(Kind::Sqlite),
        |_, _| (),
    );
    for expected in [
        r#"{"status":"ok"}"#,
        "ada@example.com",
        "waypost_build_info",
    ] {
        assert!(printed.contains(expected), "{expected} in {printed}");
    }
}

#[test]
fn the_backup_of_the_handbook_succeeds_on_postgresql() {
    let mut scene = Scene::of(Kind::Postgres);
    run("bins/server/README.md", &mut scene, |_, _| ());
    assert!(scene.directory.path().join("waypost.dump").exists());
}

#[test]
fn every_example_of_linkctl_succeeds() {
    let mut scene = Scene::of(Kind::Sqlite);
    let of_old = stopped(&scene).data_dir();
    let old = of_old.path().to_str().unwrap().to_owned();
    scene.here.push(("/srv/old".to_owned(), old));
    let of_lost = stopped(&scene).data_dir();
    let lost = scene.id_of(&format!(
        "journal status --data-dir {}",
        of_lost.path().display()
    ));
    let named = "019cabbc-c0c0-7835-8015-d069623d3857".to_owned();
    scene.here.push((named, lost));
    run("bins/linkctl/README.md", &mut scene, |scene, block| {
        if block.text.contains("token revoke") {
            let added = "linkctl user add tokens@example.com && \
                         linkctl token create --user tokens@example.com --name old";
            scene.shell(added).assert_success();
            let id = scene.id_of("token list");
            let named = "018f0000-0000-7000-8000-000000000000".to_owned();
            scene.here.push((named, id));
        }
    });
}

#[test]
fn the_requests_of_the_api_succeed() {
    let printed = run(
        "crates/api/README.md",
        &mut Scene::of(Kind::Sqlite),
        |_, _| (),
    );
    assert!(printed.contains(r#""code":"wiki""#), "{printed}");
}

#[test]
fn no_document_with_commands_is_left_out() {
    let run = [
        "README.md",
        "bins/linkctl/README.md",
        "bins/server/README.md",
        "crates/api/README.md",
    ];
    for document in documents() {
        let has_commands = !run_blocks(&document, "sh").is_empty();
        assert_eq!(run.contains(&document.as_str()), has_commands, "{document}");
    }
}

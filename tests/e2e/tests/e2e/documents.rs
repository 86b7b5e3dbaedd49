//! The commands in the documents work.

use std::path::{Path, PathBuf};

use waypost_test_harness::{
    Finished, Invocation, ServerOptions, ServerProcess, TestDatabase, binary,
};

/// All documents, as paths from the root of the project.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "bins/linkctl/README.md",
    "bins/server/README.md",
    "crates/api/README.md",
    "tests/README.md",
    "tests/bench/README.md",
];
/// The beginning of a shell line that sets `PATH`.
const PATH: &str = "PATH=";

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(document: &str) -> String {
    std::fs::read_to_string(top().join(document)).unwrap()
}

/// Returns the shell blocks of a document.
fn shell_blocks(document: &str) -> Vec<String> {
    let text = read(document);
    let blocks = text.split("\n```sh\n").skip(1);
    let ended = blocks.map(|rest| rest.split("\n```").next().unwrap_or_default());
    ended.map(str::to_owned).collect()
}

/// Runs lines in a shell with the programs in its `PATH`, on a database.
fn shell(lines: &str, database: &TestDatabase) -> Finished {
    let linkctl = binary("linkctl");
    let programs = linkctl.parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    Invocation::of_program("/bin/sh".into())
        .args(["-ec", lines])
        .env("PATH", format!("{programs}:{path}"))
        .database(database)
        .run()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_steps_of_the_readme_lead_to_a_redirect() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, ServerOptions::new());
    let blocks = shell_blocks("README.md");
    let steps = blocks.iter().find(|block| block.contains("curl"));
    let steps = steps.expect("the first steps").lines();
    // The programs are in the directory of the test build.
    let steps: Vec<&str> = steps.filter(|line| !line.starts_with(PATH)).collect();
    let steps = steps
        .join("\n")
        .replace("http://127.0.0.1:8080", &server.url(""));
    let ran = tokio::task::block_in_place(|| shell(&steps, &database)).assert_success();
    for expected in ["\"code\":\"Example\"", "\"clicks\":0", "HTTP/1.1 302 Found"] {
        assert!(ran.stdout.contains(expected), "{expected} in {ran:?}");
    }
}

#[test]
fn every_command_of_linkctl_in_a_document_is_understood() {
    let database = TestDatabase::sqlite();
    shell("linkctl migrate up", &database).assert_success();
    let mut commands = 0;
    for document in DOCUMENTS {
        for block in shell_blocks(document) {
            for line in block.lines().filter(|line| line.starts_with("linkctl ")) {
                let ran = shell(line, &database);
                // The record may be missing, or a confirmation required; but the usage must be
                // valid.
                assert_ne!(ran.status.code(), Some(2), "{document}: {line}: {ran:?}");
                commands += 1;
            }
        }
    }
    assert!(commands > 15, "{commands} commands");
}

#[test]
fn every_target_of_make_in_a_document_exists() {
    let makefile = read("Makefile");
    for document in DOCUMENTS {
        for block in shell_blocks(document) {
            for line in block.lines() {
                let Some(rest) = line.strip_prefix("make ") else {
                    continue;
                };
                let target = rest.split_whitespace().next().unwrap_or_default();
                let rule = format!("\n{target}:");
                assert!(makefile.contains(&rule), "{document}: {line}");
            }
        }
    }
}

#[test]
fn links_in_documents_work() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = top().join(document);
        let folder = folder.parent().unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            if path.is_empty() {
                let is_heading = |line: &str| line.starts_with('#') && anchor(line) == place;
                assert!(text.lines().any(is_heading), "{document}: {link}");
            } else {
                assert!(folder.join(path).exists(), "{document}: {link}");
            }
        }
    }
}

/// Returns the anchor of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().replace(' ', "-")
}

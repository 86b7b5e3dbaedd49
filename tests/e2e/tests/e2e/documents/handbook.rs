//! The handbook tells of every setting, metric, exit code and message as they are.

use std::collections::BTreeSet;

use waypost_e2e::Visitor;
use waypost_guards::files;
use waypost_test_harness::{Invocation, ServerOptions, ServerProcess, TestDatabase};

use super::read;

const HANDBOOK: &str = "bins/server/README.md";

/// A chapter of the handbook, without its heading.
fn chapter(name: &str) -> String {
    let text = read(HANDBOOK);
    let heading = format!("\n## {name}\n");
    let (_, rest) = text.split_once(&heading).expect("the chapter");
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

/// The rows of a table, cell by cell, without its head.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with("| "));
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .filter(|cells: &Vec<String>| !cells[0].starts_with("---"))
        .collect()
}

fn help() -> String {
    let finished = Invocation::of("server").arg("--help").run();
    let help = finished.assert_success().stdout;
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_table_of_settings_is_that_of_the_server() {
    let of_help: BTreeSet<_> = help()
        .split("[env: ")
        .skip(1)
        .filter_map(|part| {
            let (variable, rest) = part.split_once(']')?;
            let default = rest.split_once("[default: ")?.1.split(']').next()?;
            Some((variable.to_owned(), default.to_owned()))
        })
        .filter(|(variable, _)| variable != "WAYPOST_CONFIG")
        .collect();
    let of_handbook: BTreeSet<_> = rows(&chapter("Settings"))
        .into_iter()
        .filter(|cells| cells[0].starts_with("`WAYPOST_"))
        .map(|cells| (cells[0].replace('`', ""), cells[1].replace('`', "")))
        .collect();
    assert!(of_help.len() > 30, "{of_help:#?}");
    assert_eq!(of_handbook, of_help);
}

#[test]
fn every_setting_that_a_document_names_exists() {
    let help = help();
    for document in super::documents() {
        for part in read(&document).split("WAYPOST_").skip(1) {
            let end = part.find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
            let name = &part[..end.unwrap_or(part.len())];
            // The tests have variables of their own; `WAYPOST_*` is any.
            if name.is_empty() || name.starts_with("TEST_") || name == "CONFIG" {
                continue;
            }
            let variable = format!("[env: WAYPOST_{name}]");
            assert!(help.contains(&variable), "{document}: WAYPOST_{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handbook_has_every_metric_and_no_other() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database, ServerOptions::new());
    let answer = Visitor::of(&server).get("/metrics").await;
    let text = answer.text().await.unwrap();
    let exported: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| name.starts_with("waypost_"))
        .map(str::to_owned)
        .collect();
    let monitoring = chapter("Monitoring");
    let table: BTreeSet<_> = rows(&monitoring)
        .iter()
        .flat_map(|cells| names(&cells[0]))
        .collect();
    assert!(exported.len() > 15, "{exported:#?}");
    assert_eq!(table, exported);
    for name in names(&read(HANDBOOK)) {
        assert!(exported.contains(&name), "{name}");
    }
    // The reasons for which clicks are dropped are all there, too.
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("waypost_clicks_dropped_total{reason=\"") {
            let reason = rest.split('"').next().unwrap();
            assert!(monitoring.contains(&format!("`{reason}`")), "{reason}");
        }
    }
}

/// The names of metrics in a text.
fn names(text: &str) -> Vec<String> {
    let parts = text.match_indices("waypost_").map(|(at, _)| &text[at..]);
    parts
        .filter_map(|part| {
            let end = part.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            let name = &part[..end.unwrap_or(part.len())];
            let others = ["waypost_", "waypost_csrf", "waypost_known", "waypost_api"];
            let ours = !others.contains(&name);
            ours.then(|| name.to_owned())
        })
        .collect()
}

#[test]
fn the_exit_codes_of_the_server_are_those_of_its_help() {
    let help = help();
    for cells in rows(&chapter("What to do when")) {
        let (code, meaning) = (&cells[0], &cells[1]);
        // A second signal ends the program by itself: its help does not tell.
        if code.len() == 1 {
            assert!(help.contains(&format!("{code} {meaning}")), "{cells:?}");
        }
    }
}

/// The texts of the shipped sources, with string literals that go on in the next line put together.
fn sources() -> String {
    let files = files(&["rs"]).unwrap().into_iter();
    let shipped = files.filter(|file| file.starts_with("crates/") || file.starts_with("bins/"));
    let texts = shipped.map(|file| read(&file).replace("\\\n", ""));
    let words = texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_messages_of_the_handbook_are_written_by_the_server() {
    let sources = sources();
    let mut messages = 0;
    for part in chapter("What to do when").split("log: `").skip(1) {
        let message = part.split('`').next().unwrap();
        assert!(sources.contains(message), "nothing logs `{message}`");
        messages += 1;
    }
    assert!(messages > 5, "{messages} messages");
}

#[test]
fn the_details_of_readiness_are_in_the_handbook() {
    let sources = read("crates/api/src/handlers/operation/health.rs");
    let when = chapter("What to do when");
    for part in sources.split("code: \"").skip(1) {
        let code = part.split('"').next().unwrap();
        assert!(when.contains(&format!("detail `{code}`")), "{code}");
    }
}

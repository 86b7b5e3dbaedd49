//! What the documents tell people to type works, and what they say of the programs is true.
//!
//! Every block of every document is of a language that something checks, or says in a comment right
//! before it why it is not run: `<!-- not run: the reason -->`.
//!
//! | language | what checks it |
//! | --- | --- |
//! | `sh` | `shell.rs` runs it, on SQLite or on the database that follows the language |
//! | `rust` | the doc tests of the crate whose documentation the document is |
//! | any, with `from` and a file | `quotes.rs` looks for the lines in the file |
//! | `toml`, `ini`, `nginx`, `sql` | `deployment.rs`, with the real programs |
//! | `text` | `commands.rs` looks for the files and folders with which its lines begin |

mod commands;
mod deployment;
mod handbook;
mod quotes;
mod shell;

use std::path::Path;

use waypost_guards::{files, top};

/// What stands right before a block that is not run.
const NOT_RUN: &str = "<!-- not run: ";
/// The languages that something checks.
const CHECKED: [&str; 7] = ["sh", "rust", "toml", "ini", "nginx", "sql", "text"];

/// A fenced block of a document.
#[derive(Debug)]
struct Block {
    document: String,
    /// The number of the line on which it begins.
    line: usize,
    language: String,
    /// What follows the language: the database of commands and statements, or `from` and a file.
    more: Option<String>,
    text: String,
    /// Why it is not run.
    not_run: Option<String>,
}

/// All documents, from the top of the project.
fn documents() -> Vec<String> {
    let found = files(&["md"]).unwrap();
    assert!(found.len() > 10, "{found:?}");
    found
}

fn read(document: &str) -> String {
    let path = top().join(document);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// All blocks of a document.
fn blocks_of(document: &str) -> Vec<Block> {
    let text = read(document);
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            let (language, rest) = info.split_once([' ', ',']).unwrap_or((info, ""));
            let reason = before.strip_prefix(NOT_RUN);
            let inside = lines.by_ref().map(|(_, line)| line);
            let inside = inside.take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block {
                document: document.to_owned(),
                line: at + 1,
                language: language.to_owned(),
                more: Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
                text: inside.collect::<Vec<_>>().join("\n"),
                not_run: reason.map(|reason| reason.trim_end_matches("-->").trim().to_owned()),
            });
        }
        before = line;
    }
    blocks
}

impl Block {
    /// The file that it quotes.
    fn quoted(&self) -> Option<&str> {
        self.more.as_deref()?.strip_prefix("from ")
    }
}

/// All blocks of all documents in a language, those that are not run included.
fn blocks_in(language: &str) -> Vec<Block> {
    let all = documents().into_iter().flat_map(|it| blocks_of(&it));
    all.filter(|block| block.language == language).collect()
}

/// All blocks of a document that something must run.
fn run_blocks(document: &str, language: &str) -> Vec<Block> {
    let all = blocks_of(document).into_iter();
    all.filter(|block| block.language == language)
        .filter(|block| block.not_run.is_none() && block.quoted().is_none())
        .collect()
}

#[test]
fn every_block_is_checked_or_says_why_it_is_not() {
    for document in documents() {
        for block in blocks_of(&document) {
            let place = format!("{document}:{}", block.line);
            match &block.not_run {
                Some(reason) => assert!(reason.len() > 10, "{place}: why is it not run?"),
                None => assert!(
                    CHECKED.contains(&block.language.as_str()),
                    "{place}: nothing checks `{}`; say why it is not run: {NOT_RUN}…",
                    block.language
                ),
            }
        }
    }
}

#[test]
fn examples_in_rust_are_doc_tests() {
    for block in blocks_in("rust") {
        let folder = Path::new(&block.document).parent().unwrap();
        let lib = folder.join("src/lib.rs");
        assert!(
            block.not_run.is_some()
                || block.quoted().is_some()
                || read(lib.to_str().unwrap()).contains(r#"include_str!("../README.md")"#),
            "{}:{}: {} does not include the document",
            block.document,
            block.line,
            lib.display()
        );
    }
}

#[test]
fn what_a_document_links_to_exists() {
    for document in documents() {
        let text = read(&document);
        let folder = top().join(&document);
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

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().replace(' ', "-")
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 150, "{lines} lines");
}

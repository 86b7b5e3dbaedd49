//! What documents quote is in the code, and so are the files that they name.

use waypost_guards::top;

use super::{blocks_of, documents, read};

/// A line that leaves something out.
const GAP: &str = "…";
/// The folders with which the paths of the project begin.
const FOLDERS: [&str; 4] = ["bins/", "crates/", "migrations/", "tests/"];

#[test]
fn quoted_lines_are_in_their_files_in_this_order() {
    let mut quotes = 0;
    for document in documents() {
        for block in blocks_of(&document) {
            let Some(file) = block.quoted() else { continue };
            let text = read(file);
            let mut rest = text.as_str();
            for part in block.text.split(&format!("\n{GAP}\n")) {
                let found = rest.find(part);
                let place = format!("{document}:{}", block.line);
                let at = found.unwrap_or_else(|| panic!("{place}: {file} has no\n{part}"));
                rest = &rest[at + part.len()..];
            }
            quotes += 1;
        }
    }
    assert!(quotes > 10, "{quotes} quotes");
}

#[test]
fn the_files_that_documents_name_exist() {
    let mut named = 0;
    // The documents of data name files of the projects that it is from.
    let documents = documents().into_iter();
    for document in documents.filter(|document| !document.contains("/data/")) {
        let text = read(&document);
        for span in text.split('`').skip(1).step_by(2) {
            let is_path = FOLDERS.iter().any(|folder| span.starts_with(folder));
            if is_path && !span.contains(['*', '{', ' ', '…']) {
                assert!(top().join(span).exists(), "{document}: {span}");
                named += 1;
            }
        }
    }
    assert!(named > 5, "{named} files");
}

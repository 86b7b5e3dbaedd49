//! How long files and functions may be. `make sizes` lists what is longer than agreed, and every exception.

use waypost_guards::{files, functions, top};

/// Maximum number of lines of a file.
const FILE: usize = 500;
/// Maximum number of lines of a function that is shipped, without blank lines and comments.
const FUNCTION: usize = 60;
/// The same of a function of a test: a story with its steps reads best from top to bottom.
const TEST: usize = 100;
/// The files that count: what people write.
const EXTENSIONS: [&str; 9] = ["rs", "sql", "html", "css", "js", "mjs", "sh", "py", "md"];

/// A file that may be longer, and why.
const LONGER_FILES: [(&str, &str); 2] = [
    (
        "bins/server/README.md",
        "one handbook: its chapters are read one at a time, and searched together",
    ),
    (
        "crates/api/tests/http/walk.rs",
        "one table of all routes and callers, and the walk that reads it",
    ),
];

/// A function that may be longer, by its file and name, and why.
const LONGER_FUNCTIONS: [(&str, &str, &str); 11] = [
    (
        "bins/linkctl/src/commands/journal/status.rs",
        "print",
        "one layout, as JSON and as text",
    ),
    (
        "bins/linkctl/src/commands/mod.rs",
        "run",
        "one arm for each command",
    ),
    (
        "bins/server/src/service.rs",
        "start",
        "puts the parts together in the order in which they need each other",
    ),
    (
        "crates/analytics/src/ingester/batch.rs",
        "refused",
        "one decision, whose early returns share the batch",
    ),
    (
        "crates/analytics/src/ingester/ownership.rs",
        "split",
        "one loop whose state is the proof that no click is stored twice",
    ),
    (
        "crates/analytics/src/metrics.rs",
        "describe",
        "a table: one call for each metric",
    ),
    (
        "crates/analytics/src/privacy/report.rs",
        "signing_in",
        "a table: one entry for each column",
    ),
    (
        "crates/analytics/src/privacy/report.rs",
        "whose_links",
        "a table: one entry for each column",
    ),
    (
        "crates/analytics/src/privacy/report/clicks.rs",
        "clicks",
        "a table: one entry for each column",
    ),
    (
        "crates/api/src/routes.rs",
        "operations",
        "a table: one row for each operation of the API",
    ),
    (
        "crates/api/src/routes.rs",
        "pages",
        "a table: one row for each page",
    ),
];

fn read(file: &str) -> String {
    std::fs::read_to_string(top().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Whether a file holds code of tests alone.
fn is_of_tests(file: &str) -> bool {
    let shipped = file.starts_with("crates/") || file.starts_with("bins/");
    let marks = [
        "/tests/",
        "/tests.rs",
        "/testkit.rs",
        "/rig.rs",
        "/examples/",
        "/benches/",
        "/fuzz/",
    ];
    !shipped || marks.iter().any(|mark| file.contains(mark))
}

/// Prints what is longer than the limit, and fails on anything that is not an exception, and on an
/// exception that is not needed.
fn judge(limit: &str, longer: &[(String, usize)], agreed: &[(String, &str)]) {
    let mut wrong = Vec::new();
    for (name, length) in longer {
        match agreed.iter().find(|(exception, _)| exception == name) {
            Some((_, reason)) => println!("{length:>5}  {name}: {reason}"),
            None => wrong.push(format!("{name} has {length} lines ({limit})")),
        }
    }
    for (name, _) in agreed {
        if !longer.iter().any(|(longer, _)| longer == name) {
            wrong.push(format!("{name} needs no exception ({limit})"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_no_longer_than_agreed() {
    let lengths = files(&EXTENSIONS).unwrap().into_iter().map(|file| {
        let length = read(&file).lines().count();
        (file, length)
    });
    let longer: Vec<_> = lengths.filter(|(_, length)| *length > FILE).collect();
    let agreed = LONGER_FILES.map(|(file, reason)| (file.to_owned(), reason));
    judge(&format!("a file: {FILE}"), &longer, &agreed);
}

#[test]
fn functions_are_no_longer_than_agreed() {
    let mut longer = Vec::new();
    let mut count = 0;
    for file in files(&["rs"]).unwrap() {
        for function in functions(&read(&file)) {
            let is_test = function.is_test || is_of_tests(&file);
            let limit = if is_test { TEST } else { FUNCTION };
            count += 1;
            if function.length > limit {
                longer.push((format!("{file} {}", function.name), function.length));
            }
        }
    }
    assert!(count > 3000, "{count} functions");
    let agreed = LONGER_FUNCTIONS.map(|(file, name, reason)| (format!("{file} {name}"), reason));
    let limit = format!("a function: {FUNCTION}, of a test: {TEST}");
    judge(&limit, &longer, &agreed);
}

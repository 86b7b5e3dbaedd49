//! The checkers of pages: axe-core, a script that runs inside a page, and html-validate, which node
//! runs over many pages at once. Both are npm packages, whose versions are in `page-checkers/`.

use std::path::PathBuf;

use crate::invocation::Invocation;
use crate::programs::PageCheckerPrograms;

/// Returns the script that finds accessibility problems in a page: axe-core, which defines `axe`.
///
/// # Panics
/// When it is not installed.
pub fn axe() -> PathBuf {
    find().modules.join("node_modules/axe-core/axe.min.js")
}

/// Returns a run of the HTML validator over pages, given as a JSON object
/// (`{"name": "<!doctype html>…"}`) on its standard input. It writes a line for each problem.
///
/// # Panics
/// When it is not installed.
pub fn html_validator() -> Invocation {
    let PageCheckerPrograms { modules, node } = find();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/page-checkers/validate.mjs");
    Invocation::of_program(node).arg(script).arg(modules)
}

fn find() -> PageCheckerPrograms {
    PageCheckerPrograms::find().unwrap_or_else(|message| panic!("{message}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{axe, html_validator};

    #[test]
    fn the_script_for_pages_is_there() {
        let script = fs::read_to_string(axe()).expect("can be read");
        assert!(script.contains("axe"), "not axe-core");
    }

    #[test]
    fn problems_are_told_with_their_page_and_place() {
        let page = |body| {
            let head = r#"<meta charset=\"utf-8\"><title>A page</title>"#;
            format!(
                r#"<!doctype html>\n<html lang=\"en\"><head>{head}</head><body>{body}</body></html>"#
            )
        };
        let (good, bad) = (page("<p>Good</p>"), page("<p>Bad<div>"));
        let input = format!(r#"{{"good": "{good}", "bad": "{bad}"}}"#);
        let finished = html_validator().stdin(input).run().assert_success();
        let lines: Vec<&str> = finished.stdout.lines().collect();
        assert!(!lines.is_empty());
        for line in lines {
            assert!(line.starts_with("bad: line 2, column "), "{line}");
        }
    }
}

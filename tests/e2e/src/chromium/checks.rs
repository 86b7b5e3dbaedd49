//! Automatic checks of pages: accessibility (axe-core) and valid HTML (html-validate).

use std::fs;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use waypost_test_harness::{axe, html_validator};

use super::tab::Tab;

static AXE: LazyLock<String> = LazyLock::new(|| fs::read_to_string(axe()).expect("can be read"));

/// Runs the rules of WCAG up to 2.2, levels A and AA, and the best practices of axe-core.
const RUN: &str = r#"
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then((results) =>
        results.violations.flatMap((rule) => rule.nodes.map((node) => {
            const what = node.failureSummary.replace(/\s*\n\s*/g, " ");
            return `${rule.id} (${rule.impact}): ${node.target.join(" ")}: ${what} ${node.html}`;
        })));
"#;

impl Tab {
    /// Returns the accessibility problems that axe-core finds on the page, one line per element.
    ///
    /// # Panics
    /// When axe-core cannot be run.
    pub async fn barriers(&self) -> Vec<String> {
        let loaded = self.run("return typeof axe === 'object';").await;
        let script = if loaded == Value::Bool(true) {
            RUN.to_owned()
        } else {
            format!("{}\n{RUN}", *AXE)
        };
        let found = self.run(&script).await;
        let found = found.as_array().expect("a list").iter();
        found
            .map(|line| line.as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// Pages to validate in one run, because the validator takes longer to start than to check a page.
#[derive(Debug, Default)]
pub struct HtmlCheck(Map<String, Value>);

impl HtmlCheck {
    /// Creates a check without pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a page as the server sent it ([`Load::html`](super::Load)).
    pub fn add(&mut self, name: &str, html: &str) {
        self.0.insert(name.to_owned(), Value::from(html));
    }

    /// Validates the pages and returns one line per problem. Each begins with the name of the page.
    ///
    /// # Panics
    /// When the validator cannot be run.
    pub async fn problems(self) -> Vec<String> {
        let pages = Value::Object(self.0).to_string();
        let run = move || html_validator().stdin(pages).run().assert_success();
        let finished = tokio::task::spawn_blocking(run).await.expect("it ends");
        finished.stdout.lines().map(str::to_owned).collect()
    }
}

//! Takes the names of programs from a new version of crawler-user-agents, and prints them as
//! `data/crawler-user-agents.txt` has them.
//!
//! ```sh
//! cargo run -p waypost-analytics --example crawler_names -- crawler-user-agents.json
//! ```
//!
//! The list has patterns, and for each some user agents that it was seen in. A name is taken only
//! if it is needed: if the rule takes such a user agent for that of a browser. It is refused if it
//! is also in the user agent of a browser of the corpus (`tests/data`). What is refused, and what
//! stays unknown, is printed with the reason as an error.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints what it takes and refuses"
)]

use std::collections::BTreeSet;
use std::error::Error;

use regex::Regex;
use serde::Deserialize;
use waypost_analytics::UserAgents;
use waypost_core::VisitClass;

const CORPUS: [&str; 3] = [
    include_str!("../tests/data/user_agents.tsv"),
    include_str!("../tests/data/user_agent_classes.tsv"),
    include_str!("../tests/data/user_agents_told.tsv"),
];

#[derive(Deserialize)]
struct Entry {
    pattern: String,
    instances: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("the path of the list is missing")?;
    let entries: Vec<Entry> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let without_names = UserAgents::with_names("");
    let is_human = |agents: &UserAgents, text: &str| agents.class(Some(text)) == VisitClass::Human;
    let browsers: BTreeSet<&str> = CORPUS
        .iter()
        .flat_map(|lines| lines.lines())
        .filter(|line| {
            line.split('\t')
                .any(|column| column == VisitClass::Human.as_str())
        })
        .filter_map(|line| line.rsplit('\t').next())
        .filter(|text| is_human(&without_names, text))
        .collect();
    let mut names = BTreeSet::new();
    for entry in &entries {
        let pattern = Regex::new(&entry.pattern)?;
        for text in &entry.instances {
            if !is_human(&without_names, text) {
                continue;
            }
            let Some(name) = pattern
                .find(text)
                .and_then(|found| name(text, found.range()))
            else {
                eprintln!("no name of `{}` in {text}", entry.pattern);
                continue;
            };
            let with_name = UserAgents::with_names(name.clone());
            let browser = browsers.iter().find(|text| !is_human(&with_name, text));
            match browser {
                _ if is_human(&with_name, text) => eprintln!("refused, a device: {name} in {text}"),
                Some(browser) => eprintln!("refused, a browser has it: {name} in {browser}"),
                None => {
                    names.insert(name);
                }
            }
        }
    }
    for name in names {
        println!("{name}");
    }
    Ok(())
}

/// Returns the name that contains what the pattern matches, in lower case and without its version.
fn name(text: &str, found: std::ops::Range<usize>) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '%');
    let before = text.get(..found.start)?;
    let begin = before.trim_end_matches(is_part).len();
    let after = text.get(found.end..)?;
    let end = found.end + after.find(|c| !is_part(c)).unwrap_or(after.len());
    let product = text.get(begin..end)?.split('/').next()?;
    let name = product.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

//! What documents name exists: commands of `linkctl` with their options, targets of make, packages and tests of cargo.

use std::collections::BTreeSet;

use waypost_guards::{files, top};
use waypost_test_harness::run;

use super::{blocks_in, blocks_of, documents, read};

/// All commands of a document: the lines of its blocks of shell, and what stands between backticks.
fn commands_of(document: &str) -> Vec<String> {
    let blocks = blocks_of(document).into_iter();
    let shell = blocks.filter(|block| block.language == "sh");
    let mut commands: Vec<String> = shell
        .flat_map(|block| {
            let text = block.text.replace("\\\n", " ");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let mut in_block = false;
    for line in read(document).lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let spans = line.split('`').skip(1).step_by(2);
            commands.extend(spans.map(str::to_owned));
        }
    }
    // What follows another command is one as well.
    commands
        .iter()
        .flat_map(|line| line.split(['|', '(']))
        .map(|command| {
            command
                .split(" #")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect()
}

/// The words of each command of a program in all documents, each with its document.
fn commands_of_program(program: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for document in documents() {
        for command in commands_of(&document) {
            let mut words = command.split_whitespace().map(str::to_owned);
            if words.next().as_deref() == Some(program) {
                found.push((document.clone(), words.collect()));
            }
        }
    }
    found
}

fn help(words: &[&str]) -> Option<String> {
    let mut arguments = words.to_vec();
    arguments.push("--help");
    let finished = run("linkctl", &arguments, &[]);
    finished.status.success().then_some(finished.stdout)
}

/// The commands that `linkctl` has below these words.
fn below(words: &[&str]) -> Vec<String> {
    let help = help(words).expect("a command");
    let listed = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, rest)| rest);
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Every command of `linkctl` that does something.
fn leaves() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for name in below(&[]) {
        let names = below(&[&name]);
        if names.is_empty() {
            found.push(vec![name]);
        } else {
            found.extend(names.into_iter().map(|below| vec![name.clone(), below]));
        }
    }
    found
}

#[test]
fn every_command_of_linkctl_in_a_document_exists_with_its_options() {
    let leaves = leaves();
    let commands = commands_of_program("linkctl");
    assert!(commands.len() > 50, "{} commands", commands.len());
    for (document, words) in &commands {
        let Some(leaf) = leaves.iter().find(|leaf| words.starts_with(leaf)) else {
            let is_a_group = leaves.iter().any(|leaf| leaf.starts_with(words));
            assert!(is_a_group, "{document}: linkctl {words:?}");
            continue;
        };
        let help = help(&leaf.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        for option in words.iter().filter(|word| word.starts_with("--")) {
            let option = option.split('=').next().unwrap_or_default();
            assert!(
                help.contains(option),
                "{document}: linkctl {leaf:?} {option}"
            );
        }
    }
}

#[test]
fn every_command_of_linkctl_is_in_its_document() {
    let document = "bins/linkctl/README.md";
    let commands: Vec<_> = commands_of_program("linkctl")
        .into_iter()
        .filter(|(from, _)| from == document)
        .collect();
    for leaf in leaves() {
        let is_there = commands.iter().any(|(_, words)| words.starts_with(&leaf));
        assert!(is_there, "{document} has no example of linkctl {leaf:?}");
    }
}

#[test]
fn the_exit_codes_of_linkctl_are_those_of_its_help() {
    let help = help(&[]).unwrap();
    let codes = help.split_once("Exit codes:\n").expect("exit codes").1;
    let document = read("bins/linkctl/README.md").replace('`', "");
    for line in codes.lines() {
        let (code, meaning) = line
            .trim()
            .split_once("  ")
            .expect("a code and its meaning");
        let row = format!("| {code} | {} |", meaning.replace('`', ""));
        assert!(document.contains(&row), "{row}");
    }
}

#[test]
fn every_target_of_make_in_a_document_exists() {
    let makefile = read("Makefile");
    let commands = commands_of_program("make");
    assert!(commands.len() > 10, "{} commands", commands.len());
    for (document, words) in commands {
        let target = words.first().expect("a target");
        let rule = format!("\n{target}:");
        assert!(makefile.contains(&rule), "{document}: make {target}");
    }
}

#[test]
fn every_file_and_folder_of_a_layout_exists() {
    let blocks = blocks_in("text");
    assert!(!blocks.is_empty());
    for line in blocks.iter().flat_map(|block| block.text.lines()) {
        // Names, and what they are after at least two spaces more.
        let names = line.rsplit_once("   ").map_or(line, |(names, _)| names);
        for name in names.split_whitespace() {
            assert!(top().join(name).exists(), "{name} in {line}");
        }
    }
}

#[test]
fn every_package_test_and_example_of_cargo_in_a_document_exists() {
    let manifests: Vec<_> = files(&["toml"]).unwrap();
    let of_manifest = |manifest: &String| {
        let text = std::fs::read_to_string(top().join(manifest)).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("name = \""));
        name.map(|name| name.trim_end_matches('"').to_owned())
    };
    let packages: BTreeSet<_> = manifests.iter().filter_map(of_manifest).collect();
    let sources = files(&["rs"]).unwrap();
    let commands = commands_of_program("cargo");
    assert!(commands.len() > 5, "{} commands", commands.len());
    for (document, words) in commands {
        for pair in words.windows(2) {
            let [option, value] = pair else { continue };
            let exists = match option.as_str() {
                "-p" | "--package" => packages.contains(value),
                "--test" => {
                    ends_one_of(&sources, &format!("tests/{value}.rs"))
                        || ends_one_of(&sources, &format!("tests/{value}/main.rs"))
                }
                "--example" => ends_one_of(&sources, &format!("examples/{value}.rs")),
                _ => true,
            };
            assert!(exists, "{document}: cargo {words:?}: {option} {value}");
        }
    }
}

fn ends_one_of(files: &[String], end: &str) -> bool {
    files.iter().any(|file| file.ends_with(end))
}

//! Who may depend on whom. `deny.toml` says which packages nobody may use, this file who may use which.

use std::sync::LazyLock;

use waypost_guards::{Dependency, Graph, Kind};

/// What a member of the workspace may know of the others.
struct Layer {
    package: &'static str,
    /// What its library and programs depend on.
    uses: &'static [&'static str],
    /// What its tests and examples depend on as well.
    tests_use: &'static [&'static str],
}

const ANALYTICS: &str = "waypost-analytics";
const API: &str = "waypost-api";
const CORE: &str = "waypost-core";
const DIESEL: &str = "waypost-store-diesel";
const GUARDS: &str = "waypost-guards";
const HARNESS: &str = "waypost-test-harness";
const SERVICE: &str = "waypost-service";
const SETTINGS: &str = "waypost-settings";
const STORE: &str = "waypost-store";
const TESTKIT: &str = "waypost-store-testkit";

/// The layers of what is shipped, from the innermost outwards. Dependencies point inwards only.
const SHIPPED: [Layer; 9] = [
    layer(CORE, &[], &[]),
    layer(STORE, &[CORE], &[TESTKIT]),
    layer(SERVICE, &[CORE, STORE], &[TESTKIT]),
    layer(DIESEL, &[CORE, STORE], &[SERVICE, TESTKIT, HARNESS]),
    layer(ANALYTICS, &[CORE, STORE], &[TESTKIT]),
    layer(API, &[ANALYTICS, CORE, SERVICE, STORE], &[TESTKIT]),
    layer(SETTINGS, &[ANALYTICS, API, CORE, DIESEL, SERVICE], &[]),
    layer("waypost-linkctl", EVERYTHING, &[]),
    layer("waypost-server", EVERYTHING, &[]),
];
/// The binaries compose all crates.
const EVERYTHING: &[&str] = &[ANALYTICS, API, CORE, DIESEL, SERVICE, SETTINGS, STORE];

/// The layers of the tests, which are not shipped. The test kit knows no database: all stores use it.
const TESTS: [Layer; 6] = [
    layer(GUARDS, &[], &[]),
    layer(HARNESS, &[], &[]),
    layer(TESTKIT, &[CORE, SERVICE, STORE], &[]),
    layer(
        "waypost-histories",
        &[ANALYTICS, CORE, DIESEL, STORE, TESTKIT],
        &[],
    ),
    layer(
        "waypost-e2e",
        &[HARNESS, STORE],
        &[CORE, DIESEL, GUARDS, TESTKIT],
    ),
    layer("waypost-bench", &[CORE, DIESEL, HARNESS, STORE], &[]),
];

const fn layer(
    package: &'static str,
    uses: &'static [&'static str],
    tests_use: &'static [&'static str],
) -> Layer {
    Layer {
        package,
        uses,
        tests_use,
    }
}

/// What is compiled into nothing but the shipped packages beside it, and into whatever those are compiled into.
/// A name that ends in `-` stands for all packages that begin with it.
const CONFINED: [(&str, &[&str]); 12] = [
    // No framework leaves the API.
    ("actix-", &[API]),
    ("hyper", &[API]),
    ("utoipa", &[API]),
    ("askama", &[API]),
    // No diesel and no driver leaves the stores.
    ("deadpool", &[DIESEL]),
    ("diesel", &[DIESEL]),
    ("diesel-async", &[DIESEL]),
    ("libsqlite3-sys", &[DIESEL]),
    ("mysql_async", &[DIESEL]),
    ("tokio-postgres", &[DIESEL]),
    // The model is free of async and of I/O.
    ("tokio", &[STORE]),
    ("async-trait", &[STORE]),
];
/// What the programs add, which no library has.
const OF_PROGRAMS: [&str; 2] = ["clap", "indicatif"];

fn graph() -> &'static Graph {
    static GRAPH: LazyLock<Graph> =
        LazyLock::new(|| Graph::read().unwrap_or_else(|error| panic!("{error}")));
    &GRAPH
}

fn of_workspace(dependency: &Dependency) -> bool {
    dependency.package.starts_with("waypost-")
}

#[test]
fn every_member_of_the_workspace_has_a_layer() {
    let graph = graph();
    let mut layers: Vec<_> = SHIPPED.iter().chain(&TESTS).map(|it| it.package).collect();
    layers.sort_unstable();
    assert_eq!(graph.members.keys().collect::<Vec<_>>(), layers);
}

#[test]
fn each_layer_knows_only_the_layers_it_may_know() {
    let graph = graph();
    let mut wrong = Vec::new();
    for layer in SHIPPED.iter().chain(&TESTS) {
        for dependency in graph.members[layer.package]
            .iter()
            .filter(|it| of_workspace(it))
        {
            let name = dependency.package.as_str();
            let may = layer.uses.contains(&name)
                || (dependency.kind == Kind::Dev && layer.tests_use.contains(&name));
            if !may {
                wrong.push(format!(
                    "{} on {name} ({:?})",
                    layer.package, dependency.kind
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "nothing lets these depend: {wrong:#?}");
}

#[test]
fn the_table_allows_nothing_that_is_not_used() {
    let graph = graph();
    for layer in SHIPPED.iter().chain(&TESTS) {
        let named = |name: &str, kind: Kind| {
            let dependencies = &graph.members[layer.package];
            dependencies
                .iter()
                .any(|it| it.package == name && it.kind == kind)
        };
        for name in layer.uses {
            assert!(
                named(name, Kind::Normal),
                "{} uses no {name}",
                layer.package
            );
        }
        for name in layer.tests_use {
            assert!(
                named(name, Kind::Dev),
                "tests of {} use no {name}",
                layer.package
            );
        }
    }
}

#[test]
fn no_test_kit_is_shipped() {
    let graph = graph();
    for layer in &SHIPPED {
        let compiled = graph.compiled_into(layer.package);
        for test in &TESTS {
            assert!(
                !compiled.contains(test.package),
                "{} is compiled into {}",
                test.package,
                layer.package
            );
        }
        for dependency in &graph.members[layer.package] {
            let asks = dependency.features.iter().any(|it| it == "testkit");
            assert!(
                !asks || dependency.kind == Kind::Dev,
                "{} asks {} for its test kit",
                layer.package,
                dependency.package
            );
        }
    }
}

#[test]
fn frameworks_and_drivers_stay_where_they_belong() {
    let graph = graph();
    for (confined, homes) in CONFINED {
        let is_confined = |name: &str| {
            name == confined || (confined.ends_with('-') && name.starts_with(confined))
        };
        let mut found = false;
        for layer in &SHIPPED {
            let compiled = graph.compiled_into(layer.package);
            let has_it = compiled.iter().any(|name| is_confined(name));
            let is_home = |home: &&str| *home == layer.package || compiled.contains(*home);
            assert!(
                !has_it || homes.iter().any(is_home),
                "{confined} is compiled into {}",
                layer.package
            );
            found |= has_it;
        }
        assert!(found, "nothing uses {confined}");
    }
}

#[test]
fn libraries_leave_the_command_line_to_the_programs() {
    let graph = graph();
    for (layer, name) in SHIPPED
        .iter()
        .flat_map(|layer| OF_PROGRAMS.map(|name| (layer, name)))
    {
        let is_program = layer.uses == EVERYTHING;
        assert!(
            is_program || !graph.compiled_into(layer.package).contains(name),
            "{name} is compiled into {}",
            layer.package
        );
    }
}

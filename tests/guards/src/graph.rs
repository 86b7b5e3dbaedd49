//! The packages that cargo knows, and what each depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The library and the programs of a package.
    Normal,
    /// Its tests, examples and benchmarks.
    Dev,
    /// Its build script.
    Build,
}

/// A dependency that a manifest names.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The name of the package.
    pub package: String,
    /// What it is for.
    pub kind: Kind,
    /// The features that are asked for.
    pub features: Vec<String>,
}

/// Why the graph cannot be read.
#[derive(Debug)]
pub struct GraphError(String);

impl std::fmt::Display for GraphError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read the dependencies: {}", self.0)
    }
}

impl std::error::Error for GraphError {}

/// The packages of the workspace and everything that they depend on, on this platform and with all
/// features.
#[derive(Debug)]
pub struct Graph {
    /// The dependencies that the manifest of each member of the workspace names.
    pub members: BTreeMap<String, Vec<Dependency>>,
    /// By package, the packages that its normal dependencies are.
    resolved: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Asks cargo.
    ///
    /// # Errors
    /// [`GraphError`] when cargo fails, with what it says.
    pub fn read() -> Result<Self, GraphError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let version = run(Command::new(&cargo).arg("-vV"))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| GraphError("cargo does not name its platform".to_owned()))?;
        let metadata = run(Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(["--all-features", "--filter-platform", host])
            .current_dir(crate::top()))?;
        let metadata: Value =
            serde_json::from_str(&metadata).map_err(|error| GraphError(error.to_string()))?;
        Ok(Self::from_metadata(&metadata))
    }

    /// Reads what `cargo metadata` prints.
    #[must_use]
    pub fn from_metadata(metadata: &Value) -> Self {
        let names: BTreeMap<&str, &str> = list(metadata, "packages")
            .map(|package| (text(package, "id"), text(package, "name")))
            .collect();
        let name = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
        let of_workspace: BTreeSet<&str> = list(metadata, "workspace_members")
            .filter_map(Value::as_str)
            .collect();
        let members = list(metadata, "packages")
            .filter(|package| of_workspace.contains(text(package, "id")))
            .map(|package| {
                let dependencies = list(package, "dependencies").map(dependency).collect();
                (text(package, "name").to_owned(), dependencies)
            });
        let mut resolved: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata
            .get("resolve")
            .into_iter()
            .flat_map(|it| list(it, "nodes"))
        {
            let found = list(node, "deps")
                .filter(|dep| list(dep, "dep_kinds").any(|kind| kind_of(kind) == Kind::Normal))
                .map(|dep| name(text(dep, "pkg")));
            // Two versions of a package count as one.
            resolved
                .entry(name(text(node, "id")))
                .or_default()
                .extend(found);
        }
        Self {
            members: members.collect(),
            resolved,
        }
    }

    /// Returns every package that is compiled into a package, however indirectly.
    #[must_use]
    pub fn compiled_into(&self, package: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut next = vec![package];
        while let Some(package) = next.pop() {
            for dependency in self.resolved.get(package).into_iter().flatten() {
                if found.insert(dependency.as_str()) {
                    next.push(dependency);
                }
            }
        }
        found
    }
}

fn run(command: &mut Command) -> Result<String, GraphError> {
    let output = command
        .output()
        .map_err(|error| GraphError(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(GraphError(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ))
    }
}

fn dependency(value: &Value) -> Dependency {
    let features = list(value, "features").filter_map(Value::as_str);
    Dependency {
        package: text(value, "name").to_owned(),
        kind: kind_of(value),
        features: features.map(str::to_owned).collect(),
    }
}

fn kind_of(value: &Value) -> Kind {
    match text(value, "kind") {
        "dev" => Kind::Dev,
        "build" => Kind::Build,
        _ => Kind::Normal,
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_compiled_in_is_found_through_others_and_not_through_tests() {
        let dep = |package: &str, kind: Option<&str>| json!({"pkg": package, "dep_kinds": [{"kind": kind}]});
        let package = |name: &str| json!({"id": name, "name": name, "dependencies": []});
        let packages = ["a", "b", "c", "d"].map(package);
        let metadata = json!({
            "packages": packages,
            "workspace_members": ["a"],
            "resolve": {"nodes": [
                {"id": "a", "deps": [dep("b", None), dep("d", Some("dev"))]},
                {"id": "b", "deps": [dep("c", None), dep("a", Some("dev"))]},
            ]},
        });
        let graph = Graph::from_metadata(&metadata);
        assert_eq!(graph.members.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(graph.compiled_into("a"), BTreeSet::from(["b", "c"]));
    }
}

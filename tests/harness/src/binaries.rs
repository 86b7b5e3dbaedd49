//! The workspace's programs, up to date.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The programs and the packages they are built from.
const PROGRAMS: [(&str, &str); 2] = [("server", "waypost-server"), ("linkctl", "waypost-linkctl")];

/// The path of a program of the workspace (`server` or `linkctl`), in the profile of the running
/// tests. The first call in a test process builds them, so that no test runs a stale one.
///
/// # Panics
/// Where they do not compile, with the compiler's messages; for another name.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    assert!(
        PROGRAMS.iter().any(|(program, _)| *program == name),
        "the workspace has no program `{name}`"
    );
    match BUILT.get_or_init(build) {
        Ok(directory) => directory.join(name),
        Err(message) => panic!("{message}"),
    }
}

/// The directory that holds the programs.
fn build() -> Result<PathBuf, String> {
    let test = env::current_exe().map_err(|error| format!("cannot find the test: {error}"))?;
    // target/debug/deps/test-0123456789abcdef
    let [_, deps, directory, target] = ancestors(&test)?;
    if !deps.ends_with("deps") {
        return Err(format!(
            "{} is not where cargo puts tests; run them with `cargo test`",
            test.display()
        ));
    }
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let mut command = Command::new(&cargo);
    command.args(["build", "--quiet", "--profile", profile]);
    command.arg("--manifest-path").arg(manifest);
    command.arg("--target-dir").arg(target);
    for (_, package) in PROGRAMS {
        command.args(["--package", package]);
    }
    // What cargo tells a test about its package would look like a change to build scripts.
    for (name, _) in env::vars_os() {
        let about_test = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_EXE_"];
        if about_test
            .iter()
            .any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()))
        {
            command.env_remove(name);
        }
    }
    let output = command
        .output()
        .map_err(|error| format!("cannot run {}: {error}", cargo.display()))?;
    if output.status.success() {
        Ok(directory.to_owned())
    } else {
        Err(format!(
            "the workspace's programs do not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

fn ancestors(test: &Path) -> Result<[&Path; 4], String> {
    let ancestors: Vec<&Path> = test.ancestors().take(4).collect();
    ancestors
        .try_into()
        .map_err(|_| format!("{} is not in a target directory", test.display()))
}

//! Builds and finds the programs of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The programs and the packages they are built from.
const PROGRAMS: [(&str, &str); 2] = [("server", "waypost-server"), ("linkctl", "waypost-linkctl")];

/// Returns the path of a program of the workspace (`server` or `linkctl`), in the profile of the
/// running test or program. The first call in a process builds them, so that nothing runs an
/// outdated one.
///
/// # Panics
/// When they do not compile, with the messages of the compiler; for another name.
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

/// Returns the directory with the programs.
fn build() -> Result<PathBuf, String> {
    let running = env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    let directory = profile_directory(&running).ok_or_else(|| {
        format!(
            "{} is not where cargo puts tests and programs; run it with `cargo test` or `cargo run`",
            running.display()
        )
    })?;
    let target = directory.parent().unwrap_or(Path::new("/"));
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
    // The variables that cargo sets for tests would look like a change to build scripts.
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

/// Returns the directory of cargo's build output, which also contains files that tests leave for
/// inspection.
///
/// # Panics
/// When the running program is not in a directory of cargo.
pub fn target_directory() -> PathBuf {
    let running = env::current_exe().expect("is known");
    let target = profile_directory(&running).and_then(Path::parent);
    target.expect("cargo has built it").to_owned()
}

/// Returns the directory of the programs of the profile in which this one was built.
fn profile_directory(running: &Path) -> Option<&Path> {
    let directory = running.parent()?;
    if directory.ends_with("deps") {
        // A test: target/debug/deps/test-0123456789abcdef
        directory.parent()
    } else {
        // A program: target/release/bench, beside the directory of its intermediate files.
        directory.join("deps").is_dir().then_some(directory)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::profile_directory;

    #[test]
    fn tests_and_programs_know_the_directory_of_their_profile() {
        let target = crate::temporary_directory();
        let debug = target.path().join("debug");
        fs::create_dir_all(debug.join("deps")).expect("can make a directory");
        for running in ["deps/test-0123456789abcdef", "bench"] {
            assert_eq!(profile_directory(&debug.join(running)), Some(&*debug));
        }
        assert_eq!(profile_directory(&target.path().join("bench")), None);
        assert_eq!(profile_directory(Path::new("/")), None);
    }
}

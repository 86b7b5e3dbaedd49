//! The files of the project.

use std::io;
use std::path::{Path, PathBuf};

/// Folders that hold no sources: what is built, what is installed, and what git keeps.
const SKIPPED: [&str; 5] = [".git", "node_modules", "target", "waypost-data", "corpus"];

/// Returns the top folder of the project.
#[must_use]
pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the paths of all files with one of these extensions, relative to [`top`] and sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(extensions: &[&str]) -> io::Result<Vec<String>> {
    let top = top();
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                let name = entry.file_name();
                if !SKIPPED.iter().any(|skipped| name == *skipped) {
                    folders.push(path);
                }
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension.is_some_and(|extension| extensions.contains(&extension)) {
                let relative = path.strip_prefix(&top).unwrap_or(&path);
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

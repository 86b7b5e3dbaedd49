//! The directories of the data, and a warning if other users may enter them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tracing::warn;
use waypost_store_diesel::DatabaseSettings;

/// The rights of the group and of all other users to enter a directory or to change it. The files
/// themselves are closed to them, but whoever may change a directory may replace its files.
const ENTER_OR_CHANGE: u32 = 0o033;

/// Returns the data directory and the directory of an SQLite file.
pub(crate) fn all(settings: &DatabaseSettings) -> BTreeSet<PathBuf> {
    let of_file = settings.url.sqlite_path().and_then(Path::parent);
    let named = of_file.into_iter().chain([settings.data_dir.as_path()]);
    // The working directory has no name as the parent of a file.
    let is_named = |directory: &&Path| !directory.as_os_str().is_empty();
    let here = Path::new(".");
    named
        .map(|directory| Some(directory).filter(is_named).unwrap_or(here))
        .map(Path::to_owned)
        .collect()
}

/// Logs a warning for each of the directories that other users may enter or change.
pub(crate) fn warn_if_loose(settings: &DatabaseSettings) {
    for directory in all(settings) {
        let Ok(metadata) = fs::metadata(&directory) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & ENTER_OR_CHANGE != 0 {
            warn!(
                directory = %directory.display(),
                mode = format!("{mode:o}"),
                "other users of this machine may enter the data directory; run `chmod 700` on it"
            );
        }
    }
}

//! The directories of the data: a warning if other users may enter them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tracing::warn;
use waypost_store_diesel::DatabaseSettings;

/// The rights of the group and of all other users to enter a directory or to change it. The files
/// themselves are closed to them, but whoever may change a directory may replace its files.
const ENTER_OR_CHANGE: u32 = 0o033;

/// Logs a warning for the data directory and the directory of an SQLite file, if other users may
/// enter them or change them.
pub(crate) fn warn_if_loose(settings: &DatabaseSettings) {
    let of_file = settings.url.sqlite_path().and_then(Path::parent);
    let directories: BTreeSet<_> = of_file
        .into_iter()
        .chain([settings.data_dir.as_path()])
        .collect();
    for directory in directories {
        // The working directory has an empty name here.
        let read = if directory.as_os_str().is_empty() {
            fs::metadata(".")
        } else {
            fs::metadata(directory)
        };
        let Ok(metadata) = read else { continue };
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

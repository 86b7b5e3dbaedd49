//! The files of an SQLite database, which only their owner may read: they contain salts, hashes of
//! passwords and all clicks.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tracing::{info, warn};
use waypost_store::{check_writable, explain_denied};

use crate::DatabaseError;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The rights of the group and of all other users.
const OTHERS: u32 = 0o077;
/// The beginning of each database file (SQLite, Database File Format, §1.3.1).
const HEADER: &[u8] = b"SQLite format 3\0";
/// What SQLite adds to the name of a database for the files beside it.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Creates a missing database file and its directory, and checks that the files can be written, and
/// new ones created beside them: SQLite itself would only report "unable to open database file".
/// Takes the rights of other users to existing files away. SQLite creates the files beside the
/// database with its mode.
///
/// # Errors
/// [`DatabaseError::Unwritable`], or [`DatabaseError::NotSqlite`], which changes nothing.
pub(crate) fn prepare(path: &Path) -> Result<(), DatabaseError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| {
            let source = explain_denied(&path, source);
            DatabaseError::Unwritable { path, source }
        }
    };
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(unwritable(directory))?;
    check_writable(directory).map_err(unwritable(directory))?;
    if !may_be_database(path) {
        return Err(DatabaseError::NotSqlite {
            path: path.to_owned(),
        });
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(FILE_MODE)
        .open(path)
        .map(drop)
        .map_err(unwritable(path))?;
    close_to_others(path);
    for suffix in BESIDE {
        let path = beside(path, suffix);
        close_to_others(&path);
        if path.exists() {
            check_writable(&path).map_err(unwritable(&path))?;
        }
    }
    Ok(())
}

/// Whether a file is missing, empty, or begins as an SQLite database does. What cannot be read is
/// for the next steps.
fn may_be_database(path: &Path) -> bool {
    if path.exists() && !path.is_file() {
        return false;
    }
    let Ok(file) = File::open(path) else {
        return true;
    };
    let mut begin = Vec::new();
    let length = u64::try_from(HEADER.len()).unwrap_or(u64::MAX);
    match file.take(length).read_to_end(&mut begin) {
        Ok(_) => begin.is_empty() || begin == HEADER,
        Err(_) => true,
    }
}

/// Returns the directory of a database file.
pub(super) fn directory_of(path: &Path) -> &Path {
    let named = path.parent().filter(|path| !path.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Returns the path of a file beside a database.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the other processes that have a database file open, as far as this one may see them,
/// such as `server (process 42)`.
pub(crate) fn users_of(path: &Path) -> Vec<String> {
    let Ok(path) = path.canonicalize() else {
        return Vec::new();
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let others = processes.filter_map(|process| {
        let id: u32 = process.file_name().to_str()?.parse().ok()?;
        let files = std::fs::read_dir(process.path().join("fd")).ok()?;
        let mut files = files
            .flatten()
            .filter_map(|file| file.path().read_link().ok());
        if id == std::process::id() || !files.any(|file| file == path) {
            return None;
        }
        let name = std::fs::read_to_string(process.path().join("comm")).ok()?;
        Some(format!("{} (process {id})", name.trim()))
    });
    others.collect()
}

/// Takes the rights of other users to an existing file away, if this process may do so. Does not
/// open the file: closing it again would release locks of this process.
fn close_to_others(path: &Path) {
    let closed = || -> io::Result<bool> {
        let mode = std::fs::metadata(path)?.permissions().mode();
        if mode & OTHERS == 0 {
            return Ok(false);
        }
        std::fs::set_permissions(path, Permissions::from_mode(mode & DIRECTORY_MODE))?;
        Ok(true)
    };
    match closed() {
        Ok(true) => info!(path = %path.display(), "took the rights of other users to a file away"),
        Ok(false) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => warn!(
            %error,
            path = %path.display(),
            "other users have rights to a database file; let its owner run `chmod 600` on it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_and_its_directories_are_for_their_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/waypost.db");
        prepare(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&root.path().join("a")), 0o700);
        assert_eq!(mode(&root.path().join("a/b")), 0o700);
    }

    #[test]
    fn a_file_in_the_working_directory_needs_no_directory() {
        assert_eq!(directory_of(Path::new("waypost.db")), Path::new("."));
        assert_eq!(directory_of(Path::new("/waypost.db")), Path::new("/"));
    }

    #[test]
    fn the_rights_of_others_to_existing_files_are_taken_away() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("waypost.db");
        let names = ["", "-wal", "-shm", "-journal"].map(|suffix| beside(&path, suffix));
        for (name, loose) in names.iter().zip([0o644, 0o664, 0o666, 0o606]) {
            std::fs::write(name, "SQLite format 3\0").unwrap();
            std::fs::set_permissions(name, Permissions::from_mode(loose)).unwrap();
        }
        let other = root.path().join("waypost.db.md5");
        std::fs::write(&other, "").unwrap();
        let before = mode(&other);
        prepare(&path).unwrap();
        assert_eq!(names.map(|name| mode(&name)), [0o600; 4]);
        assert_eq!(mode(&other), before, "not a file of the database");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("passwd");
        for text in ["root:x:0:0:root:/root:/bin/bash\n", "SQLite format 2", "S"] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            let refused = prepare(&path).unwrap_err();
            assert!(matches!(refused, DatabaseError::NotSqlite { .. }));
            assert_eq!(mode(&path), 0o644, "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let refused = prepare(root.path()).unwrap_err();
        assert!(matches!(refused, DatabaseError::NotSqlite { .. }));
    }
}

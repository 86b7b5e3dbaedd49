//! The modes of the files of a journal: only their owner may read them, because journals contain
//! personal data.

use std::fs::{Permissions, read_dir, set_permissions, symlink_metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tracing::{info, warn};

pub(super) const FILE_MODE: u32 = 0o600;
pub(super) const DIRECTORY_MODE: u32 = 0o700;
/// The rights of the group and of all other users.
const OTHERS: u32 = 0o077;

/// Takes the rights of other users to an existing directory and everything in it away. If this
/// process may not do so, logs a warning and goes on.
pub(super) fn close_to_others(directory: &Path) {
    let mut changed = 0_u64;
    match close(directory, &mut changed) {
        Ok(()) if changed == 0 => {}
        Ok(()) => info!(
            journal = %directory.display(),
            files = changed,
            "took the rights of other users to files of the journal away"
        ),
        Err(error) => warn!(
            %error,
            journal = %directory.display(),
            "other users may have rights to files of the journal; let their owner run \
             `chmod -R go=` on it"
        ),
    }
}

fn close(path: &Path, changed: &mut u64) -> io::Result<()> {
    let metadata = symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    if mode & OTHERS != 0 {
        set_permissions(path, Permissions::from_mode(mode & DIRECTORY_MODE))?;
        *changed += 1;
    }
    if metadata.is_dir() {
        for entry in read_dir(path)? {
            close(&entry?.path(), changed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_of_others_are_taken_away() {
        let root = tempfile::tempdir().unwrap();
        let journal = root.path().join("journal");
        let file = journal.join("retries/rejected");
        std::fs::create_dir_all(journal.join("retries")).unwrap();
        std::fs::write(&file, "").unwrap();
        let loosen = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode));
        loosen(&file, 0o666).unwrap();
        loosen(&journal, 0o755).unwrap();
        close_to_others(&journal);
        let mode = |path: &Path| symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&journal), 0o700);
        assert_eq!(mode(&journal.join("retries")), 0o700);
    }
}

//! What an operator needs to know when a file or directory cannot be used: whose it is, and as whom
//! this process runs.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::{getegid, geteuid};

/// Checks that this process may write an existing file, or create files in an existing directory,
/// without doing so: the rights of its user, and whether the file system is read-only.
///
/// # Errors
/// The error of the operating system; if the rights are missing, in the words of
/// [`explain_denied`].
pub fn check_writable(path: &Path) -> io::Result<()> {
    let access = if path.is_dir() {
        Access::WRITE_OK | Access::EXEC_OK
    } else {
        Access::WRITE_OK
    };
    accessat(CWD, path, access, AtFlags::EACCESS)
        .map_err(|error| explain_denied(path, error.into()))
}

/// Adds the owner and the mode of the file or directory to an error of missing rights, and the user
/// of this process. If `path` does not exist, they are those of the nearest directory above it.
/// Other errors, and those that are explained already, stay as they are.
#[must_use]
pub fn explain_denied(path: &Path, error: io::Error) -> io::Error {
    let is_explained = error.get_ref().is_some();
    if error.kind() != io::ErrorKind::PermissionDenied || is_explained {
        return error;
    }
    let here = Path::new(".");
    let mut existing = path.ancestors().map(|path| match path {
        empty if empty.as_os_str().is_empty() => here,
        path => path,
    });
    let found = existing.find_map(|path| Some((path, path.metadata().ok()?)));
    let Some((found, metadata)) = found else {
        return error;
    };
    let explained = format!(
        "{error}: {} belongs to user {} and group {} and has the mode {:04o}, and this process runs \
         as user {} and group {}",
        found.display(),
        metadata.uid(),
        metadata.gid(),
        metadata.mode() & 0o7777,
        geteuid().as_raw(),
        getegid().as_raw(),
    );
    io::Error::new(error.kind(), explained)
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn an_error_of_rights_names_the_owner_of_what_exists_and_the_user_of_this_process() {
        let denied = Error::from(ErrorKind::PermissionDenied);
        let path = Path::new("/proc/self/fdinfo/not/there");
        let explained = explain_denied(path, denied);
        assert_eq!(explained.kind(), ErrorKind::PermissionDenied);
        let text = explained.to_string();
        let user = geteuid().as_raw();
        assert!(
            text.contains("/proc/self/fdinfo belongs to user "),
            "{text}"
        );
        assert!(text.contains(" has the mode 0555, "), "{text}");
        assert!(
            text.contains(&format!("runs as user {user} and ")),
            "{text}"
        );
        let again = explain_denied(path, explained).to_string();
        assert_eq!(again, text);
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        let full = Error::from(ErrorKind::StorageFull);
        let text = full.to_string();
        let same = explain_denied(Path::new("/"), full);
        assert_eq!(same.to_string(), text);
    }

    #[test]
    fn a_file_system_that_is_read_only_is_found_without_writing() {
        check_writable(&std::env::temp_dir()).unwrap();
        let missing = check_writable(Path::new("/proc/self/nothing")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        // Nobody creates files there, not even root.
        check_writable(Path::new("/proc/self")).unwrap_err();
    }
}

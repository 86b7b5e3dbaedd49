//! Programs whose whole file system is read-only but for one directory, as in a hardened container.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes all file systems read-only for itself, and becomes the program: `sh -c SCRIPT sh DIRECTORY
/// PROGRAM…`. The program has neither a home nor a directory for temporary files, and its working
/// directory is read-only too. Devices stay.
const SCRIPT: &str = r#"
set -eu
writable=$1
shift
mount --bind "$writable" "$writable"
while read -r _ point type _; do
    case $type in proc | sysfs | devtmpfs | devpts | cgroup*) continue ;; esac
    [ "$point" = "$writable" ] || mount -o remount,bind,ro "$point" 2>/dev/null || :
done </proc/self/mounts
for place in / /tmp /var/tmp /dev/shm; do
    if [ -d "$place" ] && (: >"$place/waypost-test") 2>/dev/null; then
        echo "$place is still writable" >&2
        exit 70
    fi
done
cd /
unset HOME
export TMPDIR=/nonexistent
exec "$@"
"#;

/// Runs programs with a read-only root file system.
#[derive(Clone, Copy, Debug)]
pub struct ReadOnlyRoot(());

impl ReadOnlyRoot {
    /// Returns `None` if this process may not change mounts, even only for itself.
    pub fn try_new() -> Option<Self> {
        let may = Command::new("unshare")
            .args(namespace())
            .args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        may.is_ok_and(|status| status.success()).then_some(Self(()))
    }

    /// Returns the beginning of a command line that runs the rest of it this way. Only `writable`
    /// and what is in it can be written.
    pub fn command(self, writable: &Path) -> Vec<OsString> {
        let script = ["sh", "-c", SCRIPT, "sh"];
        let words = ["unshare"].into_iter().chain(namespace()).chain(script);
        let words = words.map(OsString::from);
        words.chain([writable.into()]).collect()
    }
}

/// The options of unshare(1) for mounts of its own.
fn namespace() -> impl Iterator<Item = &'static str> {
    let is_root = rustix::process::geteuid().is_root();
    let as_root = (!is_root).then_some("--map-root-user");
    ["--mount", "--propagation", "private"]
        .into_iter()
        .chain(as_root)
}

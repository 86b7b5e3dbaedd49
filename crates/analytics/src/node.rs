//! Identity of this process among all processes of all hosts, as reported to the database, and
//! whether a reported process runs on this host.

use std::fs;

/// A process of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// The name of the host, for people.
    pub(crate) host: String,
    /// The host, its current boot, and the process: `host boot pid start`, where `start` is the
    /// start time of the process in clock ticks since the boot. Unknown parts are `-`.
    pub(crate) process: String,
}

/// Whether a reported process is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It is running on this host.
    Runs,
    /// It ran on this host and has ended.
    Ended,
    /// It is on another host, or in a container whose processes are not visible here.
    Unknown,
}

impl Node {
    /// Returns the identity of this process.
    pub(crate) fn current() -> Self {
        Self::of_process(std::process::id())
    }

    fn of_process(pid: u32) -> Self {
        let host = host();
        let boot = boot().unwrap_or_else(|| "-".to_owned());
        let start = start_of(pid).unwrap_or_else(|| "-".to_owned());
        let process = format!("{host} {boot} {pid} {start}");
        Self { host, process }
    }

    /// Returns whether a reported process is running.
    pub(crate) fn life_of(&self, process: &str) -> Life {
        let fields = |text: &str| -> Option<[String; 4]> {
            let fields: Vec<String> = text.split(' ').map(str::to_owned).collect();
            fields.try_into().ok()
        };
        let (Some([host, boot, ..]), Some([other, its_boot, pid, start])) =
            (fields(&self.process), fields(process))
        else {
            return Life::Unknown;
        };
        if host != other || boot == "-" || start == "-" {
            return Life::Unknown;
        }
        if boot != its_boot {
            // The host was rebooted since.
            return Life::Ended;
        }
        match pid.parse().ok().and_then(start_of) {
            Some(found) if found == start => Life::Runs,
            _ => Life::Ended,
        }
    }
}

/// Returns the name of this host, without blanks; at most 200 characters.
fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let name: String = name
        .chars()
        .filter(|character| !character.is_whitespace())
        .take(200)
        .collect();
    if name.is_empty() {
        "-".to_owned()
    } else {
        name
    }
}

/// Returns the boot ID of Linux.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty() && !id.contains(' ')).then(|| id.to_owned())
}

/// Returns the start time of a process, if it is running: field 22 of `/proc/PID/stat`, proc(5).
/// The name of the program before it, in parentheses, may contain any characters.
fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    // A zombie has ended: its directory is no longer locked.
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_runs_until_it_has_ended() {
        let node = Node::current();
        assert_eq!(node.life_of(&node.process), Life::Runs);
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let other = Node::of_process(child.id());
        assert_eq!(other.host, node.host);
        assert_eq!(node.life_of(&other.process), Life::Runs);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(node.life_of(&other.process), Life::Ended);
    }

    #[test]
    fn another_process_of_the_same_number_is_another_one() {
        let node = Node::current();
        let (before, _) = node.process.rsplit_once(' ').unwrap();
        assert_eq!(node.life_of(&format!("{before} 1")), Life::Ended);
    }

    #[test]
    fn a_process_of_an_earlier_boot_has_ended() {
        let node = Node::current();
        let boot = boot().unwrap();
        let earlier = node.process.replace(&boot, "0b1d6c1e");
        assert_eq!(node.life_of(&earlier), Life::Ended);
    }

    #[test]
    fn nothing_is_known_of_processes_of_other_hosts() {
        let node = Node::current();
        for process in ["", "other 1 2 3", "1", "- - - -", "a b c d e"] {
            assert_eq!(node.life_of(process), Life::Unknown, "{process:?}");
        }
        let container = node.process.replacen(&node.host, "3f2a9c", 1);
        assert_eq!(node.life_of(&container), Life::Unknown);
    }
}

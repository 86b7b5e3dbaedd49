//! The machine and the sources of a run: numbers mean nothing without them.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;

use serde::Serialize;

use crate::cores::Cores;

/// The machine, and the commit that is measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) kernel: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) divided: Cores,
    /// With `, changed` if files differ from it.
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn look(divided: Cores) -> Self {
        let system = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            kernel: format!("{} {}", text(system.sysname()), text(system.release())),
            cpu: cpu_model(&cpus).unwrap_or_else(|| text(system.machine())),
            cores: thread::available_parallelism().map_or(1, usize::from),
            divided,
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

/// Returns the first model in `/proc/cpuinfo`; some architectures name none.
fn cpu_model(cpus: &str) -> Option<String> {
    cpus.lines().find_map(|line| {
        let (name, model) = line.split_once(':')?;
        (name.trim() == "model name").then(|| model.trim().to_owned())
    })
}

/// Returns the commit of the sources, if git is available.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() {
        commit
    } else {
        format!("{commit}, changed")
    })
}

#[cfg(test)]
mod tests {
    use super::cpu_model;

    #[test]
    fn the_model_is_read_from_the_first_cpu() {
        let cpus = "processor\t: 0\nmodel\t\t: 167\nmodel name\t: A CPU: fast\nprocessor\t: 1\n";
        assert_eq!(cpu_model(cpus).as_deref(), Some("A CPU: fast"));
        assert_eq!(cpu_model("processor : 0\n"), None);
    }
}

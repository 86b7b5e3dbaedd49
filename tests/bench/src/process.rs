//! The resources of another process, from the kernel.

use std::fs;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde::Serialize;

use crate::Result;

/// The CPU time of all threads of a process, including ended ones, to the nanosecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuClock(ClockId);

impl CpuClock {
    /// Returns the clock of the process with this ID.
    ///
    /// # Errors
    /// When it does not exist.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(pid)?);
        let clock = clock_getcpuclockid(pid);
        clock
            .map(Self)
            .map_err(|error| format!("cannot read the CPU time of process {pid}: {error}").into())
    }

    /// Returns the clock of this process.
    pub(crate) fn own() -> Self {
        Self(ClockId::CLOCK_PROCESS_CPUTIME_ID)
    }

    /// Returns user and system time since the process began.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn read(self) -> Result<Duration> {
        match clock_gettime(self.0) {
            Ok(time) => Ok(time.into()),
            Err(error) => Err(format!("cannot read the CPU time of a process: {error}").into()),
        }
    }
}

/// The resident memory of a process, in bytes: all of it, and by what backs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) anonymous: u64,
    pub(crate) file: u64,
    pub(crate) shared: u64,
}

impl Memory {
    /// Reads that of the process with this ID.
    ///
    /// # Errors
    /// When it does not exist.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/status");
        let status =
            fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
        Self::parse(&status).ok_or_else(|| format!("{path} tells no memory").into())
    }

    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes = line.strip_prefix(':')?.trim().strip_suffix(" kB")?;
            Some(kibibytes.parse::<u64>().ok()? * 1024)
        };
        Some(Self {
            resident: bytes("VmRSS")?,
            anonymous: bytes("RssAnon")?,
            file: bytes("RssFile")?,
            shared: bytes("RssShmem")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CpuClock, Memory};

    #[test]
    fn memory_is_read_by_what_is_behind_it() {
        let status = "Name:\tserver\nVmPeak:\t  99 kB\nVmRSS:\t   10 kB\nRssAnon:\t       6 kB\n\
                      RssFile:\t       3 kB\nRssShmem:\t       1 kB\n";
        let expected = Memory {
            resident: 10_240,
            anonymous: 6_144,
            file: 3_072,
            shared: 1_024,
        };
        assert_eq!(Memory::parse(status), Some(expected));
        assert_eq!(Memory::parse("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn a_process_has_the_same_clock_for_itself_and_for_others() {
        let others = CpuClock::of(std::process::id()).expect("it runs");
        let before = others.read().expect("it runs");
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(5) {}
        let own = CpuClock::own().read().expect("it runs");
        assert!(own > before);
        assert!(others.read().expect("it runs") >= own);
    }
}

//! The assignment of cores.
//!
//! The server has the first core to itself. The load has another, and databases have the rest, or
//! share that of the load on a machine with two cores. A process inherits the cores of the thread
//! that starts it, so all of its threads stay there from the beginning.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

use crate::Result;

/// The cores of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
    /// The cores of the databases and of this program.
    pub(crate) rest: Vec<usize>,
}

impl Cores {
    /// Divides the cores that this process may use.
    ///
    /// # Errors
    /// When there is only one.
    pub(crate) fn divide() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        Self::of(&cores.collect::<Vec<_>>())
    }

    fn of(cores: &[usize]) -> Result<Self> {
        match *cores {
            [server, load] => Ok(Self {
                server,
                load,
                rest: vec![load],
            }),
            [server, load, ref rest @ ..] if !rest.is_empty() => Ok(Self {
                server,
                load,
                rest: rest.to_vec(),
            }),
            _ => Err("needs two cores: one for the server, one for the load".into()),
        }
    }

    /// Keeps the calling thread, and the processes it starts from now on, off the cores of the
    /// server and the load.
    ///
    /// # Errors
    /// When the operating system rejects it.
    pub(crate) fn leave_to_others(&self) -> Result<()> {
        Ok(sched_setaffinity(None, &set(&self.rest))?)
    }
}

/// Runs an action on one core. Processes that it starts stay there.
///
/// # Errors
/// When the operating system rejects it.
pub(crate) fn on<T>(core: usize, action: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(None)?;
    sched_setaffinity(None, &set(&[core]))?;
    let done = action();
    sched_setaffinity(None, &before)?;
    Ok(done)
}

fn set(cores: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::Cores;

    #[test]
    fn the_server_shares_its_core_with_nobody() {
        let divided = |cores: &[usize]| {
            let cores = Cores::of(cores).expect("are enough");
            (cores.server, cores.load, cores.rest)
        };
        assert_eq!(divided(&[0, 1]), (0, 1, vec![1]));
        assert_eq!(divided(&[2, 3, 5, 7]), (2, 3, vec![5, 7]));
        assert!(Cores::of(&[0]).is_err());
    }
}

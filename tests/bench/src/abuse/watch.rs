//! What held connections cost the server, and when it is rid of them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde::Serialize;
use waypost_test_harness::ServerProcess;

use super::clients::LARGE;
use crate::Result;
use crate::process::Memory;

/// Interval between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Files that the server opens meanwhile for other reasons, the connections of visitors included.
const OTHER_FILES: usize = 200;

/// What was seen.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Seen {
    /// Bytes of the server beyond those before, at most.
    pub(super) memory: u64,
    /// Bytes of the kernel for TCP beyond those before, at most: of both ends, and of visitors.
    pub(super) kernel: u64,
    /// Seconds from the last connection until nearly all were closed; `None` if they were not.
    pub(super) freed_after_s: Option<f64>,
}

/// Looks at a server until it is stopped.
pub(super) struct Watch {
    before: Look,
    pid: u32,
}

/// A [`Watch`] that has begun.
pub(super) struct Watching {
    stop: Arc<AtomicBool>,
    seen: JoinHandle<std::result::Result<Seen, String>>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    memory: u64,
    kernel: u64,
    files: usize,
}

impl Look {
    fn at(pid: u32) -> Result<Self> {
        let sockets = fs::read_to_string("/proc/net/sockstat")?;
        let tcp = sockets.lines().find(|line| line.starts_with("TCP:"));
        let pages = tcp.and_then(|line| line.split(' ').next_back()?.parse::<u64>().ok());
        let page = u64::try_from(rustix::param::page_size())?;
        Ok(Self {
            memory: Memory::of(pid)?.resident,
            kernel: pages.ok_or("the kernel tells no memory of TCP")? * page,
            files: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }
}

impl Watch {
    /// Looks at a server before it is disturbed.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) fn before(server: &ServerProcess) -> Result<Self> {
        // What the server does for the first request only is no cost of a connection.
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port()))?;
        stream.write_all(LARGE.as_bytes())?;
        let mut answer = [0; 4_096];
        stream.read_exact(&mut answer)?;
        let pid = server.pid();
        let before = Look::at(pid)?;
        Ok(Self { before, pid })
    }

    /// Begins to look, when all connections are open.
    pub(super) fn begin(self) -> Watching {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let seen =
            std::thread::spawn(move || self.look(&stopped).map_err(|error| error.to_string()));
        Watching { stop, seen }
    }

    fn look(&self, stopped: &AtomicBool) -> Result<Seen> {
        let began = Instant::now();
        let mut seen = Seen {
            memory: 0,
            kernel: 0,
            freed_after_s: None,
        };
        while !stopped.load(Ordering::Relaxed) {
            let now = Look::at(self.pid)?;
            seen.memory = seen
                .memory
                .max(now.memory.saturating_sub(self.before.memory));
            seen.kernel = seen
                .kernel
                .max(now.kernel.saturating_sub(self.before.kernel));
            if now.files < self.before.files + OTHER_FILES {
                let after = began.elapsed().as_secs_f64();
                seen.freed_after_s.get_or_insert(after);
            }
            sleep(LOOK_EVERY);
        }
        Ok(seen)
    }
}

impl Watching {
    /// Returns what was seen.
    ///
    /// # Errors
    /// When the server has ended.
    pub(super) fn end(self) -> Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.seen.join().map_err(|_| "the watch panicked")?;
        Ok(seen?)
    }
}

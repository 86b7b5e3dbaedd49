//! A running program of the workspace, whose output is collected and which does not outlive its
//! handle.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};

use crate::janitor;

const POLL: Duration = Duration::from_millis(5);

/// A child process. Dropping it kills it and waits for its end.
pub(crate) struct Process {
    child: Child,
    status: Option<ExitStatus>,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Output {
    written: Mutex<Written>,
    changed: Condvar,
}

/// The output of a process so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Both, in the order of arrival.
    pub(crate) both: Vec<u8>,
    closed: u8,
}

impl Process {
    /// Starts the command, without the `WAYPOST_*` variables of this machine that it does not set
    /// itself.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        let given: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        for (name, _) in std::env::vars_os() {
            let ours = name.as_encoded_bytes().starts_with(b"WAYPOST_");
            if ours && !given.contains(&name) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        janitor::watch(child.id());
        let output = Arc::new(Output::default());
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let readers = vec![
            collect(stdout, Arc::clone(&output), |written| &mut written.stdout),
            collect(stderr, Arc::clone(&output), |written| &mut written.stderr),
        ];
        Ok(Self {
            child,
            status: None,
            output,
            readers,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the pipe to its standard input once, if the command asked for one.
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Returns its output so far; all of it once [`wait`](Self::wait) has reported its end.
    pub(crate) fn written(&self) -> Written {
        self.output.lock().clone()
    }

    /// Waits until `find` returns a value for the output. Returns `None` when the time is over or
    /// no more output can come.
    pub(crate) fn wait_for<T>(
        &self,
        timeout: Duration,
        mut find: impl FnMut(&Written) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + timeout;
        let mut written = self.output.lock();
        loop {
            if let Some(found) = find(&written) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || written.closed == 2 {
                return None;
            }
            let waited = self.output.changed.wait_timeout(written, left);
            written = waited.expect("never poisoned").0;
        }
    }

    /// Waits for its end; returns `None` when the time is over before.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(status) = self.status {
                return Some(status);
            }
            if self.has_ended() {
                self.reap();
            } else if Instant::now() >= deadline {
                return None;
            } else {
                thread::sleep(POLL);
            }
        }
    }

    /// Sends a signal, unless it is known to have ended.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            // Fails only for a process that has ended and been waited for.
            let _ = rustix::process::kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// Limits the length of files that it writes to. The hard limit stays, so the limit can be
    /// removed again.
    pub(crate) fn limit_file_size(&self, bytes: Option<u64>) {
        let pid = Some(Pid::from_child(&self.child));
        let before = rustix::process::getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: bytes.or(before.maximum),
            maximum: before.maximum,
        };
        rustix::process::prlimit(pid, Resource::Fsize, limit).expect("it is our child, and runs");
    }

    /// Kills it, unless it has ended, and waits for its end.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        loop {
            // SIGKILL cannot be refused; only the kernel may be slow.
            if let Some(status) = self.wait(Duration::from_secs(60)) {
                return status;
            }
        }
    }

    /// Returns whether it has ended, without releasing its process ID.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let id = WaitId::Pid(Pid::from_child(&self.child));
        !matches!(rustix::process::waitid(id, options), Ok(None))
    }

    fn reap(&mut self) {
        janitor::forget(self.child.id());
        let status = self.child.wait().expect("is our child");
        self.status = Some(status);
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().expect("never poisoned")
    }
}

fn collect(
    mut stream: impl Read + Send + 'static,
    output: Arc<Output>,
    part: fn(&mut Written) -> &mut Vec<u8>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let bytes = &buffer[..length];
            let mut written = output.lock();
            part(&mut written).extend_from_slice(bytes);
            written.both.extend_from_slice(bytes);
            output.changed.notify_all();
        }
        output.lock().closed += 1;
        output.changed.notify_all();
    })
}

/// Converts output to text, whatever bytes it contains.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use rustix::process::Signal;

    use super::{Process, text};
    use crate::wait_until_blocking;

    const LONG: Duration = crate::wait::PATIENCE;
    const HOLDS: &str = "WAYPOST_HARNESS_TEST_HOLDS";

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script])).expect("can start a shell")
    }

    #[test]
    fn its_output_and_its_end_are_told() {
        let mut process = shell("echo out; echo error >&2; exit 3");
        let status = process.wait(LONG).expect("ends");
        assert_eq!(status.code(), Some(3));
        assert_eq!(text(&process.written().stdout), "out\n");
        assert_eq!(text(&process.written().stderr), "error\n");
    }

    #[test]
    fn what_it_writes_can_be_waited_for() {
        let mut process = shell("echo one; sleep 0.1; echo two; exec sleep 1000");
        let line = process.wait_for(LONG, |written| {
            let text = text(&written.stdout);
            text.lines().nth(1).map(str::to_owned)
        });
        assert_eq!(line.as_deref(), Some("two"));
        assert_eq!(process.wait(Duration::from_millis(10)), None);
        process.signal(Signal::TERM);
        assert_eq!(process.wait(LONG).and_then(|end| end.signal()), Some(15));
    }

    #[test]
    fn nothing_is_waited_for_that_cannot_come() {
        let process = shell("exit 0");
        assert_eq!(process.wait_for(LONG, |_| None::<()>), None);
    }

    #[test]
    fn it_is_killed_when_dropped() {
        let process = shell("exec sleep 1000");
        let path = format!("/proc/{}", process.id());
        assert!(Path::new(&path).exists());
        drop(process);
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn it_does_not_outlive_a_killed_test() {
        let mut test = Command::new(std::env::current_exe().expect("is known"))
            .args(["process::tests::holds_a_process", "--exact", "--nocapture"])
            .env(HOLDS, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("can start this test again");
        let output = BufReader::new(test.stdout.take().expect("is a pipe"));
        let path = output
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("holds ")?.1.to_owned()))
            .expect("tells what it holds");
        assert!(Path::new(&path).exists());
        test.kill().expect("can kill it");
        test.wait().expect("is our child");
        wait_until_blocking("the process has ended", LONG, || !Path::new(&path).exists());
    }

    /// Does nothing, unless started by the test above.
    #[test]
    fn holds_a_process() {
        if std::env::var_os(HOLDS).is_some() {
            let process = shell("exec sleep 1000");
            println!("\nholds /proc/{}", process.id());
            std::thread::sleep(LONG);
        }
    }
}

//! Tests of the program as a process: what it prints, how it stops, its exit codes. On SQLite, in a
//! directory of its own; the end-to-end tests cover the other databases.

#![expect(clippy::unwrap_used, reason = "test code: it fails by panicking")]

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A running server, killed on drop.
struct Running {
    child: Child,
    address: SocketAddr,
    /// Standard output after the first line.
    stdout: BufReader<std::process::ChildStdout>,
    _directory: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(directory: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.as_encoded_bytes().starts_with(b"WAYPOST_")) {
        command.env_remove(name);
    }
    command
        .current_dir(directory)
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let mut child = command(&directory, arguments).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let url = line.strip_prefix(&format!("Waypost {version} listening on http://"));
    Running {
        child,
        address: url.unwrap().trim_end().parse().unwrap(),
        stdout,
        _directory: directory,
    }
}

fn finished(arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    command(&directory, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl Running {
    fn exchange(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits for the exit. Returns the exit code and standard error.
    fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        (code, stderr)
    }
}

#[test]
fn the_banner_has_a_line_that_works_when_it_is_pasted() {
    let mut server = start(&["--anonymous-links", "true"]);
    let mut line = String::new();
    while !line.starts_with("curl ") {
        line.clear();
        assert_ne!(
            server.stdout.read_line(&mut line).unwrap(),
            0,
            "no curl line"
        );
    }
    let url = format!("http://{}/shorten", server.address);
    let pasted = line
        .trim_end()
        .strip_prefix(&format!("curl -s -X POST {url} -H '"));
    let (header, body) = pasted.unwrap().split_once("' -d '").unwrap();
    let body = body.strip_suffix('\'').unwrap();
    let length = body.len();
    let answer = server.exchange(&format!(
        "POST /shorten HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    ));
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(
        answer.contains("\"url\":\"https://example.com/\""),
        "{answer}"
    );
}

#[test]
fn a_signal_stops_the_server_with_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = start(&[]);
        server.signal(signal);
        let (code, stderr) = server.ended();
        assert_eq!(code, Some(0), "{stderr}");
        // Standard error is not a terminal, so there are no colours.
        assert!(!stderr.contains('\u{1b}'), "{stderr}");
        assert!(stderr.contains("stopped"), "{stderr}");
    }
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    for (signal, expected) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let server = start(&["--anonymous-links", "true"]);
        // Start a request whose body never arrives.
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = "POST /shorten HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                    Content-Length: 10\r\nExpect: 100-continue\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut interim = [0; 12];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100");
        server.signal(Signal::TERM);
        while TcpStream::connect(server.address).is_ok() {
            std::thread::yield_now();
        }
        server.signal(signal);
        let (code, stderr) = server.ended();
        assert_eq!(code, Some(expected), "{stderr}");
    }
}

#[test]
fn the_log_can_be_json_and_a_request_has_its_id_there() {
    let server = start(&["--log-format", "json"]);
    let answer = server.exchange(
        "GET /urls HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: from-a-proxy\r\n\r\n",
    );
    assert!(answer.contains("x-request-id: from-a-proxy"), "{answer}");
    server.signal(Signal::TERM);
    let (code, stderr) = server.ended();
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<serde_json::Value> = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let request = lines.iter().find(|line| line.get("route").is_some());
    let request = request.unwrap().to_string();
    assert!(request.contains("from-a-proxy"), "{request}");
}

#[test]
fn other_users_have_no_rights_to_any_file_whatever_the_umask() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("waypost-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    std::fs::write(data.join("waypost.db"), "").unwrap();
    std::fs::set_permissions(data.join("waypost.db"), Permissions::from_mode(0o666)).unwrap();
    let mut server = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" --listen 127.0.0.1:0"])
        .arg(env!("CARGO_BIN_EXE_server"))
        .current_dir(&directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let mut seen = Vec::new();
    modes(&data, &mut seen);
    let id = i32::try_from(server.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
    let output = server.wait_with_output().unwrap();
    for name in ["waypost.db", "waypost.db-wal", "waypost.db-shm", "id"] {
        assert!(
            seen.iter().any(|(file, _)| file == name),
            "{name}: {seen:?}"
        );
    }
    assert!(
        seen.iter().all(|(_, mode)| mode.trailing_zeros() >= 6),
        "{seen:?}"
    );
    let stderr = text(&output.stderr);
    assert_eq!(stderr.matches("chmod 700").count(), 1, "{stderr}");
}

/// Collects the names and modes of all files and directories in a directory.
fn modes(directory: &Path, into: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        into.push((name, metadata.permissions().mode()));
        if metadata.is_dir() {
            modes(&entry.path(), into);
        }
    }
}

#[test]
fn help_and_version_are_on_standard_output() {
    let help = finished(&["--help"]);
    assert!(help.status.success());
    assert!(text(&help.stdout).contains("WAYPOST_BASE_URL"));
    let version = finished(&["--version"]);
    let expected = format!("server {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&version.stdout), expected);
}

#[test]
fn wrong_usage_and_configuration_end_with_code_2_and_other_failures_with_1() {
    let usage = finished(&["--nonsense"]);
    assert_eq!(usage.status.code(), Some(2));
    let configuration = finished(&["--workers", "0", "--log", "loud"]);
    assert_eq!(configuration.status.code(), Some(2));
    let stderr = text(&configuration.stderr);
    assert!(
        stderr.contains("--workers") && stderr.contains("--log"),
        "{stderr}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failure = finished(&["--metrics-listen", &address, "--log", "error"]);
    assert_eq!(failure.status.code(), Some(1));
    let stderr = text(&failure.stderr);
    let expected = format!("error: cannot listen on {address}: ");
    assert!(stderr.starts_with(&expected), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

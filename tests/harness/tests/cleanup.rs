//! Nothing outlives a test process, however and whenever it ends.

use std::env;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use waypost_test_harness::{
    ChromeDriver, DatabaseServer, Kind, PATIENCE, SmallDisk, TestDatabase, temporary_directory,
    wait_until_blocking,
};

/// Set for the process that other tests here start: how it ends.
const ENDING: &str = "WAYPOST_HARNESS_TEST_ENDING";
/// The test that such a process normally runs.
const EVERYTHING: &str = "holds_one_of_everything";

#[test]
fn a_dropped_server_is_gone_at_once() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let server = DatabaseServer::start(kind);
        let directory = server.directory().to_owned();
        assert!(processes_naming(&directory).contains(&server.pid()));
        drop(server);
        let left = processes_naming(&directory);
        assert!(left.is_empty(), "{kind} still runs: {left:?}");
        assert!(!directory.exists(), "{} is left", directory.display());
    }
}

#[test]
fn a_dropped_driver_is_gone_with_its_browsers() {
    let driver = ChromeDriver::start();
    let directories: Vec<PathBuf> = (0..2).map(|_| open_browser(&driver)).collect();
    for directory in &directories {
        assert!(processes_naming(directory).len() >= 3);
    }
    drop(driver);
    for directory in &directories {
        let left = processes_naming(directory);
        assert!(left.is_empty(), "still run: {left:?}");
        assert!(!directory.exists(), "{} is left", directory.display());
    }
}

#[test]
fn a_process_killed_while_its_browser_starts_leaves_nothing() {
    for milliseconds in [0, 60, 150, 300, 600] {
        let temporary = shared_directory();
        let mut process = holder("holds_a_browser", temporary.path(), "kill -9");
        thread::sleep(Duration::from_millis(milliseconds));
        process.kill().expect("can kill it");
        process.wait().expect("is our child");
        expect_nothing_in(temporary.path(), &format!("{milliseconds} ms"));
    }
}

#[test]
fn a_process_that_ends_leaves_nothing() {
    for ending in ["return", "exit", "abort", "kill -9"] {
        let temporary = shared_directory();
        let mut process = holder(EVERYTHING, temporary.path(), ending);
        let mut stdout = process.stdout.take().expect("is a pipe");
        let mut output = String::new();
        let mut buffer = [0; 100];
        while !output.contains("holds everything") {
            let length = stdout.read(&mut buffer).expect("can read");
            assert_ne!(length, 0, "{ending}: {output}");
            output.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        if ending == "kill -9" {
            assert_eq!(entries(temporary.path()), 1);
            assert!(processes_naming(temporary.path()).len() >= 2);
            process.kill().expect("can kill it");
        }
        process.wait().expect("is our child");
        expect_nothing_in(temporary.path(), ending);
    }
}

#[test]
fn a_process_killed_while_it_starts_its_databases_leaves_nothing() {
    for milliseconds in [0, 30, 200, 450, 700, 1000] {
        let temporary = shared_directory();
        let mut process = holder(EVERYTHING, temporary.path(), "kill -9");
        thread::sleep(Duration::from_millis(milliseconds));
        process.kill().expect("can kill it");
        process.wait().expect("is our child");
        expect_nothing_in(temporary.path(), &format!("{milliseconds} ms"));
    }
}

/// Does nothing, unless started by the tests above.
#[test]
fn holds_one_of_everything() {
    let Ok(ending) = env::var(ENDING) else {
        return;
    };
    DatabaseServer::shared(Kind::Postgres);
    DatabaseServer::shared(Kind::MariaDb);
    let _database = TestDatabase::sqlite();
    let _directory = temporary_directory();
    let _disk = SmallDisk::try_mount(64 * 1_024);
    let driver = ChromeDriver::start();
    open_browser(&driver);
    println!("holds everything");
    match ending.as_str() {
        "return" => {}
        "exit" => std::process::exit(1),
        "abort" => std::process::abort(),
        _ => thread::sleep(PATIENCE),
    }
}

/// Does nothing, unless started by a test above.
#[test]
fn holds_a_browser() {
    if env::var_os(ENDING).is_some() {
        let driver = ChromeDriver::start();
        open_browser(&driver);
        thread::sleep(PATIENCE);
    }
}

/// Opens a browser; returns the directory of its profile.
fn open_browser(driver: &ChromeDriver) -> PathBuf {
    let address = driver.url().strip_prefix("http://").expect("a URL");
    let (binary, arguments) = (driver.chromium(), ChromeDriver::arguments());
    let options = format!(r#"{{"binary": {binary:?}, "args": {arguments:?}}}"#);
    let wanted =
        format!(r#"{{"capabilities": {{"alwaysMatch": {{"goog:chromeOptions": {options}}}}}}}"#);
    let length = wanted.len();
    let mut connection = TcpStream::connect(address).expect("listens");
    let head = "POST /session HTTP/1.1\r\nHost: localhost\r\nConnection: close";
    write!(
        connection,
        "{head}\r\nContent-Length: {length}\r\n\r\n{wanted}"
    )
    .expect("can write");
    let timeout = Some(PATIENCE);
    connection.set_read_timeout(timeout).expect("is not zero");
    let (mut answer, mut buffer) = (String::new(), [0; 1_000]);
    // The driver may keep the connection open.
    while !answer.contains(r#""sessionId":""#) {
        let length = connection.read(&mut buffer).expect("an answer in time");
        assert_ne!(length, 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    let directory = answer.split_once(r#""userDataDir":""#);
    let directory = directory.and_then(|(_, rest)| rest.split_once('"'));
    directory.expect(&answer).0.into()
}

/// Starts this test program again, running one test, with its own directory for temporary files.
fn holder(test: &str, temporary: &Path, ending: &str) -> Child {
    Command::new(env::current_exe().expect("is known"))
        .args([test, "--exact", "--nocapture"])
        .env(ENDING, ending)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("can start this test again")
}

/// Creates a directory that the accounts of the databases may use, too.
fn shared_directory() -> TempDir {
    let directory = tempfile::Builder::new()
        // Short: the name of a socket that Chromium creates inside may have 107 bytes (unix(7)).
        .prefix("wt-")
        .tempdir()
        .expect("can create a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).expect("is ours");
    directory
}

#[track_caller]
fn expect_nothing_in(temporary: &Path, after: &str) {
    wait_until_blocking(
        &format!("nothing is left in {} after {after}", temporary.display()),
        PATIENCE,
        || entries(temporary) == 0 && processes_naming(temporary).is_empty(),
    );
    let mounts = fs::read_to_string("/proc/mounts").expect("is there");
    assert!(
        !mounts.contains(temporary.to_str().expect("is UTF-8")),
        "{mounts}"
    );
}

fn entries(directory: &Path) -> usize {
    directory.read_dir().expect("is a directory").count()
}

/// Returns the processes with this path in their arguments or as their working directory.
fn processes_naming(path: &Path) -> Vec<u32> {
    let text = path.to_str().expect("is UTF-8");
    Path::new("/proc")
        .read_dir()
        .expect("is a directory")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            let directory = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let named = String::from_utf8_lossy(&arguments).contains(text);
            (named || directory.starts_with(path)).then_some(pid)
        })
        .collect()
}

//! Invalid configurations: clear messages, exit codes, no panic, no password.

use std::net::TcpListener;

use waypost_test_harness::{Finished, Invocation};

fn refused(env: &[(&str, &str)]) -> Finished {
    let invocation = env.iter().fold(
        Invocation::of("server").env("WAYPOST_LISTEN", "127.0.0.1:0"),
        |run, (name, value)| run.env(name, value),
    );
    let finished = invocation.run();
    assert!(!finished.status.success(), "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    assert!(!format!("{finished:?}").contains("hunter2"), "{finished:?}");
    finished
}

fn one_line(text: &str) -> bool {
    text.trim_end().lines().count() == 1
}

#[test]
fn every_problem_is_reported_at_once_with_its_variable() {
    let finished = refused(&[
        ("WAYPOST_LISTEN", "nonsense"),
        ("WAYPOST_BASE_URL", "go.example"),
        ("WAYPOST_DATABASE_URL", "oracle://user:hunter2@host/db"),
        ("WAYPOST_DATABASE_POOL_SIZE", "0"),
        ("WAYPOST_CLICK_DURABILITY", "forever"),
        ("WAYPOST_JOURNAL_SYNC_MS", "0"),
        ("WAYPOST_JOURNAL_MAX_MB", "much"),
        ("WAYPOST_CACHE_CAPACITY", "-1"),
        ("WAYPOST_TRUSTED_PROXIES", "proxy.example"),
        ("WAYPOST_TIMEZONE", "Mars/Olympus"),
        ("WAYPOST_RETENTION_DAYS", "-1"),
        ("WAYPOST_LOG_FORMAT", "xml"),
        ("WAYPOST_SHUTDOWN_GRACE_S", "soon"),
        ("WAYPOST_LISTEM", "typing error"),
    ]);
    for variable in [
        "WAYPOST_LISTEN",
        "WAYPOST_BASE_URL",
        "WAYPOST_DATABASE_URL",
        "WAYPOST_DATABASE_POOL_SIZE",
        "WAYPOST_CLICK_DURABILITY",
        "WAYPOST_JOURNAL_SYNC_MS",
        "WAYPOST_JOURNAL_MAX_MB",
        "WAYPOST_CACHE_CAPACITY",
        "WAYPOST_TRUSTED_PROXIES",
        "WAYPOST_TIMEZONE",
        "WAYPOST_RETENTION_DAYS",
        "WAYPOST_LOG_FORMAT",
        "WAYPOST_SHUTDOWN_GRACE_S",
        "WAYPOST_LISTEM",
    ] {
        assert!(
            finished.stderr.contains(variable),
            "{variable}\n{}",
            finished.stderr
        );
    }
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let finished = refused(&[("WAYPOST_LISTEN", &address), ("WAYPOST_LOG", "error")]);
    assert!(finished.stderr.contains(&address), "{}", finished.stderr);
    assert!(one_line(&finished.stderr), "{}", finished.stderr);
}

#[test]
fn a_missing_database_is_named() {
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://user:hunter2@127.0.0.1:1/waypost");
        let finished = refused(&[("WAYPOST_DATABASE_URL", &url), ("WAYPOST_LOG", "error")]);
        assert!(
            finished.stderr.contains("127.0.0.1:1/waypost"),
            "{}",
            finished.stderr
        );
        assert!(one_line(&finished.stderr), "{}", finished.stderr);
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let data_dir = file.join("data");
    let finished = refused(&[
        ("WAYPOST_DATA_DIR", data_dir.to_str().unwrap()),
        ("WAYPOST_LOG", "error"),
    ]);
    assert!(
        finished.stderr.contains(file.to_str().unwrap()),
        "{}",
        finished.stderr
    );
    assert!(one_line(&finished.stderr), "{}", finished.stderr);
}

#[test]
fn a_settings_file_is_read_and_its_unknown_keys_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("waypost.toml");
    std::fs::write(
        &file,
        "listen = \"127.0.0.1:0\"\nlissten = 1\nworkers = 0\n",
    )
    .unwrap();
    let finished = Invocation::of("server").arg("--config").arg(&file).run();
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    for part in ["lissten", "workers", "waypost.toml"] {
        assert!(
            finished.stderr.contains(part),
            "{part}\n{}",
            finished.stderr
        );
    }
}

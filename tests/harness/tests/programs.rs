//! The programs of the workspace really run, and their output and exit status are reported.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use waypost_test_harness::{
    Invocation, ServerOptions, ServerProcess, TestClock, TestDatabase, binary, run,
};

#[test]
fn the_programs_are_built() {
    for name in ["server", "linkctl"] {
        assert!(binary(name).is_file(), "{name}");
    }
}

#[test]
#[should_panic(expected = "the workspace has no program `serer`")]
fn a_misspelled_program_is_told() {
    binary("serer");
}

#[test]
fn a_program_runs_to_its_end() {
    run("linkctl", &["--version"], &[]).assert_success();
    Invocation::of("linkctl")
        .arg("--version")
        .env("WAYPOST_LOG", "debug")
        .stdin("not read")
        .run()
        .assert_success();
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_output() {
    let database = TestDatabase::sqlite();
    let options = ServerOptions::new().env("WAYPOST_LISTEN", "nonsense");
    let error = ServerProcess::try_start(&database, options)
        .err()
        .expect("there is no such address");
    assert!(
        error.starts_with("the server ended (exit status: "),
        "{error}"
    );
}

#[test]
fn a_server_is_started_ended_and_started_again_on_the_same_data() {
    let database = TestDatabase::sqlite();
    let mut server = ServerProcess::start(&database, ServerOptions::new());
    let data = server.data_dir();
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_ok());
    assert!(server.output().contains("listening on http://127.0.0.1:"));
    assert!(server.terminate().success(), "{}", server.output());
    assert!(!server.is_running());

    server.restart();
    assert_eq!(server.data_dir().path(), data.path());
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_ok());
    assert_eq!(server.kill().signal(), Some(9));
    let pid = server.pid();
    drop(server);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_program_has_the_clock_that_it_is_given() {
    let seconds = |clock: &TestClock| {
        let date = Invocation::of_program("/usr/bin/date".into());
        let told = date.arg("+%s").clock(clock).run().assert_success();
        told.stdout.trim().parse::<i64>().expect("a number")
    };
    let right = TestClock::ahead(0);
    let before = seconds(&right);
    for days in [400, -400] {
        let clock = TestClock::ahead(days);
        let ahead = seconds(&clock) - before - i64::from(days) * 86_400;
        assert!((0..600).contains(&ahead), "{ahead} s off");
        clock.set_ahead(0);
        assert!((0..600).contains(&(seconds(&clock) - before)));
    }
}

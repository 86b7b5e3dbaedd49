//! Environments that other software makes: Kubernetes, Docker, compose files and secrets in files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use waypost_e2e::Visitor;
use waypost_e2e::member::linkctl;
use waypost_test_harness::{Finished, Invocation, ServerOptions, ServerProcess, TestDatabase};

/// What Kubernetes adds to each container of a namespace with the Services `waypost`,
/// `waypost-db` and `waypost-server`, and Docker for linked containers.
const INJECTED: [(&str, &str); 39] = [
    ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
    ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
    ("WAYPOST_SERVICE_HOST", "10.96.12.7"),
    ("WAYPOST_SERVICE_PORT", "80"),
    ("WAYPOST_SERVICE_PORT_HTTP", "80"),
    ("WAYPOST_SERVICE_PORT_METRICS", "9090"),
    ("WAYPOST_PORT", "tcp://10.96.12.7:80"),
    ("WAYPOST_PORT_80_TCP", "tcp://10.96.12.7:80"),
    ("WAYPOST_PORT_80_TCP_PROTO", "tcp"),
    ("WAYPOST_PORT_80_TCP_PORT", "80"),
    ("WAYPOST_PORT_80_TCP_ADDR", "10.96.12.7"),
    ("WAYPOST_PORT_53_UDP", "udp://10.96.12.7:53"),
    ("WAYPOST_PORT_53_UDP_PROTO", "udp"),
    ("WAYPOST_PORT_53_UDP_PORT", "53"),
    ("WAYPOST_PORT_53_UDP_ADDR", "10.96.12.7"),
    ("WAYPOST_PORT_3868_SCTP", "sctp://10.96.12.7:3868"),
    ("WAYPOST_PORT_3868_SCTP_PROTO", "sctp"),
    ("WAYPOST_DB_SERVICE_HOST", "fd00:10:96::a"),
    ("WAYPOST_DB_SERVICE_PORT", "5432"),
    ("WAYPOST_DB_SERVICE_PORT_POSTGRES", "5432"),
    ("WAYPOST_DB_PORT", "tcp://[fd00:10:96::a]:5432"),
    ("WAYPOST_DB_PORT_5432_TCP", "tcp://[fd00:10:96::a]:5432"),
    ("WAYPOST_DB_PORT_5432_TCP_PROTO", "tcp"),
    ("WAYPOST_DB_PORT_5432_TCP_PORT", "5432"),
    ("WAYPOST_DB_PORT_5432_TCP_ADDR", "fd00:10:96::a"),
    ("WAYPOST_SERVER_SERVICE_HOST", "10.96.12.8"),
    ("WAYPOST_SERVER_SERVICE_PORT", "8080"),
    ("WAYPOST_SERVER_PORT", "tcp://10.96.12.8:8080"),
    ("WAYPOST_SERVER_PORT_8080_TCP", "tcp://10.96.12.8:8080"),
    ("WAYPOST_SERVER_PORT_8080_TCP_ADDR", "10.96.12.8"),
    ("WAYPOST_CACHE_NAME", "/shop/waypost-cache"),
    ("WAYPOST_CACHE_PORT", "tcp://172.17.0.5:6379"),
    ("WAYPOST_CACHE_PORT_6379_TCP_ADDR", "172.17.0.5"),
    ("WAYPOST_CACHE_PORT_8000_TCP_START", "tcp://172.17.0.5:8000"),
    ("WAYPOST_CACHE_PORT_8000_TCP_PORT_END", "8010"),
    ("WAYPOST_CACHE_ENV_REDIS_VERSION", "7.2.4"),
    ("WAYPOST_CACHE_ENV_PATH", "/usr/local/bin:/bin"),
    ("WAYPOST_CACHE_ENV_LISTEN", ""),
    ("WAYPOST_CACHE_ENV_PASSWORD", "hunter2"),
];

fn with_all(invocation: Invocation, variables: &[(&str, &str)]) -> Invocation {
    variables
        .iter()
        .fold(invocation, |run, (name, value)| run.env(name, value))
}

fn refused(program: &str, variables: &[(&str, &str)]) -> Finished {
    let arguments: &[&str] = match program {
        "linkctl" => &["migrate", "status"],
        _ => &[],
    };
    let run = with_all(Invocation::of(program).args(arguments), variables);
    let finished = run.run();
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    assert!(!format!("{finished:?}").contains("hunter2"), "{finished:?}");
    finished
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubernetes_and_docker_add_is_left_out_without_a_word() {
    let database = TestDatabase::sqlite();
    let options = INJECTED
        .iter()
        .fold(ServerOptions::new(), |options, (name, value)| {
            options.env(name, value)
        });
    let server = ServerProcess::start(&database, options);
    assert_eq!(
        Visitor::of(&server).get("/health/ready").await.status(),
        200
    );
    for word in ["10.96.", "_PORT", "_SERVICE", "hunter2"] {
        assert!(
            !server.output().contains(word),
            "{word} in {}",
            server.output()
        );
    }
    let status = Invocation::of("linkctl")
        .args(["migrate", "status"])
        .database(&database);
    let status = with_all(status, &INJECTED).run().assert_success();
    assert_eq!(status.stderr, "");
}

#[test]
fn what_a_person_mistypes_is_refused_among_what_kubernetes_adds() {
    for program in ["server", "linkctl"] {
        for (name, value, said) in [
            (
                "WAYPOST_LISTENN",
                "127.0.0.1:0",
                "perhaps WAYPOST_LISTEN is meant",
            ),
            (
                "WAYPOST_PORT",
                "8080",
                "set WAYPOST_LISTEN to an address with a port",
            ),
            ("WAYPOST_SERVICE_HOST", "go.example", "unknown setting"),
            ("WAYPOST_NAME", "Our links", "unknown setting"),
            ("WAYPOST_ENV_PATH", "/bin", "unknown setting"),
        ] {
            let variables = [&INJECTED[..], &[(name, value)]].concat();
            let finished = refused(program, &variables);
            let line = finished.stderr.lines().find(|line| line.contains(name));
            let line = line.unwrap_or_else(|| panic!("{finished:?}"));
            assert!(
                line.contains(&format!("{name}: ")) && line.contains(said),
                "{line}"
            );
            assert_eq!(finished.stderr.lines().count(), 2, "{finished:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_variables_are_unset() {
    let help = Invocation::of("server")
        .arg("--help")
        .run()
        .assert_success();
    let names = help.stdout.split("[env: ").skip(1);
    let names: Vec<_> = names.filter_map(|part| part.split(']').next()).collect();
    assert!(names.len() > 40, "{names:?}");
    let database = TestDatabase::sqlite();
    for blank in ["", "  "] {
        // The harness sets these for itself.
        let kept = ["WAYPOST_LISTEN", "WAYPOST_DATA_DIR", "WAYPOST_DATABASE_URL"];
        let others = names.iter().filter(|name| !kept.contains(name));
        let options = others.fold(ServerOptions::new(), |options, name| {
            options.env(name, blank)
        });
        let server = ServerProcess::start(&database, options);
        assert_eq!(Visitor::of(&server).get("/health").await.status(), 200);
        let status = Invocation::of("linkctl").args(["migrate", "status"]);
        let all: Vec<_> = names.iter().map(|name| (*name, blank)).collect();
        // Without a database of its own, it looks for the default one.
        let finished = with_all(status, &all).run();
        assert_ne!(finished.status.code(), Some(2), "{finished:?}");
    }
    for flag in ["--timezone", "--database-url"] {
        let finished = Invocation::of("server").args([flag, ""]).run();
        assert_eq!(finished.status.code(), Some(2), "{finished:?}");
        let said = format!("{flag}: must not be empty");
        assert!(finished.stderr.contains(&said), "{finished:?}");
    }
    let finished = Invocation::of("server").args(["--config", ""]).run();
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
    let finished = linkctl(&database, &["--data-dir", "", "migrate", "status"]);
    assert_eq!(finished.status.code(), Some(2), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_read_from_files() {
    let database = TestDatabase::sqlite();
    let folder = TempDir::new().unwrap();
    // As Kubernetes mounts them: a link to a file that everyone may read.
    let file = |name: &str, content: &str| {
        let stored = folder.path().join(format!("..{name}"));
        fs::write(&stored, content).unwrap();
        fs::set_permissions(&stored, fs::Permissions::from_mode(0o644)).unwrap();
        let path = folder.path().join(name);
        std::os::unix::fs::symlink(&stored, &path).unwrap();
        path
    };
    let token = "the-token-of-the-operator-in-a-file";
    let url = file("db", &format!("{}\n", database.url()));
    let options = ServerOptions::new()
        .env("WAYPOST_DATABASE_URL", "")
        .env("WAYPOST_DATABASE_URL_FILE", &url)
        .env(
            "WAYPOST_ADMIN_TOKEN_FILE",
            file("token", &format!("{token}\r\n")),
        );
    let server = ServerProcess::start(&database, options);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let links = client.get(server.url("/api/v1/links")).bearer_auth(token);
    assert_eq!(links.send().await.unwrap().status(), 200);
    assert!(!server.output().contains(token), "{}", server.output());
    let linkctl = Invocation::of("linkctl").args(["migrate", "status"]);
    let with_file = linkctl.clone().env("WAYPOST_DATABASE_URL_FILE", &url);
    with_file.run().assert_success();
    let settings = folder.path().join("waypost.toml");
    fs::write(&settings, format!("database_url_file = {url:?}\n")).unwrap();
    linkctl
        .env("WAYPOST_CONFIG", &settings)
        .run()
        .assert_success();
}

#[test]
fn a_file_without_a_secret_is_refused_with_its_variable() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("empty"), "\n").unwrap();
    fs::write(path("bytes"), b"hunter2\xff").unwrap();
    fs::write(path("wrong"), "oracle://ada:hunter2@db/waypost\n").unwrap();
    let name = "WAYPOST_DATABASE_URL_FILE";
    for program in ["server", "linkctl"] {
        for (file, said) in [
            (path("missing"), "No such file or directory"),
            (path(""), "Is a directory"),
            (path("empty"), "is empty"),
            (path("bytes"), "is not UTF-8 text"),
            (path("wrong"), "must"),
            (
                "mysql://ada:hunter2@db/waypost".to_owned(),
                "expected the path of a file",
            ),
        ] {
            let finished = refused(program, &[(name, &file)]);
            assert!(
                finished.stderr.contains(&format!("{name}: ")),
                "{finished:?}"
            );
            assert!(finished.stderr.contains(said), "{said}: {finished:?}");
        }
        let both = [
            (name, &*path("wrong")),
            ("WAYPOST_DATABASE_URL", "sqlite://a.db"),
        ];
        let finished = refused(program, &both);
        let said = "WAYPOST_DATABASE_URL: must not be set together with WAYPOST_DATABASE_URL_FILE";
        assert!(finished.stderr.contains(said), "{finished:?}");
    }
}

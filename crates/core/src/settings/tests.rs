use super::*;

const PORT: Setting = Setting::new("port", "80", "a port");
const HOSTS: Setting = Setting::new("hosts", "none", "hosts");
const PASSWORD: Setting = Setting::new("password", "none", "a password").secret();

fn reader(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> SettingsReader {
    let file = file.to_owned();
    let environment = environment.iter().map(|(k, v)| (k.into(), v.into()));
    let flags = flags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    SettingsReader::new(None, environment, flags, move |path| {
        assert_eq!(path, Path::new("waypost.toml"));
        Ok(file.clone().into_bytes())
    })
}

fn port(reader: &mut SettingsReader) -> Result<u64, Invalid> {
    reader.number(&PORT, 80, 1..=65_535)
}

#[test]
fn the_later_layer_wins() {
    let file = "port = 1";
    let environment = [
        ("WAYPOST_PORT", "2"),
        ("HOME", "/"),
        ("WAYPOST_TEST_X", "y"),
    ];
    let flags = [("port", "3")];
    assert_eq!(port(&mut reader("", &[], &[])), Ok(80));
    assert_eq!(port(&mut reader(file, &[], &[])), Ok(1));
    assert_eq!(port(&mut reader(file, &environment, &[])), Ok(2));
    let mut all = reader(file, &environment, &flags);
    assert_eq!(port(&mut all), Ok(3));
    assert_eq!(all.finish(Ok(())), Ok(()));
}

#[test]
fn a_list_may_be_written_as_a_list() {
    let mut reader = reader("hosts = [\"a\", \"b\"]", &[], &[]);
    let hosts = reader.optional(&HOSTS, |text| Ok::<_, String>(text.to_owned()));
    assert_eq!(hosts, Ok(Some("a,b".to_owned())));
}

#[test]
fn every_problem_is_reported_at_once_and_no_secret_is_printed() {
    let mut reader = reader(
        "port = 0\nprot = 1\n[hosts]\na = 1",
        &[("WAYPOST_PASSWORD", "hunter2"), ("WAYPOST_OTHER", "x")],
        &[],
    );
    assert_eq!(port(&mut reader), Err(Invalid));
    assert_eq!(
        reader.optional(&HOSTS, |text| Ok::<_, String>(text.to_owned())),
        Err(Invalid)
    );
    assert_eq!(
        reader.optional(&PASSWORD, |_| Err::<(), _>("is too short")),
        Err(Invalid)
    );
    let problems = reader.finish(Err::<(), _>(Invalid)).unwrap_err();
    let subjects: Vec<_> = problems
        .as_slice()
        .iter()
        .map(|p| p.subject.as_str())
        .collect();
    assert_eq!(
        subjects,
        [
            "`port` in waypost.toml",
            "`hosts` in waypost.toml",
            "WAYPOST_PASSWORD",
            "WAYPOST_OTHER",
            "`prot` in waypost.toml",
        ]
    );
    let text = problems.to_string();
    assert!(
        text.contains("\"0\" must be a whole number from 1 to 65535"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_file_that_is_not_toml_is_a_problem_of_the_file() {
    let problems = reader("port = = 1", &[], &[]).finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice()[0].subject, "waypost.toml");
}

#[test]
fn a_file_that_was_named_must_be_there_and_the_usual_one_need_not() {
    let missing = |_: &Path| Err(io::Error::from(ErrorKind::NotFound));
    let no_flags = || std::iter::empty::<(String, String)>();
    let reader = SettingsReader::new(None, [], no_flags(), missing);
    assert_eq!(reader.finish(Ok(())), Ok(()));
    let variable = ("WAYPOST_CONFIG".into(), "from-variable.toml".into());
    let reader = SettingsReader::new(None, [variable.clone()], no_flags(), missing);
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice()[0].subject, "from-variable.toml");
    let flag = Path::new("from-flag.toml");
    let reader = SettingsReader::new(Some(flag), [variable], no_flags(), missing);
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice()[0].subject, "from-flag.toml");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_a_problem_unless_it_is_not_ours() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = || OsString::from_vec(vec![0xff]);
    let environment = [("WAYPOST_PORT".into(), bytes()), (bytes(), bytes())];
    let reader = SettingsReader::new(None, environment, [], |_| Ok(Vec::new()));
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice().len(), 1);
    assert_eq!(problems.as_slice()[0].subject, "WAYPOST_PORT");
}

fn texts(reader: &mut SettingsReader) -> Result<[Option<String>; 2], Invalid> {
    let taken = |text: &str| Ok::<_, String>(text.to_owned());
    let hosts = reader.optional(&HOSTS, taken);
    let password = reader.optional(&PASSWORD, taken);
    Ok([hosts?, password?])
}

#[test]
fn an_empty_value_is_not_set() {
    for blank in ["", " ", "\t\n"] {
        let environment = [
            ("WAYPOST_PORT", blank),
            ("WAYPOST_HOSTS", blank),
            ("WAYPOST_PASSWORD", blank),
            ("WAYPOST_PASSWORD_FILE", blank),
        ];
        let file = format!("port = {blank:?}\nhosts = []\npassword_file = {blank:?}\n");
        for file in ["", &file] {
            let mut reader = reader(file, &environment, &[]);
            assert_eq!(port(&mut reader), Ok(80), "{blank:?}");
            assert_eq!(texts(&mut reader), Ok([None, None]), "{blank:?}");
            assert!(reader.texts().is_empty());
            assert_eq!(reader.finish(Ok(())), Ok(()));
        }
        let mut reader = reader("port = 1", &environment, &[]);
        assert_eq!(port(&mut reader), Ok(1), "the file remains");
    }
}

#[test]
fn an_empty_value_of_an_unknown_setting_is_a_problem_and_so_is_an_empty_flag() {
    let mut reader = reader("prot = \"\"", &[("WAYPOST_PROT", "")], &[("port", " ")]);
    assert_eq!(port(&mut reader), Ok(80));
    let problems = reader.finish(Ok(())).unwrap_err();
    let problems = problems.as_slice();
    assert_eq!(problems[0].subject, "--port");
    assert_eq!(problems[0].message, EMPTY_FLAG);
    assert_eq!(problems[1].subject, "WAYPOST_PROT");
    assert!(
        problems[1]
            .message
            .contains("perhaps WAYPOST_PORT is meant")
    );
    let no_file = |_: &Path| Err(ErrorKind::NotFound.into());
    let reader = SettingsReader::new(Some(Path::new("")), [], [], no_file);
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice()[0].subject, "--config");
}

#[test]
fn what_kubernetes_adds_is_not_a_setting() {
    let environment = [
        ("WAYPOST_SERVICE_HOST", "10.96.12.7"),
        ("WAYPOST_SERVICE_PORT", "80"),
        ("WAYPOST_PORT", "tcp://10.96.12.7:80"),
        ("WAYPOST_PORT_80_TCP", "tcp://10.96.12.7:80"),
    ];
    let reader = reader("", &environment, &[]);
    assert_eq!(reader.finish(Ok(())), Ok(()));
}

/// A reader whose files contain their own names.
fn with_files(file: &'static str, environment: &[(&str, &str)]) -> SettingsReader {
    let environment = environment.iter().map(|(k, v)| (k.into(), v.into()));
    SettingsReader::new(None, environment, [], move |path| match path.to_str() {
        Some("waypost.toml") => Ok(file.into()),
        Some("/missing") => Err(ErrorKind::NotFound.into()),
        name => Ok(format!("{}\n", name.unwrap()).into_bytes()),
    })
}

#[test]
fn a_secret_is_read_from_its_file_and_the_later_layer_wins() {
    for (file, environment, expected) in [
        ("", vec![("WAYPOST_PASSWORD_FILE", "/run/a")], "/run/a"),
        ("password_file = \"/run/b\"", vec![], "/run/b"),
        (
            "password_file = \"/run/b\"",
            vec![("WAYPOST_PASSWORD_FILE", " /run/a ")],
            "/run/a",
        ),
        (
            "password_file = \"/missing\"",
            vec![("WAYPOST_PASSWORD", "plain")],
            "plain",
        ),
        (
            "password = \"plain\"",
            vec![("WAYPOST_PASSWORD_FILE", "/run/a")],
            "/run/a",
        ),
        (
            "",
            vec![
                ("WAYPOST_PASSWORD", ""),
                ("WAYPOST_PASSWORD_FILE", "/run/a"),
            ],
            "/run/a",
        ),
    ] {
        let mut reader = with_files(file, &environment);
        let [_, password] = texts(&mut reader).unwrap();
        assert_eq!(
            password.as_deref(),
            Some(expected),
            "{file} {environment:?}"
        );
        assert_eq!(reader.texts()["password"], expected);
        assert_eq!(reader.finish(Ok(())), Ok(()));
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_a_problem_of_its_variable() {
    for (environment, subject, part) in [
        (
            vec![("WAYPOST_PASSWORD_FILE", "/missing")],
            "WAYPOST_PASSWORD_FILE",
            "cannot read",
        ),
        (
            vec![("WAYPOST_PASSWORD_FILE", "/a"), ("WAYPOST_PASSWORD", "b")],
            "WAYPOST_PASSWORD",
            "must not be set together with WAYPOST_PASSWORD_FILE",
        ),
        (
            vec![("WAYPOST_HOSTS_FILE", "/a")],
            "WAYPOST_HOSTS_FILE",
            "only secrets are read from a file, set WAYPOST_HOSTS instead",
        ),
    ] {
        let mut reader = with_files("", &environment);
        let read = texts(&mut reader);
        let problems = reader.finish(read).unwrap_err();
        let [problem] = problems.as_slice() else {
            panic!("{problems}")
        };
        assert_eq!(problem.subject, subject);
        assert!(problem.message.contains(part), "{problem:?}");
    }
}

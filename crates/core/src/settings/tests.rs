use super::*;

const PORT: Setting = Setting::new("port", "80", "a port");
const HOSTS: Setting = Setting::new("hosts", "none", "hosts");
const PASSWORD: Setting = Setting::new("password", "none", "a password").secret();

fn reader(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> SettingsReader {
    let environment = environment.iter().map(|(k, v)| (k.into(), v.into()));
    let flags = flags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    SettingsReader::new(None, environment, flags, |path| {
        assert_eq!(path, Path::new("waypost.toml"));
        Ok(file.to_owned())
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
    let reader = SettingsReader::new(None, environment, [], |_| Ok(String::new()));
    let problems = reader.finish(Ok(())).unwrap_err();
    assert_eq!(problems.as_slice().len(), 1);
    assert_eq!(problems.as_slice()[0].subject, "WAYPOST_PORT");
}

#![doc = include_str!("../README.md")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use waypost_analytics::{ClickSettings, DiskSettings};
use waypost_api::{
    AccessSettings, ExposureSettings, HttpSettings, LimitSettings, LiveSettings, LogSettings,
    OidcSettings,
};
use waypost_core::settings::{Problems, Setting, SettingsReader};
use waypost_service::CacheSettings;
use waypost_store_diesel::DatabaseSettings;

/// Maximum size of the settings file and of the file of a secret, in bytes. A path such as
/// `/dev/zero` has no end.
const MAX_FILE: u64 = 1_024 * 1_024;

/// The part of the command line that concerns settings.
#[derive(Debug, Default)]
pub struct Flags {
    /// The file of settings.
    pub config: Option<PathBuf>,
    /// Settings by their key.
    pub settings: Vec<(String, String)>,
}

/// The settings, in the order of `--help`.
pub const SECTIONS: [&[Setting]; 11] = [
    HttpSettings::SETTINGS,
    ExposureSettings::SETTINGS,
    AccessSettings::SETTINGS,
    LimitSettings::SETTINGS,
    LiveSettings::SETTINGS,
    OidcSettings::SETTINGS,
    DatabaseSettings::SETTINGS,
    DiskSettings::SETTINGS,
    CacheSettings::SETTINGS,
    ClickSettings::SETTINGS,
    LogSettings::SETTINGS,
];

/// All settings that are set, by their keys, as they are written. Never printed: it has secrets.
pub struct Texts(pub BTreeMap<&'static str, String>);

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

/// The settings of each section.
#[derive(Debug)]
#[expect(missing_docs, reason = "each section is documented by its type")]
pub struct Settings {
    pub http: HttpSettings,
    pub exposure: ExposureSettings,
    pub access: AccessSettings,
    pub limits: LimitSettings,
    pub live: LiveSettings,
    pub oidc: Option<OidcSettings>,
    pub database: DatabaseSettings,
    pub disk: DiskSettings,
    pub cache: CacheSettings,
    pub clicks: ClickSettings,
    pub log: LogSettings,
    pub texts: Texts,
}

impl Settings {
    /// Reads the file, the environment and the flags.
    ///
    /// # Errors
    /// [`Problems`] lists all invalid settings.
    pub fn read(
        flags: &Flags,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Problems> {
        let mut reader = SettingsReader::new(
            flags.config.as_deref(),
            environment,
            flags.settings.clone(),
            read_file,
        );
        let http = HttpSettings::read(&mut reader);
        let exposure = ExposureSettings::read(&mut reader);
        let access = AccessSettings::read(&mut reader);
        let limits = LimitSettings::read(&mut reader);
        let live = LiveSettings::read(&mut reader);
        let oidc = OidcSettings::read(&mut reader);
        let database = DatabaseSettings::read(&mut reader);
        let disk = DiskSettings::read(&mut reader);
        let cache = CacheSettings::read(&mut reader);
        let clicks = ClickSettings::read(&mut reader);
        let log = LogSettings::read(&mut reader);
        let texts = Texts(reader.texts());
        let sections = || {
            Ok(Self {
                http: http?,
                exposure: exposure?,
                access: access?,
                limits: limits?,
                live: live?,
                oidc: oidc?,
                database: database?,
                disk: disk?,
                cache: cache?,
                clicks: clicks?,
                log: log?,
                texts,
            })
        };
        reader.finish(sections())
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let owned = variables.iter();
        owned
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn read(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings, Problems> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let flags = Flags {
            config: None,
            settings: flags.iter().map(owned).collect(),
        };
        Settings::read(&flags, environment(variables))
    }

    #[test]
    fn no_setting_is_in_two_sections() {
        let keys: Vec<_> = SECTIONS
            .concat()
            .iter()
            .map(|setting| setting.key)
            .collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn flags_come_before_variables_and_variables_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.toml");
        let text = "workers = 1\nshutdown_grace_s = 1\ntimezone = \"Europe/Berlin\"\n";
        std::fs::write(&path, text).unwrap();
        let variables = [
            ("WAYPOST_CONFIG", path.to_str().unwrap()),
            ("WAYPOST_WORKERS", "2"),
            ("WAYPOST_SHUTDOWN_GRACE_S", "2"),
        ];
        let settings = read(&[("workers", "3")], &variables).unwrap();
        assert_eq!(settings.http.workers, 3);
        assert_eq!(settings.http.shutdown_grace.as_secs(), 2);
        assert_eq!(settings.clicks.zone.name(), "Europe/Berlin");
    }

    #[test]
    fn the_prefix_of_short_links_does_not_follow_the_address() {
        let settings = read(&[("listen", "0.0.0.0:80")], &[]).unwrap();
        assert_eq!(settings.http.base_url.as_str(), "http://localhost:8080");
    }

    #[test]
    fn problems_of_all_sections_are_reported_at_once_and_no_secret_is_printed() {
        let variables = environment(&[
            ("WAYPOST_LISTEN", "here"),
            ("WAYPOST_DATABASE_URL", "hunter2"),
            ("WAYPOST_TIMEZONE", "Mars"),
            ("WAYPOST_LISTEM", "1"),
            ("HOME", "/"),
        ]);
        let problems = Settings::read(&Flags::default(), variables).unwrap_err();
        let text = problems.to_string();
        for name in ["LISTEN", "DATABASE_URL", "TIMEZONE", "LISTEM"] {
            assert!(
                text.contains(&format!("WAYPOST_{name}: ")),
                "{name} in {text}"
            );
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let problems = read(&[], &[("WAYPOST_CONFIG", "/nonexistent/waypost.toml")]).unwrap_err();
        let text = problems.to_string();
        assert!(text.contains("/nonexistent/waypost.toml"), "{text}");
    }

    #[test]
    fn every_setting_may_be_empty() {
        let defaults = read(&[], &[]).unwrap();
        for setting in SECTIONS.concat() {
            let names = [Some(setting.variable()), setting.file_variable()];
            for name in names.into_iter().flatten() {
                for blank in ["", " ", "\t"] {
                    let settings = read(&[], &[(&name, blank)]);
                    let settings = settings.unwrap_or_else(|problems| panic!("{name}: {problems}"));
                    assert_eq!(settings.texts.0, defaults.texts.0, "{name}");
                }
            }
            let problems = read(&[(setting.key, "")], &[]).unwrap_err().to_string();
            assert!(
                problems.contains(&format!("--{}: ", setting.flag())),
                "{problems}"
            );
        }
        let names: Vec<_> = SECTIONS.concat().iter().map(Setting::variable).collect();
        let all: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert!(read(&[], &all).unwrap().texts.0.is_empty());
    }

    #[test]
    fn every_setting_may_be_empty_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.toml");
        let keys = SECTIONS.concat();
        let keys = keys
            .iter()
            .map(|setting| format!("{} = \"\"\n", setting.key));
        std::fs::write(&path, keys.collect::<String>()).unwrap();
        let settings = read(&[], &[("WAYPOST_CONFIG", path.to_str().unwrap())]).unwrap();
        assert!(settings.texts.0.is_empty(), "{:?}", settings.texts.0);
    }

    #[test]
    fn every_secret_may_be_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let secrets = SECTIONS.concat().into_iter();
        let secrets: Vec<_> = secrets.filter(|setting| setting.secret).collect();
        assert!(secrets.len() >= 3, "{secrets:?}");
        for setting in secrets {
            let path = directory.path().join(setting.key);
            let value = match setting.key {
                "database_url" => "sqlite:///tmp/links.db",
                _ => "0123456789abcdef0123456789abcdef",
            };
            std::fs::write(&path, format!("{value}\r\n")).unwrap();
            let variable = setting.file_variable().unwrap();
            let mut variables = vec![(variable.as_str(), path.to_str().unwrap())];
            if setting.key.starts_with("oidc") {
                variables.push(("WAYPOST_OIDC_ISSUER", "https://id.example"));
                variables.push(("WAYPOST_OIDC_CLIENT_ID", "waypost"));
            }
            let settings = read(&[], &variables).unwrap();
            assert_eq!(settings.texts.0[setting.key], value);
        }
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        let (folder, file) = (directory.path().to_str().unwrap(), file.to_str().unwrap());
        let refused = |variables: &[(&str, &str)]| {
            let problems = read(&[], variables).unwrap_err().to_string();
            assert!(!problems.contains("hunter2"), "{problems}");
            problems
        };
        let name = "WAYPOST_DATABASE_URL_FILE";
        for (path, part) in [
            (file, "No such file"),
            (folder, "Is a directory"),
            ("/dev/zero", "larger than 1 MiB"),
            ("/dev/null", "`/dev/null` is empty"),
            (
                "postgres://waypost:hunter2@db/waypost",
                "expected the path of a file",
            ),
        ] {
            let problems = refused(&[(name, path)]);
            assert!(problems.contains(&format!("{name}: ")), "{problems}");
            assert!(problems.contains(part), "{part} in {problems}");
        }
        for (content, part) in [
            (b"hunter2\xff".as_slice(), "is not UTF-8 text"),
            (b"\n", "is empty"),
            (b"hunter2", name),
        ] {
            std::fs::write(file, content).unwrap();
            let problems = refused(&[(name, file)]);
            assert!(problems.contains(part), "{part} in {problems}");
        }
        let problems = refused(&[(name, file), ("WAYPOST_DATABASE_URL", "sqlite:///a")]);
        assert!(problems.contains("must not be set together with WAYPOST_DATABASE_URL_FILE"));
    }

    #[test]
    fn no_setting_looks_like_what_kubernetes_or_docker_adds() {
        for setting in SECTIONS.concat() {
            for injected in ["10.0.0.1", "80", "tcp", "tcp://10.0.0.1:80"] {
                let read = read(&[], &[(&setting.variable(), injected)]);
                // It is read, not left out: it is set, or refused.
                let is_read = read.map_or(true, |read| read.texts.0.contains_key(setting.key));
                assert!(is_read, "{}={injected}", setting.variable());
            }
        }
    }
}

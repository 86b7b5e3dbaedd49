//! The settings of the server, read by `linkctl`: the same file and variables are accepted, and the
//! same are refused.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use waypost_analytics::ClickSettings;
use waypost_api::{HttpSettings, LogSettings};
use waypost_core::BaseUrl;
use waypost_core::settings::{SettingsFile, SettingsReader};
use waypost_store_diesel::DatabaseSettings;

use crate::cli::Global;
use crate::failure::Failure;

const CONFIG_VARIABLE: &str = "WAYPOST_CONFIG";
const DEFAULT_FILE: &str = "waypost.toml";

/// What `linkctl` uses of the settings.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) database: DatabaseSettings,
    pub(crate) base_url: BaseUrl,
}

/// Reads all settings, the sections that only the server uses included.
pub(crate) fn read(
    global: &Global,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, Failure> {
    let mut variables = Vec::new();
    let mut not_text = Vec::new();
    for (name, value) in environment {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => variables.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with("WAYPOST_") => not_text.push(name),
            // Not ours.
            _ => {}
        }
    }
    let named = variables
        .iter()
        .find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
    let named = global
        .config
        .clone()
        .or_else(|| named.map(|(_, path)| PathBuf::from(path)));
    let file = settings_file(named.as_deref())?;
    let flags = [
        ("database_url", &global.database_url),
        ("data_dir", &global.data_dir),
    ];
    let flags = flags
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));

    let mut reader = SettingsReader::new(file.as_ref(), variables, flags);
    for name in not_text {
        reader.problem(&name, "is not UTF-8 text".to_owned());
    }
    let database = DatabaseSettings::read(&mut reader);
    let http = HttpSettings::read(&mut reader);
    let clicks = ClickSettings::read(&mut reader);
    let log = LogSettings::read(&mut reader);
    reader.finish()?;
    match (database, http, clicks, log) {
        (Ok(database), Ok(http), Ok(_), Ok(_)) => Ok(Settings {
            database,
            base_url: http.base_url,
        }),
        _ => Err(Failure::UnexplainedSettings),
    }
}

/// The file that was named; else the one in the working directory, if there is one.
fn settings_file(named: Option<&Path>) -> Result<Option<SettingsFile>, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(SettingsFile {
            path: path.display().to_string(),
            text,
        })),
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(source) => Err(Failure::SettingsFile {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let owned = variables.iter();
        owned
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn options_come_before_variables_and_variables_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.toml");
        std::fs::write(
            &path,
            "data_dir = \"file\"\nbase_url = \"https://file.example\"\n",
        )
        .unwrap();
        let path = path.to_str().unwrap();
        let variables = [("WAYPOST_CONFIG", path), ("WAYPOST_DATA_DIR", "variable")];

        let settings = read(&Global::default(), environment(&variables[..1])).unwrap();
        assert_eq!(settings.database.data_dir, PathBuf::from("file"));
        assert_eq!(settings.base_url.as_str(), "https://file.example");

        let settings = read(&Global::default(), environment(&variables)).unwrap();
        assert_eq!(settings.database.data_dir, PathBuf::from("variable"));

        let global = Global {
            data_dir: Some("option".to_owned()),
            ..Global::default()
        };
        let settings = read(&global, environment(&variables)).unwrap();
        assert_eq!(settings.database.data_dir, PathBuf::from("option"));
    }

    #[test]
    fn what_the_server_understands_is_accepted_and_nothing_else() {
        let server = [
            ("WAYPOST_LISTEN", "127.0.0.1:1"),
            ("WAYPOST_TIMEZONE", "Europe/Berlin"),
            ("WAYPOST_LOG", "debug"),
        ];
        assert!(read(&Global::default(), environment(&server)).is_ok());
        let wrong = [
            ("WAYPOST_LISTN", "127.0.0.1:1"),
            ("WAYPOST_TIMEZONE", "Berlin"),
            ("WAYPOST_DATABASE_URL", "hunter2"),
        ];
        let mut wrong = environment(&wrong);
        wrong.push(("WAYPOST_LOG".into(), OsString::from_vec(vec![0xff])));
        let failure = read(&Global::default(), wrong).unwrap_err();
        let text = failure.explained();
        for variable in ["LISTN", "TIMEZONE", "DATABASE_URL", "LOG"] {
            assert!(text.contains(&format!("WAYPOST_{variable}: ")), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(failure.status(), crate::failure::Status::Usage);
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let global = Global {
            config: Some(PathBuf::from("/nonexistent/waypost.toml")),
            ..Global::default()
        };
        let failure = read(&global, []).unwrap_err();
        assert!(failure.explained().contains("/nonexistent/waypost.toml"));
    }
}

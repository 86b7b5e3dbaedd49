//! The settings of the server, as `linkctl` reads them. Both programs accept and reject the same
//! files and variables.

use std::ffi::OsString;

use waypost_core::settings::Problems;
use waypost_settings::{Flags, Settings};

use crate::cli::Global;

/// Reads all settings, including those that only the server uses.
///
/// # Errors
/// [`Problems`] lists all invalid settings.
pub(crate) fn read(
    global: &Global,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, Problems> {
    let flags = [
        ("database_url", &global.database_url),
        ("data_dir", &global.data_dir),
    ];
    let flags = flags
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    let flags = Flags {
        config: global.config.clone(),
        settings: flags.collect(),
    };
    Settings::read(&flags, environment)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let owned = variables.iter();
        owned
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn options_override_variables_and_variables_override_the_file() {
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
        assert_eq!(settings.http.base_url.as_str(), "https://file.example");

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
            ("WAYPOST_OIDC_ISSUER", "https://id.example"),
            ("WAYPOST_OIDC_CLIENT_ID", "waypost"),
            ("WAYPOST_OIDC_CLIENT_SECRET", "hunter2"),
        ];
        assert!(read(&Global::default(), environment(&server)).is_ok());
        let wrong = [
            ("WAYPOST_LISTN", "127.0.0.1:1"),
            ("WAYPOST_TIMEZONE", "Berlin"),
            ("WAYPOST_DATABASE_URL", "hunter2"),
        ];
        let problems = read(&Global::default(), environment(&wrong)).unwrap_err();
        let text = problems.to_string();
        for variable in ["LISTN", "TIMEZONE", "DATABASE_URL"] {
            assert!(text.contains(&format!("WAYPOST_{variable}: ")), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let global = Global {
            config: Some(PathBuf::from("/nonexistent/waypost.toml")),
            ..Global::default()
        };
        let problems = read(&global, []).unwrap_err();
        assert!(problems.to_string().contains("/nonexistent/waypost.toml"));
    }
}

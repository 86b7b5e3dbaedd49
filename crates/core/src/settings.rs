//! Layered settings: defaults → file → environment → flags. All problems are reported at once.
//!
//! A crate that needs settings declares each as a [`Setting`] and reads its own section from a
//! [`SettingsReader`]. The binaries compose the sections and call [`SettingsReader::finish`], which
//! also rejects settings that no section declares. The environment and the function that reads a
//! file are parameters: this module does no I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat, Value, ValueKind};

/// The prefix of every environment variable that configures Waypost.
const PREFIX: &str = "WAYPOST_";
/// The variable that names the settings file. It has the prefix of settings, but is not one.
const CONFIG_VARIABLE: &str = "WAYPOST_CONFIG";
/// The settings file that is read by default, if it exists.
const DEFAULT_FILE: &str = "waypost.toml";
const TEST_PREFIX: &str = "WAYPOST_TEST_";

/// A setting: its key, its meaning and its default.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key in `waypost.toml`, in lower case with underscores.
    pub key: &'static str,
    /// The default, as documented.
    pub default: &'static str,
    /// The meaning in one line, with its unit.
    pub meaning: &'static str,
    /// Whether its value must never be printed.
    pub secret: bool,
}

impl Setting {
    /// Creates a setting whose value may be printed.
    #[must_use]
    pub const fn new(key: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self {
            key,
            default,
            meaning,
            secret: false,
        }
    }

    /// Marks the setting as a secret.
    #[must_use]
    pub const fn secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// Returns the environment variable, such as `WAYPOST_BASE_URL`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_ascii_uppercase())
    }

    /// Returns the flag without its dashes, such as `base-url`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

/// A problem with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable, such as `WAYPOST_BASE_URL`, or the file.
    pub subject: String,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// All problems with the settings, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Returns the problems, in the order in which the settings were read.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid configuration:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  {}: {}", problem.subject, problem.message))
    }
}

impl std::error::Error for Problems {}

/// A setting has a problem, which [`SettingsReader::finish`] will report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid;

/// Reads settings from their layers and collects all problems.
#[derive(Debug)]
pub struct SettingsReader {
    values: BTreeMap<String, Given>,
    declared: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Given {
    value: Value,
    /// Where the value was set, for error messages.
    subject: String,
}

impl SettingsReader {
    /// Merges the file, the environment and the flags. Later layers override earlier ones.
    ///
    /// The file is `config` (from a flag), else the one in `WAYPOST_CONFIG`, else `waypost.toml` in
    /// the working directory, if it exists. `read` reads the file: [`std::fs::read_to_string`] in a
    /// program.
    pub fn new(
        config: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: impl IntoIterator<Item = (String, String)>,
        read: impl FnOnce(&Path) -> io::Result<String>,
    ) -> Self {
        let mut reader = Self {
            values: BTreeMap::new(),
            declared: BTreeSet::new(),
            problems: Vec::new(),
        };
        let variables = reader.variables(environment);
        let named = config.map(Path::to_owned).or_else(|| {
            let path = variables.get(CONFIG_VARIABLE)?;
            (!path.is_empty()).then(|| PathBuf::from(path))
        });
        reader.lay_file(named.as_deref(), read);
        reader.lay_environment(variables);
        let flags = flags
            .into_iter()
            .map(|(key, value)| (key, Value::from(value)));
        reader.lay(flags, |key| format!("--{}", key.replace('_', "-")));
        reader
    }

    /// Creates a reader of these variables only, for tests.
    #[must_use]
    pub fn of_variables(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(k, v)| (k.into(), v.into()));
        let no_file = |_: &Path| Err(ErrorKind::NotFound.into());
        Self::new(None, variables, [], no_file)
    }

    /// Collects the variables of Waypost. Values that are not UTF-8 are problems.
    fn variables(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> HashMap<String, String> {
        let mut variables = HashMap::new();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            match value.into_string() {
                Ok(value) => {
                    variables.insert(name.to_owned(), value);
                }
                Err(_) => self.problem(name, "must be UTF-8 text".to_owned()),
            }
        }
        variables
    }

    fn lay_file(&mut self, named: Option<&Path>, read: impl FnOnce(&Path) -> io::Result<String>) {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return,
            Err(error) => {
                let subject = path.display().to_string();
                return self.problem(&subject, format!("cannot be read: {error}"));
            }
        };
        let source = File::from_str(&text, FileFormat::Toml);
        match Config::builder().add_source(source).build().map(collect) {
            Ok(values) => self.lay(values, |key| format!("`{key}` in {}", path.display())),
            Err(error) => self.problem(&path.display().to_string(), error.to_string()),
        }
    }

    fn lay_environment(&mut self, mut variables: HashMap<String, String>) {
        variables.retain(|name, _| name != CONFIG_VARIABLE && !name.starts_with(TEST_PREFIX));
        let source = Environment::with_prefix("WAYPOST").source(Some(variables));
        match Config::builder().add_source(source).build().map(collect) {
            Ok(values) => self.lay(values, |key| {
                format!("{PREFIX}{}", key.to_ascii_uppercase())
            }),
            Err(error) => self.problem("the environment", error.to_string()),
        }
    }

    fn lay(
        &mut self,
        values: impl IntoIterator<Item = (String, Value)>,
        subject: impl Fn(&str) -> String,
    ) {
        for (key, value) in values {
            let subject = subject(&key);
            self.values.insert(key, Given { value, subject });
        }
    }

    /// Records a problem that a section found, for instance between two settings.
    pub fn problem(&mut self, subject: &str, message: String) {
        self.problems.push(Problem {
            subject: subject.to_owned(),
            message,
        });
    }

    /// Parses the value of a setting. Returns `None` if it is not set.
    fn given<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Invalid> {
        self.declared.insert(setting.key);
        let Some(given) = self.values.get(setting.key) else {
            return Ok(None);
        };
        let subject = given.subject.clone();
        let Some(text) = text(&given.value) else {
            self.problem(
                &subject,
                "must be a single value or a list of them".to_owned(),
            );
            return Err(Invalid);
        };
        match parse(text.trim()) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                let message = if setting.secret {
                    error.to_string()
                } else {
                    format!("{text:?} {error}")
                };
                self.problem(&subject, message);
                Err(Invalid)
            }
        }
    }

    /// Reads a setting with a default.
    ///
    /// # Errors
    /// [`Invalid`] if `parse` rejects its value.
    pub fn value<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        default: impl FnOnce() -> T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Invalid> {
        Ok(self.given(setting, parse)?.unwrap_or_else(default))
    }

    /// Reads an optional setting. An empty value counts as not set.
    ///
    /// # Errors
    /// [`Invalid`] if `parse` rejects its value.
    pub fn optional<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Invalid> {
        self.given(setting, |text| {
            if text.is_empty() {
                return Ok(None);
            }
            parse(text).map(Some)
        })
        .map(Option::flatten)
    }

    /// Reads a whole number in `range`.
    ///
    /// # Errors
    /// [`Invalid`] if the value is not such a number.
    pub fn number(
        &mut self,
        setting: &Setting,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Invalid> {
        self.value(setting, || default, |text| whole_number(text, &range))
    }

    /// Reads an optional whole number in `range`.
    ///
    /// # Errors
    /// [`Invalid`] if the value is not such a number.
    pub fn optional_number(
        &mut self,
        setting: &Setting,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Invalid> {
        self.optional(setting, |text| whole_number(text, &range))
    }

    /// Returns the settings that are set, by their keys, as they are written, secrets included.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<&'static str, String> {
        let declared = self.declared.iter();
        let given = declared.filter_map(|key| Some((*key, self.values.get(*key)?)));
        given
            .filter_map(|(key, given)| Some((key, text(&given.value)?.trim().to_owned())))
            .collect()
    }

    /// Completes reading and returns the sections.
    ///
    /// # Errors
    /// [`Problems`] lists all problems, including unknown settings.
    pub fn finish<T>(mut self, sections: Result<T, Invalid>) -> Result<T, Problems> {
        let unknown: Vec<String> = self
            .values
            .iter()
            .filter(|(key, _)| !self.declared.contains(key.as_str()))
            .map(|(_, given)| given.subject.clone())
            .collect();
        for subject in unknown {
            self.problem(
                &subject,
                "unknown setting; `server --help` lists all settings".to_owned(),
            );
        }
        match sections {
            Ok(sections) if self.problems.is_empty() => Ok(sections),
            _ => Err(Problems(self.problems)),
        }
    }
}

fn collect(config: Config) -> BTreeMap<String, Value> {
    match config.cache.kind {
        ValueKind::Table(table) => table.into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::Array(values) => {
            let values: Option<Vec<String>> = values.iter().map(text).collect();
            values.map(|values| values.join(","))
        }
        ValueKind::Table(_) => None,
        _ => value.clone().into_string().ok(),
    }
}

fn whole_number(text: &str, range: &std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

#[cfg(test)]
mod tests {
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
}

//! Layered settings: defaults → file → environment → flags. All problems are reported at once.
//!
//! A crate that needs settings declares each as a [`Setting`] and reads its own section from a
//! [`SettingsReader`]. The binaries compose the sections and call [`SettingsReader::finish`], which
//! also rejects settings that no section declares. The environment and the function that reads a
//! file are parameters: this module does no I/O.
//!
//! - An empty value in the file or the environment means that the setting is not set there.
//! - A secret can be in a file of its own, whose path is in the setting with [`FILE_SUFFIX`].
//! - What Kubernetes and Docker add to the environment is not a setting (`injected.rs`).

mod injected;
mod secret_file;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Value, ValueKind};

use injected::Linked;

/// The prefix of every environment variable that configures Waypost.
const PREFIX: &str = "WAYPOST_";
/// The variable that names the settings file. It has the prefix of settings, but is not one.
const CONFIG_VARIABLE: &str = "WAYPOST_CONFIG";
/// The settings file that is read by default, if it exists.
const DEFAULT_FILE: &str = "waypost.toml";
const TEST_PREFIX: &str = "WAYPOST_TEST_";
/// What is wrong with a flag without a value: unlike a variable, it was written on purpose.
const EMPTY_FLAG: &str = "must not be empty; leave the flag out to use the default";
/// What follows the key of a secret in the setting with the path of its file.
pub const FILE_SUFFIX: &str = "_file";

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

    /// Returns the environment variable with the path of a file that contains the secret, such as
    /// `WAYPOST_DATABASE_URL_FILE`; `None` for a setting that is not a secret.
    #[must_use]
    pub fn file_variable(&self) -> Option<String> {
        self.secret
            .then(|| self.variable() + &FILE_SUFFIX.to_ascii_uppercase())
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
    /// Settings with an empty value, and where: they must exist, but are not set.
    blank: BTreeMap<String, (Layer, String)>,
    declared: BTreeSet<&'static str>,
    /// The declared settings that are secrets.
    secrets: BTreeSet<&'static str>,
    /// The declared settings that are set, as they are written.
    texts: BTreeMap<&'static str, String>,
    problems: Vec<Problem>,
    read: ReadFile,
}

/// Where a setting is set. Later layers override earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    File,
    Environment,
    Flags,
}

#[derive(Debug)]
struct Given {
    /// The value; `None` if it is not text.
    value: Option<Value>,
    layer: Layer,
    /// Where the value was set, for error messages.
    subject: String,
}

/// The function that reads a file.
struct ReadFile(Box<Read>);

type Read = dyn Fn(&Path) -> io::Result<Vec<u8>>;

impl fmt::Debug for ReadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadFile").finish_non_exhaustive()
    }
}

impl SettingsReader {
    /// Merges the file, the environment and the flags. Later layers override earlier ones.
    ///
    /// The file is `config` (from a flag), else the one in `WAYPOST_CONFIG`, else `waypost.toml` in
    /// the working directory, if it exists. `read` reads the file, and the files of secrets:
    /// [`std::fs::read`] in a program.
    pub fn new(
        config: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: impl IntoIterator<Item = (String, String)>,
        read: impl Fn(&Path) -> io::Result<Vec<u8>> + 'static,
    ) -> Self {
        let mut reader = Self {
            values: BTreeMap::new(),
            blank: BTreeMap::new(),
            declared: BTreeSet::new(),
            secrets: BTreeSet::new(),
            texts: BTreeMap::new(),
            problems: Vec::new(),
            read: ReadFile(Box::new(read)),
        };
        let (variables, named) = own(environment);
        reader.lay_file(config.map(Path::to_owned), named);
        reader.lay_environment(variables);
        for (key, value) in flags {
            let subject = format!("--{}", key.replace('_', "-"));
            if value.trim().is_empty() {
                reader.problem(&subject, EMPTY_FLAG.to_owned());
            }
            reader.lay(key, Some(Value::from(value)), Layer::Flags, subject);
        }
        reader
    }

    /// Creates a reader of these variables only, for tests.
    #[must_use]
    pub fn of_variables(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(k, v)| (k.into(), v.into()));
        let no_file = |_: &Path| Err(ErrorKind::NotFound.into());
        Self::new(None, variables, [], no_file)
    }

    fn lay_file(&mut self, flag: Option<PathBuf>, variable: Option<PathBuf>) {
        if flag.as_deref().is_some_and(is_blank) {
            return self.problem("--config", EMPTY_FLAG.to_owned());
        }
        let named = flag.or(variable);
        let path = named.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let subject = path.display().to_string();
        let text = match (self.read.0)(path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => return self.problem(&subject, "must be UTF-8 text".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return,
            Err(error) => return self.problem(&subject, format!("cannot be read: {error}")),
        };
        let source = File::from_str(&text, FileFormat::Toml);
        match Config::builder().add_source(source).build().map(collect) {
            Ok(values) => {
                for (key, value) in values {
                    let subject = format!("`{key}` in {}", path.display());
                    self.lay(key, Some(value), Layer::File, subject);
                }
            }
            Err(error) => self.problem(&subject, error.to_string()),
        }
    }

    fn lay_environment(&mut self, variables: BTreeMap<String, Option<String>>) {
        let linked = Linked::of(&variables);
        for (name, value) in variables {
            if linked.has_added(&name, value.as_deref()) {
                continue;
            }
            let key = name.strip_prefix(PREFIX).unwrap_or(&name);
            let (key, value) = (key.to_ascii_lowercase(), value.map(Value::from));
            self.lay(key, value, Layer::Environment, name);
        }
    }

    /// Sets a value in a layer, unless it is empty.
    fn lay(&mut self, key: String, value: Option<Value>, layer: Layer, subject: String) {
        let is_empty = |value| text(value).is_some_and(|text| text.trim().is_empty());
        if value.as_ref().is_some_and(is_empty) {
            self.blank.insert(key, (layer, subject));
            return;
        }
        let given = Given {
            value,
            layer,
            subject,
        };
        self.values.insert(key, given);
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
        if setting.secret {
            self.secrets.insert(setting.key);
        }
        let (subject, text) = match self.find(setting) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err((subject, message)) => {
                self.problem(&subject, message);
                return Err(Invalid);
            }
        };
        let parsed = parse(&text);
        if let Err(error) = &parsed {
            let message = if setting.secret {
                error.to_string()
            } else {
                format!("{text:?} {error}")
            };
            self.problem(&subject, message);
        }
        self.texts.insert(setting.key, text);
        parsed.map(Some).map_err(|_| Invalid)
    }

    /// Returns where a setting is set, and its text; `None` if it is not set.
    ///
    /// # Errors
    /// Where it is set, and why it has no text.
    fn find(&self, setting: &Setting) -> Result<Option<(String, String)>, (String, String)> {
        let plain = self.values.get(setting.key);
        let file = || self.values.get(&format!("{}{FILE_SUFFIX}", setting.key));
        let file = setting.secret.then(file).flatten();
        if let (Some(plain), Some(file)) = (plain, file)
            && plain.layer == file.layer
        {
            let message = format!("must not be set together with {}; remove one", file.subject);
            return Err((plain.subject.clone(), message));
        }
        let is_plain = plain.map(|plain| plain.layer) > file.map(|file| file.layer);
        let Some(given) = plain.filter(|_| is_plain).or(file) else {
            return Ok(None);
        };
        let refused = |message| (given.subject.clone(), message);
        let Some(value) = &given.value else {
            return Err(refused("must be UTF-8 text".to_owned()));
        };
        let Some(text) = text(value) else {
            let message = "must be a single value or a list of them";
            return Err(refused(message.to_owned()));
        };
        let text = text.trim().to_owned();
        if is_plain {
            return Ok(Some((given.subject.clone(), text)));
        }
        let secret = secret_file::content(&text, (self.read.0)(Path::new(&text)));
        let secret = secret.map_err(refused)?;
        Ok(Some((given.subject.clone(), secret)))
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

    /// Reads an optional setting.
    ///
    /// # Errors
    /// [`Invalid`] if `parse` rejects its value.
    pub fn optional<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Invalid> {
        self.given(setting, parse)
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

    /// Returns the settings that were read and are set, by their keys, as they are written, secrets
    /// included.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<&'static str, String> {
        self.texts.clone()
    }

    /// Completes reading and returns the sections.
    ///
    /// # Errors
    /// [`Problems`] lists all problems, including unknown settings.
    pub fn finish<T>(mut self, sections: Result<T, Invalid>) -> Result<T, Problems> {
        let set = self.values.iter();
        let set = set.map(|(key, given)| (key, given.layer, &given.subject));
        let blank = self.blank.iter();
        let blank = blank.map(|(key, (layer, subject))| (key, *layer, subject));
        let unknown = set.chain(blank).filter(|(key, ..)| !self.is_known(key));
        let unknown: Vec<Problem> = unknown
            .map(|(key, layer, subject)| Problem {
                subject: subject.clone(),
                message: unknown::message(key, layer, &self.declared),
            })
            .collect();
        self.problems.extend(unknown);
        match sections {
            Ok(sections) if self.problems.is_empty() => Ok(sections),
            _ => Err(Problems(self.problems)),
        }
    }

    /// Whether a section has declared this key, or the secret in the file that it names.
    fn is_known(&self, key: &str) -> bool {
        let secret = key.strip_suffix(FILE_SUFFIX);
        self.declared.contains(key) || secret.is_some_and(|key| self.secrets.contains(key))
    }
}

/// Returns the variables of Waypost, `None` for a value that is not UTF-8 text, and the settings
/// file that they name.
fn own(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> (BTreeMap<String, Option<String>>, Option<PathBuf>) {
    let (mut variables, mut config) = (BTreeMap::new(), None);
    for (name, value) in environment {
        match name.to_str() {
            Some(CONFIG_VARIABLE) => {
                config = Some(PathBuf::from(value)).filter(|path| !is_blank(path));
            }
            Some(name) if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) => {
                variables.insert(name.to_owned(), value.into_string().ok());
            }
            _ => {}
        }
    }
    (variables, config)
}

fn is_blank(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.trim().is_empty())
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
mod tests;

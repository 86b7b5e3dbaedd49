//! The settings of the last start, in the data directory, for the audit trail.
//!
//! Of a secret, only a hash with a random salt is kept, which shows that it changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::warn;
use waypost_core::{AuditEvent, Random};
use waypost_service::{Audit, Note};
use waypost_settings::SECTIONS;

/// The name of the file. Only the owner may read it.
const FILE: &str = "settings.json";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The salt of the hashes of secrets, in hexadecimal digits.
    salt: String,
    /// The settings that are set, by their keys; secrets as hashes.
    settings: BTreeMap<String, String>,
}

/// A setting that is not as it was at the last start.
#[derive(Debug, PartialEq, Eq)]
struct Changed {
    variable: String,
    detail: String,
}

/// Records which settings changed since the last start, and keeps the present ones. Nothing is
/// recorded at the first start.
pub(crate) async fn compare(
    data_dir: &Path,
    texts: &BTreeMap<&'static str, String>,
    random: &dyn Random,
    audit: &Audit,
) {
    let path = data_dir.join(FILE);
    let last = read(&path);
    let salt = match &last {
        Some(last) => last.salt.clone(),
        None => salt(random),
    };
    let now = Kept::of(texts, salt);
    if last.as_ref() == Some(&now) {
        return;
    }
    for Changed { variable, detail } in last.iter().flat_map(|last| now.changed_since(last)) {
        let note = Note {
            event: AuditEvent::SettingsChanged,
            subject: &variable,
            detail,
        };
        audit.record(note).await;
    }
    if let Err(error) = now.write(&path) {
        warn!(
            %error,
            file = %path.display(),
            "cannot keep the settings of this start; the next start cannot record what changed"
        );
    }
}

/// Returns the last settings. A file that cannot be read counts as none.
fn read(path: &Path) -> Option<Kept> {
    let text = fs::read_to_string(path).ok()?;
    serde_json::from_str(&text).ok()
}

fn salt(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Kept {
    fn of(texts: &BTreeMap<&'static str, String>, salt: String) -> Self {
        let secrets = secrets();
        let settings = texts.iter().map(|(key, text)| {
            let text = if secrets.contains(key) {
                hashed(&salt, key, text)
            } else {
                text.clone()
            };
            ((*key).to_owned(), text)
        });
        Self {
            settings: settings.collect(),
            salt,
        }
    }

    fn changed_since(&self, last: &Self) -> Vec<Changed> {
        let keys: BTreeSet<&String> = self.settings.keys().chain(last.settings.keys()).collect();
        let secrets = secrets();
        let changed = keys.into_iter().filter_map(|key| {
            let (was, is) = (last.settings.get(key), self.settings.get(key));
            let detail = match (was, is) {
                (was, is) if was == is => return None,
                (_, None) => "no longer set".to_owned(),
                _ if secrets.contains(key.as_str()) => "changed".to_owned(),
                (None, Some(is)) => format!("set to {is}"),
                (Some(was), Some(is)) => format!("{was} to {is}"),
            };
            let variable = format!("WAYPOST_{}", key.to_ascii_uppercase());
            Some(Changed { variable, detail })
        });
        changed.collect()
    }

    /// Replaces the file, so that it is complete whenever the process ends.
    fn write(&self, path: &Path) -> io::Result<()> {
        let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        // Created for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

fn secrets() -> BTreeSet<&'static str> {
    let all = SECTIONS.iter().flat_map(|section| section.iter());
    all.filter(|setting| setting.secret)
        .map(|setting| setting.key)
        .collect()
}

fn hashed(salt: &str, key: &str, text: &str) -> String {
    let digest = Sha256::new()
        .chain_update(salt)
        .chain_update(key)
        .chain_update([0])
        .chain_update(text);
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use waypost_core::{Actor, Clock as _, ManualClock, SeededRandom};
    use waypost_store::{AuditQuery, MemoryStore};

    use super::*;

    fn texts(given: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        let owned = given.iter();
        owned
            .map(|(key, text)| (*key, (*text).to_owned()))
            .collect()
    }

    #[tokio::test]
    async fn what_changed_since_the_last_start_is_recorded_without_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let random = Arc::new(SeededRandom::new(1));
        let at = waypost_core::SystemClock.now();
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(at)));
        let audit = Audit::new(store, clock, random.clone());
        let start = async |given: &[(&'static str, &str)]| {
            compare(directory.path(), &texts(given), &*random, &audit).await;
            let query = AuditQuery {
                event: None,
                user: None,
                after: None,
                limit: 100,
            };
            let entries = audit.entries(&Actor::Operator, &query).await.unwrap();
            let line =
                |entry: &waypost_core::AuditEntry| format!("{}: {}", entry.subject, entry.detail);
            let mut lines: Vec<String> = entries.iter().map(line).collect();
            lines.sort();
            lines
        };
        let first = [("workers", "2"), ("admin_token", "hunter2")];
        assert!(start(&first).await.is_empty());
        assert!(start(&first).await.is_empty());
        let file = directory.path().join(FILE);
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        let second = [
            ("workers", "3"),
            ("admin_token", "hunter3"),
            ("privacy", "counts"),
        ];
        let expected = [
            "WAYPOST_ADMIN_TOKEN: changed",
            "WAYPOST_PRIVACY: set to counts",
            "WAYPOST_WORKERS: 2 to 3",
        ];
        assert_eq!(start(&second).await, expected);
        let lines = start(&second[..2]).await;
        assert!(lines.contains(&"WAYPOST_PRIVACY: no longer set".to_owned()));
        assert_eq!(lines.len(), 4);
    }
}

//! Databases that can be restored from a backup.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;
use time::OffsetDateTime;
use waypost_core::{Link, LinkId, ManualClock, SeededRandom, ShortCode, TargetUrl};
use waypost_store::{LinkStore as _, MemoryStore, Store};
use waypost_store_diesel::DatabaseSettings;

use crate::directory;

/// The database of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The in-memory store.
    Memory,
    /// SQLite, in a file.
    Sqlite,
}

/// A database with one link.
pub(crate) enum Database {
    Memory(Arc<MemoryStore>),
    Sqlite {
        directory: TempDir,
        open: waypost_store_diesel::Database,
    },
}

/// The contents of a database.
#[derive(Clone)]
pub(crate) enum Backup {
    Memory(Arc<MemoryStore>),
    /// The bytes of its file, and of the write-ahead log.
    Sqlite([Vec<u8>; 2]),
}

/// Returns the link that is followed.
pub(crate) fn link(at: OffsetDateTime) -> Link {
    Link::new(
        LinkId::new(at, &SeededRandom::new(1)),
        ShortCode::parse("wiki").unwrap(),
        TargetUrl::from_stored("https://example.com".to_owned()).unwrap(),
        at,
    )
}

impl Database {
    pub(crate) async fn new(kind: Kind, at: OffsetDateTime) -> Self {
        match kind {
            Kind::Memory => {
                let store = MemoryStore::with_clock(Arc::new(ManualClock::new(at)));
                store.insert_link(&link(at), None).await.unwrap();
                Self::Memory(Arc::new(store))
            }
            Kind::Sqlite => Self::sqlite(at).await,
        }
    }

    /// Copies one whose schema was created once.
    async fn sqlite(at: OffsetDateTime) -> Self {
        static TEMPLATE: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let directory = directory();
        if let Some(files) = TEMPLATE.get() {
            write(directory.path(), files);
            let open = open(directory.path()).await;
            return Self::Sqlite { directory, open };
        }
        let open = open(directory.path()).await;
        open.prepare_schema(true).await.unwrap();
        open.store().insert_link(&link(at), None).await.unwrap();
        let database = Self::Sqlite { directory, open };
        if let Backup::Sqlite(files) = database.backup() {
            // Another thread may have been faster.
            let _ = TEMPLATE.set(files);
        }
        database
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => {
                let store: Arc<MemoryStore> = Arc::clone(store);
                store
            }
            Self::Sqlite { open, .. } => open.store(),
        }
    }

    /// Returns the present contents. There must be no concurrent writes.
    pub(crate) fn backup(&self) -> Backup {
        match self {
            Self::Memory(store) => Backup::Memory(Arc::new(store.backup())),
            Self::Sqlite { directory, .. } => {
                let files = files(directory.path());
                Backup::Sqlite(files.map(|file| std::fs::read(file).unwrap_or_default()))
            }
        }
    }

    /// Restores a backup. There must be no concurrent use, and stores returned earlier are invalid
    /// afterwards.
    pub(crate) async fn set_back(&mut self, backup: &Backup) {
        match (self, backup) {
            (Self::Memory(store), Backup::Memory(backup)) => store.restore(backup),
            (
                Self::Sqlite {
                    directory,
                    open: database,
                },
                Backup::Sqlite(files),
            ) => {
                database.close();
                write(directory.path(), files);
                *database = open(directory.path()).await;
            }
            _ => unreachable!("a backup is of its database"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Sqlite { open, .. } = self {
            open.close();
        }
    }
}

async fn open(directory: &Path) -> waypost_store_diesel::Database {
    let [path, _] = files(directory);
    let url = format!("sqlite://{}", path.display());
    let settings = DatabaseSettings::for_url(&url).unwrap();
    waypost_store_diesel::Database::connect(&settings)
        .await
        .unwrap()
}

fn files(directory: &Path) -> [PathBuf; 2] {
    ["waypost.db", "waypost.db-wal"].map(|name| directory.join(name))
}

fn write(directory: &Path, bytes: &[Vec<u8>; 2]) {
    let _ = std::fs::remove_file(directory.join("waypost.db-shm"));
    for (path, bytes) in files(directory).iter().zip(bytes) {
        let _ = std::fs::remove_file(path);
        if !bytes.is_empty() {
            std::fs::write(path, bytes).unwrap();
        }
    }
}

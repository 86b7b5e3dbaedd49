//! The free disk space of the data: when it becomes too small, changes are refused, so that the rest
//! is left for clicks.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use metrics::{describe_gauge, gauge};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use waypost_core::settings::{Invalid, Setting, SettingsReader};

use crate::metrics::{DISK_FREE, DISK_LOW};

const MIN_FREE_MIB: Setting = Setting::new(
    "min_free_mib",
    "256",
    "Free disk space of the data directory in MiB below which changes are refused (0: never)",
);

/// How often the free space is read.
const INTERVAL: Duration = Duration::from_secs(5);
const MIB: u64 = 1_024 * 1_024;
/// Part of the minimum that must be free beyond it before changes are accepted again, so that the
/// state does not change back and forth.
const MORE: u64 = 8;

/// The setting of the free disk space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSettings {
    /// The minimum in MiB; 0 accepts changes always.
    pub min_free_mib: u64,
}

impl DiskSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[MIN_FREE_MIB];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if the setting has a problem; the reader has recorded it.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let min_free_mib = reader.number(&MIN_FREE_MIB, 256, 0..=1_000_000_000)?;
        Ok(Self { min_free_mib })
    }
}

/// The free disk space, as it was last read. Clones are cheap.
#[derive(Debug, Clone)]
pub struct DiskSpace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directories: Vec<PathBuf>,
    /// In bytes; 0 if changes are never refused.
    min_free: u64,
    free: AtomicU64,
    is_low: AtomicBool,
}

impl DiskSpace {
    /// Reads the free space of the file systems of these directories; the smallest one counts.
    #[must_use]
    pub fn of(directories: Vec<PathBuf>, settings: DiskSettings) -> Self {
        let space = Self(Arc::new(Inner {
            directories,
            min_free: settings.min_free_mib.saturating_mul(MIB),
            free: AtomicU64::new(u64::MAX),
            is_low: AtomicBool::new(false),
        }));
        space.read();
        space
    }

    /// Whether there is so little space that changes are refused.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.0.is_low.load(Ordering::Relaxed)
    }

    /// Returns the free space in MiB, rounded down.
    #[must_use]
    pub fn free_mib(&self) -> u64 {
        self.0.free.load(Ordering::Relaxed) / MIB
    }

    /// Returns the minimum in MiB.
    #[must_use]
    pub fn min_free_mib(&self) -> u64 {
        self.0.min_free / MIB
    }

    /// Reads the free space every few seconds, until `stop` is cancelled.
    pub async fn watch(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            // A file system may keep its callers waiting.
            let space = self.clone();
            let read = tokio::task::spawn_blocking(move || space.read());
            if stop.run_until_cancelled(read).await.is_none() {
                return;
            }
        }
    }

    fn read(&self) {
        let mut smallest: Option<(u64, &Path)> = None;
        for directory in &self.0.directories {
            match free(directory) {
                Ok(free) if smallest.is_none_or(|(least, _)| free < least) => {
                    smallest = Some((free, directory));
                }
                Ok(_) => {}
                Err(error) => {
                    let directory = directory.display();
                    debug!(%error, %directory, "cannot read the free disk space");
                }
            }
        }
        if let Some((free, directory)) = smallest {
            self.note(free, directory);
        }
    }

    /// Records the free space in bytes of the directory that has least.
    pub fn note(&self, free: u64, directory: &Path) {
        let Inner {
            min_free, is_low, ..
        } = &*self.0;
        self.0.free.store(free, Ordering::Relaxed);
        let was_low = is_low.load(Ordering::Relaxed);
        let enough = if was_low {
            min_free.saturating_add(min_free / MORE)
        } else {
            *min_free
        };
        let low = free < enough;
        is_low.store(low, Ordering::Relaxed);
        let (free_mib, min_free_mib) = (self.free_mib(), self.min_free_mib());
        if low && !was_low {
            warn!(
                free_mib,
                min_free_mib,
                directory = %directory.display(),
                "too little free disk space; changes are refused and clicks are accepted; make room, \
                 or lower WAYPOST_MIN_FREE_MIB"
            );
        } else if was_low && !low {
            info!(
                free_mib,
                "enough free disk space again; changes are accepted"
            );
        }
        #[expect(
            clippy::as_conversions,
            clippy::cast_precision_loss,
            reason = "there is no other conversion, and the metric needs no exact bytes"
        )]
        gauge!(DISK_FREE).set(free as f64);
        gauge!(DISK_LOW).set(f64::from(u8::from(low)));
    }
}

/// Returns the free bytes of the file system of a directory that its user may write.
fn free(directory: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(directory)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Describes the metrics, and sets them to 0 until the space is read.
pub(crate) fn describe() {
    describe_gauge!(
        DISK_FREE,
        metrics::Unit::Bytes,
        "Free disk space of the data directory in bytes."
    );
    describe_gauge!(
        DISK_LOW,
        "Whether changes are refused because there is too little free disk space (1) or not (0)."
    );
    gauge!(DISK_FREE).set(0);
    gauge!(DISK_LOW).set(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(min_free_mib: u64) -> DiskSpace {
        DiskSpace::of(Vec::new(), DiskSettings { min_free_mib })
    }

    #[test]
    fn space_is_low_below_the_minimum_until_there_is_an_eighth_more() {
        let space = of(256);
        let note = |mib: u64| {
            space.note(mib * MIB, Path::new("/data"));
            space.is_low()
        };
        assert!(!space.is_low(), "unknown");
        assert!(!note(256));
        assert!(note(255));
        assert_eq!((space.free_mib(), space.min_free_mib()), (255, 256));
        assert!(note(287));
        assert!(!note(288));
        assert!(!note(256));
    }

    #[test]
    fn without_a_minimum_space_is_never_low() {
        let space = of(0);
        space.note(0, Path::new("/data"));
        assert!(!space.is_low());
    }

    #[test]
    fn the_space_of_a_directory_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let read = |min_free_mib| {
            let directories = vec![missing.clone(), directory.path().to_owned()];
            DiskSpace::of(directories, DiskSettings { min_free_mib })
        };
        assert!(read(1_000_000_000).is_low());
        let some = read(1);
        assert!(some.free_mib() < u64::MAX / MIB, "it was read");
    }

    #[test]
    fn the_setting_is_read() {
        let read = |variables: &[(&str, &str)]| {
            let mut reader = SettingsReader::of_variables(variables);
            let read = DiskSettings::read(&mut reader);
            reader.finish(read).map(|settings| settings.min_free_mib)
        };
        assert_eq!(read(&[]), Ok(256));
        assert_eq!(read(&[("WAYPOST_MIN_FREE_MIB", "0")]), Ok(0));
        assert!(read(&[("WAYPOST_MIN_FREE_MIB", "-1")]).is_err());
    }
}

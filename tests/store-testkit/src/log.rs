//! A log that tests can read.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};

thread_local! {
    /// Where this thread's log is written.
    static CURRENT: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The log output of this thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Captures the log while it exists.
pub struct Listening(());

impl Log {
    /// Captures the log until the guard is dropped.
    #[must_use]
    pub fn install(&self) -> Listening {
        // One for all threads: the level filter is shared by all of them.
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(|| CURRENT.with_borrow(Clone::clone).unwrap_or_default());
            subscriber.init();
            tracing::callsite::rebuild_interest_cache();
        });
        CURRENT.set(Some(self.clone()));
        Listening(())
    }

    /// Returns the number of lines of a level.
    #[must_use]
    pub fn count(&self, level: &str) -> usize {
        self.text()
            .lines()
            .filter(|line| line.contains(level))
            .count()
    }

    /// Returns all of the output.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

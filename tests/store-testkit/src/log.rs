//! A log that tests read.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};

thread_local! {
    /// Where what this thread logs is written.
    static CURRENT: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// What was written to the log on this thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Listens while it exists.
pub struct Listening(());

impl Log {
    /// Listens until the guard is dropped.
    #[must_use]
    pub fn install(&self) -> Listening {
        // One for all threads: which events are wanted is remembered for all of them.
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

    /// The number of lines of a level.
    #[must_use]
    pub fn count(&self, level: &str) -> usize {
        self.text()
            .lines()
            .filter(|line| line.contains(level))
            .count()
    }

    /// All of it.
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

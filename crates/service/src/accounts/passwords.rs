//! Hashing passwords on a thread of its own.
//!
//! A hash takes tens of milliseconds of a core and 19 MiB of memory, on purpose. All hashes run on
//! one thread of the lowest priority: however many people sign in at once, or try to, redirects go
//! first, and only one hash uses memory at a time. A few requests may wait for their turn; further
//! ones are rejected.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;
use waypost_core::{Password, PasswordHash, Random};
use waypost_store::{StoreError, lower_priority};

use super::AccountError;

/// Maximum number of requests that wait for their turn: about a second, at some tens of
/// milliseconds each.
const WAITING: usize = 16;

/// A computation.
type Job = Box<dyn FnOnce() + Send>;

/// The thread. It starts when it is first needed and ends when this is dropped.
#[derive(Default)]
pub(super) struct PasswordThread(OnceLock<Option<SyncSender<Job>>>);

impl PasswordThread {
    /// Hashes a password.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many are already waiting.
    pub(super) async fn hash(
        &self,
        password: Password,
        random: &Arc<dyn Random>,
    ) -> Result<PasswordHash, AccountError> {
        let random = Arc::clone(random);
        Ok(self.run(move || password.hash(&*random)).await??)
    }

    /// Returns whether a hash is that of the presented password.
    ///
    /// # Errors
    /// [`AccountError::Busy`] when too many are already waiting.
    pub(super) async fn verify(
        &self,
        hash: PasswordHash,
        presented: String,
    ) -> Result<bool, AccountError> {
        self.run(move || hash.is_of(&presented)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let (sender, done) = oneshot::channel();
        let job = Box::new(move || {
            // The request may be gone by now.
            if !sender.is_closed() {
                let _ = sender.send(work());
            }
        });
        let thread = self.0.get_or_init(start);
        let thread = thread.as_ref().ok_or_else(ended)?;
        match thread.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(AccountError::Busy),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
        }
        done.await.map_err(|_| ended())
    }
}

fn start() -> Option<SyncSender<Job>> {
    let (sender, jobs) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("passwords".to_owned());
    let spawned = thread.spawn(move || work(&jobs));
    if let Err(error) = &spawned {
        tracing::error!(%error, "cannot start the thread that hashes passwords");
    }
    spawned.ok().map(|_| sender)
}

fn work(jobs: &Receiver<Job>) {
    lower_priority("hashes passwords");
    while let Ok(job) = jobs.recv() {
        job();
    }
}

fn ended() -> AccountError {
    StoreError::internal("the thread that hashes passwords has ended").into()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn whoever_finds_too_many_waiting_is_sent_away() {
        let thread = Arc::new(PasswordThread::default());
        let (started, starts) = channel();
        let (release, held) = channel::<()>();
        let run = |work: Box<dyn FnOnce() + Send>| {
            let thread = thread.clone();
            tokio::spawn(async move { thread.run(work).await })
        };
        let first = run(Box::new(move || {
            started.send(()).unwrap();
            held.recv().unwrap();
        }));
        let begun = tokio::task::spawn_blocking(move || starts.recv().unwrap());
        begun.await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITING {
            waiting.push(run(Box::new(|| {})));
        }
        tokio::task::yield_now().await;
        let one_more = run(Box::new(|| {})).await.unwrap();
        assert!(matches!(one_more, Err(AccountError::Busy)), "{one_more:?}");
        release.send(()).unwrap();
        assert!(first.await.unwrap().is_ok());
        for waiting in waiting {
            assert!(waiting.await.unwrap().is_ok());
        }
        assert!(run(Box::new(|| {})).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_computed() {
        let thread = PasswordThread::default();
        let (release, held) = channel::<()>();
        let mut first = Box::pin(thread.run(move || held.recv().is_ok()));
        let mut second = Box::pin(thread.run(|| panic!("computed")));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(second);
        release.send(()).unwrap();
        assert!(first.await.unwrap());
        assert!(thread.run(|| true).await.unwrap());
    }
}

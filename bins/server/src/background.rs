//! Background tasks. A task runs until it is stopped. If one ends by itself, it has crashed, and
//! the process exits: a restart is better than a server without one of its tasks.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The background tasks of the server.
#[derive(Default)]
pub(crate) struct Background {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Background {
    /// Starts a task, which must end soon after its token is cancelled.
    pub(crate) fn start<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = self.tasks.spawn(task(self.stop.clone())).id();
        self.names.insert(id, name);
    }

    /// Waits until a task crashes. Never returns if there are no tasks.
    pub(crate) async fn crashed(&mut self) -> Failure {
        let (id, source) = match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => (id, None),
            Some(Err(error)) => (error.id(), Some(error)),
        };
        Failure::Crashed {
            task: self.names.get(&id).copied().unwrap_or("unknown"),
            source,
        }
    }

    /// Stops all tasks and waits until they have ended.
    ///
    /// # Errors
    /// [`Failure::Crashed`] for the first task that panicked.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        self.stop.cancel();
        let mut crashed = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                let task = self.names.get(&error.id()).copied().unwrap_or("unknown");
                crashed = crashed.and(Err(Failure::Crashed {
                    task,
                    source: Some(error),
                }));
            }
        }
        crashed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_returns_has_crashed() {
        let mut background = Background::default();
        background.start("steady", CancellationToken::cancelled_owned);
        background.start("brittle", async |_| panic!("broken"));
        let failure = background.crashed().await.explained();
        assert!(failure.contains("`brittle` crashed"), "{failure}");
        background.start("short", async |_| {});
        let failure = background.crashed().await.explained();
        assert_eq!(failure, "the background task `short` crashed");
        assert!(background.stop().await.is_ok());
    }

    #[tokio::test]
    async fn tasks_end_when_they_are_stopped() {
        let mut background = Background::default();
        background.start("one", CancellationToken::cancelled_owned);
        background.start("two", CancellationToken::cancelled_owned);
        assert!(background.stop().await.is_ok());
    }

    #[tokio::test]
    async fn a_task_that_crashes_while_it_stops_is_a_failure() {
        let mut background = Background::default();
        background.start("brittle", async |stop: CancellationToken| {
            stop.cancelled().await;
            panic!("broken");
        });
        let failure = background.stop().await.unwrap_err().explained();
        assert!(failure.contains("`brittle` crashed"), "{failure}");
    }
}

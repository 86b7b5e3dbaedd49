//! Connecting to one of the servers that a database URL names.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult};
use tokio::time::timeout;

/// Maximum time for all servers together. Less than callers wait for a connection, so that a server
/// that does not answer at all does not keep callers from the next one.
const ALL: Duration = Duration::from_millis(4_500);
/// Maximum time for an only server.
const ONLY: Duration = Duration::from_secs(10);
/// Maximum time for each of several servers.
const EACH: Duration = Duration::from_millis(1_500);

/// The servers of one database. Remembers which one answered last.
///
/// A process uses one of them at a time: a connection opened before it switched to another server
/// is not used again. The old server may be back, and accept writes that the others do not know of.
pub(crate) struct Servers {
    urls: Vec<String>,
    last: AtomicUsize,
    /// When the process switched to the present server.
    since: Mutex<Option<Instant>>,
}

impl Servers {
    pub(crate) const fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            last: AtomicUsize::new(0),
            since: Mutex::new(None),
        }
    }

    /// Returns whether there are several servers.
    pub(crate) const fn are_several(&self) -> bool {
        self.urls.len() > 1
    }

    /// Returns the only server of SQLite: the path of the file.
    pub(crate) fn first(&self) -> &str {
        self.urls.first().map_or("", String::as_str)
    }

    /// Connects to the server that answered last, or else to the first of the others that can be
    /// used.
    pub(crate) async fn connect<C, Connecting>(
        &self,
        connect: impl Fn(String) -> Connecting + Send,
    ) -> ConnectionResult<C>
    where
        C: Send,
        Connecting: Future<Output = ConnectionResult<C>> + Send,
    {
        let last = self.last.load(Ordering::Relaxed);
        let (later, first) = self
            .urls
            .split_at_checked(last)
            .unwrap_or((&self.urls, &[]));
        let mut failures: Vec<ConnectionError> = Vec::new();
        for (number, url) in (last..).zip(first).chain((0..).zip(later)) {
            match self.limited(connect(url.clone())).await {
                Ok(connection) => {
                    self.use_server(number);
                    return Ok(connection);
                }
                Err(failure) => failures.push(failure),
            }
        }
        Err(one_of(failures))
    }

    /// Records which server is used from now on.
    fn use_server(&self, number: usize) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.last.swap(number, Ordering::Relaxed) != number {
            *since = Some(Instant::now());
            let number = number.saturating_add(1);
            tracing::info!(number, "connected to another database server");
        }
    }

    /// Returns whether a connection is to the server that is used now.
    pub(crate) fn is_current(&self, connected: Instant) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| connected >= since)
    }

    /// Limits the time of a connection attempt.
    async fn limited<C>(
        &self,
        connecting: impl Future<Output = ConnectionResult<C>> + Send,
    ) -> ConnectionResult<C> {
        let count = u32::try_from(self.urls.len()).unwrap_or(u32::MAX);
        let (limit, hint) = match count {
            0 | 1 => (
                ONLY,
                ": the server, or a pooler before it, may have no free connection",
            ),
            several => ((ALL / several).min(EACH), ""),
        };
        timeout(limit, connecting).await.unwrap_or_else(|_| {
            let silent = format!("no answer within {limit:?}{hint}");
            Err(ConnectionError::BadConnection(silent))
        })
    }
}

/// Returns the failure of an only server as it is, or one with the texts of all.
fn one_of(mut failures: Vec<ConnectionError>) -> ConnectionError {
    match failures.pop() {
        Some(failure) if failures.is_empty() => failure,
        last => {
            let failures = failures.iter().chain(&last);
            let texts: Vec<String> = failures.map(ToString::to_string).collect();
            ConnectionError::BadConnection(texts.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_server_that_answered_last_is_asked_first() {
        let servers = Servers::new(["a", "b", "c"].map(String::from).into());
        let connect = async |usable: &str| {
            let asked = std::sync::Mutex::new(Vec::new());
            let connected = servers.connect(|url| {
                asked.lock().unwrap().push(url.clone());
                let is_usable = usable == url;
                async move {
                    match url.as_str() {
                        _ if is_usable => Ok(url),
                        "a" => std::future::pending().await,
                        _ => Err(ConnectionError::BadConnection(url)),
                    }
                }
            });
            let connected = connected.await.map_err(|error| error.to_string());
            (connected, asked.into_inner().unwrap().concat())
        };
        let before = Instant::now();
        assert!(servers.is_current(before));
        assert_eq!(connect("b").await, (Ok("b".into()), "ab".into()));
        assert!(!servers.is_current(before) && servers.is_current(Instant::now()));
        assert_eq!(connect("b").await, (Ok("b".into()), "b".into()));
        assert_eq!(connect("a").await, (Ok("a".into()), "bca".into()));
        let (failed, asked) = connect("none").await;
        assert_eq!(asked, "abc");
        assert!(failed.unwrap_err().contains("no answer within 1.5s; b; c"));
    }
}

//! Waiting for an event, up to a limit.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How long tests wait for an event that is certain to happen soon. Far longer than it takes on an
/// idle machine: a test that fails because others use the processors proves nothing.
pub const PATIENCE: Duration = Duration::from_secs(120);

const POLL: Duration = Duration::from_millis(20);

/// Checks the condition every 20 ms until it holds.
///
/// ```no_run
/// # use waypost_test_harness::{PATIENCE, TestDatabase, wait_until};
/// # async fn example(database: TestDatabase) {
/// wait_until("the click is stored", PATIENCE, async || {
///     database.number("select count(*) from link_clicks").await == 1
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
/// When the time is over, with the description, which is formatted then. A condition that does not
/// return is cancelled.
pub async fn wait_until(
    description: impl Display,
    timeout: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(POLL).await;
        }
    };
    if tokio::time::timeout(timeout, poll).await.is_err() {
        panic!("waited {timeout:?} in vain until {description}");
    }
}

/// Does the same as [`wait_until`], for tests without an async runtime.
///
/// # Panics
/// When the time is over, with the description.
pub fn wait_until_blocking(
    description: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> bool,
) {
    let deadline = Instant::now() + timeout;
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "waited {timeout:?} in vain until {description}"
        );
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, wait_until, wait_until_blocking};
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_ends_when_the_condition_holds() {
        let mut asked = 0;
        wait_until("asked three times", PATIENCE, async || {
            asked += 1;
            asked == 3
        })
        .await;
        assert_eq!(asked, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain until the cows come home")]
    async fn waiting_in_vain_says_for_what() {
        let timeout = Duration::from_millis(50);
        wait_until("the cows come home", timeout, async || {
            std::future::pending().await
        })
        .await;
    }

    #[test]
    #[should_panic(expected = "in vain until the cows come home")]
    fn waiting_in_vain_without_a_runtime_says_for_what() {
        wait_until_blocking("the cows come home", Duration::from_millis(50), || false);
    }
}

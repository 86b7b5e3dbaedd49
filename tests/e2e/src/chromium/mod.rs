//! Chromium, as people use it: tabs in which pages are opened, read, filled in and looked at.
//!
//! A [`Chromium`] is a driver with as many browsers as a test needs; each [`Tab`] is a browser of its own, with
//! cookies, cache and history of its own. What a person does is a method of the tab; it waits until it can
//! be done, and panics with what is on the page where it cannot. A tab is [closed](Tab::close) at the end,
//! which fails where the browser has complained: of errors, of the policy, of what could not be loaded.
//!
//! Few browsers run at a time: whoever starts another [`Chromium`] waits for its turn.

mod checks;
mod look;
mod tab;
mod target;
mod traffic;

use std::time::Duration;

use reqwest::Client;
use serde_json::json;
use thirtyfour::{Capabilities, WebDriver};
use tokio::sync::{Semaphore, SemaphorePermit};
use waypost_test_harness::{ChromeDriver, ServerProcess};

pub use checks::HtmlCheck;
pub use look::{LOOKS, Scheme, Screen};
pub use tab::Tab;
pub use target::{Target, any, button, css, field, heading, link};
pub use thirtyfour::Key;
pub use traffic::{Load, Loaded};

/// How many tests of a process have browsers at a time.
const AT_A_TIME: usize = 2;
/// Whose turn it is.
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);
/// How long a command may take: a page loads, a browser starts.
const COMMAND_TIMEOUT: Duration = waypost_test_harness::PATIENCE;

/// A driver and its browsers, which end with it.
pub struct Chromium {
    driver: ChromeDriver,
    _turn: SemaphorePermit<'static>,
}

impl Chromium {
    /// Starts a driver when it is this test's turn.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn start() -> Self {
        let turn = TURNS.acquire().await.expect("never closed");
        let driver = tokio::task::spawn_blocking(ChromeDriver::start);
        Self {
            driver: driver.await.expect("a driver"),
            _turn: turn,
        }
    }

    /// A new browser, for the pages of a server.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn tab(&self, server: &ServerProcess) -> Tab {
        self.browser(server, true).await
    }

    /// A new browser whose owner has turned JavaScript off.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn tab_without_javascript(&self, server: &ServerProcess) -> Tab {
        self.browser(server, false).await
    }

    async fn browser(&self, server: &ServerProcess, javascript: bool) -> Tab {
        // The driver is on this machine, whatever proxy there is to others.
        let client = Client::builder()
            .no_proxy()
            .timeout(COMMAND_TIMEOUT)
            .build()
            .expect("a client needs nothing");
        let session = WebDriver::builder(self.driver.url(), self.capabilities(javascript))
            .client(client)
            .connect()
            .await;
        let session = session.unwrap_or_else(|error| {
            let output = self.driver.output();
            panic!("Chromium does not start: {error}\nthe driver's output:\n{output}")
        });
        let tab = Tab::new(session, server.url(""));
        tab.resize(Screen::Wide).await;
        tab
    }

    fn capabilities(&self, javascript: bool) -> Capabilities {
        let wanted = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "binary": self.driver.chromium(),
                "args": ChromeDriver::arguments(),
                "prefs": { "webkit.webprefs.javascript_enabled": javascript },
            },
        });
        let serde_json::Value::Object(wanted) = wanted else {
            unreachable!("is an object");
        };
        Capabilities::from(wanted)
    }
}

//! Chromium, driven as a person uses it: tabs that open, read, fill in and photograph pages.
//!
//! A [`Chromium`] is a driver with as many browsers as a test needs. Each [`Tab`] is a separate
//! browser with its own cookies, cache and history. Each action of a person is a method of the tab.
//! It waits until the action is possible, and otherwise panics with the text of the page.
//! [`Tab::close`] ends a tab, and fails if the browser reported a problem: an error in the console,
//! a violation of the content security policy, or a resource that could not be loaded.
//!
//! Only a few browsers run at a time: [`Chromium::start`] waits for its turn.

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
pub use look::{LOOKS, NARROW, Scheme, Screen};
pub use tab::Tab;
pub use target::{Target, any, button, css, field, heading, link};
pub use thirtyfour::Key;
pub use traffic::{Load, Loaded};

/// Maximum number of tests of a process with browsers at a time.
const AT_A_TIME: usize = 2;
/// The permits of running tests.
static TURNS: Semaphore = Semaphore::const_new(AT_A_TIME);
/// Maximum time of a command, such as loading a page or starting a browser.
const COMMAND_TIMEOUT: Duration = waypost_test_harness::PATIENCE;

/// A driver and its browsers. Dropping it ends them.
pub struct Chromium {
    driver: ChromeDriver,
    _turn: SemaphorePermit<'static>,
}

impl Chromium {
    /// Waits for this test's turn and starts a driver.
    ///
    /// # Panics
    /// When the driver cannot be started.
    pub async fn start() -> Self {
        let turn = TURNS.acquire().await.expect("never closed");
        let driver = tokio::task::spawn_blocking(ChromeDriver::start);
        Self {
            driver: driver.await.expect("a driver"),
            _turn: turn,
        }
    }

    /// Starts a browser for the pages of a server.
    ///
    /// # Panics
    /// When the browser cannot be started.
    pub async fn tab(&self, server: &ServerProcess) -> Tab {
        self.browser(server, true).await
    }

    /// Starts a browser with JavaScript disabled.
    ///
    /// # Panics
    /// When the browser cannot be started.
    pub async fn tab_without_javascript(&self, server: &ServerProcess) -> Tab {
        self.browser(server, false).await
    }

    async fn browser(&self, server: &ServerProcess, javascript: bool) -> Tab {
        // The driver is on this machine: use no proxy.
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
